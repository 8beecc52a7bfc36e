"""Commands that the documentation prints: each exists, with its options, and is whole where a reader would run it."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import typer
from typer._click.exceptions import MissingParameter, NoArgsIsHelpError

from streams.cli.main import make_app
from tests.support.printed_commands import PrintedCommand, printed_commands

RUN_FROM_TEXT = ("README.md", "runbooks.md")
"""Pages whose commands in running text are run as they are printed; other pages mention commands there."""
PAGES = [
    *(Path(name) for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "client/README.md")),
    *sorted(Path("docs").glob("*.md")),
]
COMMANDS = [command for page in PAGES for command in printed_commands(page)]
VALUES = {
    "TAG": "sometag", "FILE": "file", "FOLDER": "folder", "COUNTRY": "IN", "REVISION": "0123456789ab", "WHY": "reason",
    "YOU": "asha", "NAME": "asha", "ORDER": "IN-0123456789", "APPEAL": "appeal-1", "REFERENCE": "r", "ACCOUNT": "17",
    "ENTRY": "17", "TOPIC": "hashtag-partials", "PARTITION": "0", "OFFSET": "17", "KEY": "key", "CHANNEL": "slack",
    "ROLE": "worker", "PLATFORM": "Example", "SITE": "https://example.org",
}  # fmt: skip


@pytest.fixture(scope="module")
def program() -> Any:
    return typer.main.get_command(make_app())


def parse(program: Any, words: list[str]) -> None:
    """Parse a command line without running it.

    Raises:
        UsageError: a command or an option is unknown, a value cannot be used, or a required one is missing.
    """
    command: Any = program
    parent: Any = None
    while True:
        context = command.make_context(command.name, list(words), parent=parent)
        if not hasattr(command, "commands") or not (rest := [*context._protected_args, *context.args]):
            return
        _, command, words = command.resolve_command(context, rest)
        parent = context


@pytest.mark.parametrize("printed", COMMANDS, ids=str)
def test_printed_command_parses(program: Any, printed: PrintedCommand) -> None:
    try:
        parse(program, printed.filled(VALUES))
    except (MissingParameter, NoArgsIsHelpError):
        assert not printed.in_block and printed.page not in RUN_FROM_TEXT, "a reader cannot run this as it is printed"


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_printed_make_target_and_module_exist(page: Path) -> None:
    text = page.read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", Path("Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE)) <= targets
    modules = set(re.findall(r"(?:^|`)(?:\.venv/bin/)?python -m ([\w.]+)", text, re.MULTILINE))
    assert [name for name in sorted(modules) if find_spec(name) is None] == []


def test_pages_print_commands() -> None:
    assert len(COMMANDS) > 150 and {"README.md", "runbooks.md"} <= {command.page for command in COMMANDS}
