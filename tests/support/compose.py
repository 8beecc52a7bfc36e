"""docker-compose.yml without an engine: its documented commands, the .env that they make, and the rendered services."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from tests.support.paths import ROOT

COMPOSE_FILE = ROOT / "docker-compose.yml"
_DOCKER = """#!/bin/sh
# Stands in for docker: `run` starts a command of this environment instead of the image's.
[ "$1" = run ] || exit 0
shift
program=hushtag
while :; do
  case "$1" in
    --rm|--interactive) shift ;;
    --entrypoint) program=$2; shift 2 ;;
    hushtag:*) shift; exec "$program" "$@" ;;
    *) echo "unknown option $1" >&2; exit 2 ;;
  esac
done
"""
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::([?-])([^}]*))?\}|(\$))")


def documented_commands() -> str:
    """Return the shell commands at the head of the file."""
    head = COMPOSE_FILE.read_text("utf-8").partition("\nname:")[0]
    return "".join(f"{line[4:]}\n" for line in head.splitlines() if line.startswith("#   "))


def run_documented_commands(folder: Path) -> tuple[dict[str, str], str]:
    """Run the commands in a folder; return the variables of the .env that they write, and what they print."""
    programs = folder / "programs"
    programs.mkdir()
    (programs / "docker").write_text(_DOCKER)
    (programs / "docker").chmod(0o755)
    path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ["PATH"]])
    script = ["sh", "-euc", documented_commands()]
    done = subprocess.run(
        script, cwd=folder, env=os.environ | {"PATH": path}, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return read_env((folder / ".env").read_text("utf-8")), done.stdout


def read_env(text: str) -> dict[str, str]:
    """Parse a .env as compose does: a value in single quotes is literal, and $ in any other is replaced.

    Raises:
        AssertionError: a value would be replaced, or a line is no assignment.
    """
    variables = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        assert equals and re.fullmatch(r"\w+", name), line
        quoted = re.fullmatch(r"'([^']*)'", value)
        assert quoted or not re.search(r"[$'\"#\s]", value), f"compose would change the value of {name}"
        variables[name] = quoted[1] if quoted else value
    return variables


def render_services(variables: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Render the services that `docker compose up` would start.

    Raises:
        AssertionError: a required variable is missing.
    """

    def replace(match: re.Match[str]) -> str:
        name, operator, word, dollar = match.groups()
        if dollar:
            return "$"
        value = variables.get(name, "")
        assert value or operator != "?", f"{name}: {word}"
        return value or (word or "")

    def rendered(node: Any) -> Any:
        if isinstance(node, dict):
            return {name: rendered(value) for name, value in node.items()}
        if isinstance(node, list):
            return [rendered(value) for value in node]
        return _VARIABLE.sub(replace, node) if isinstance(node, str) else node

    profiles = set(variables.get("COMPOSE_PROFILES", "").split(","))
    services: dict[str, dict[str, Any]] = rendered(yaml.safe_load(COMPOSE_FILE.read_text("utf-8")))["services"]
    return {
        name: service
        for name, service in services.items()
        if "profiles" not in service or profiles & set(service["profiles"])
    }
