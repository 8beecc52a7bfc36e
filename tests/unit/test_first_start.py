"""The first start: each step says what it does and its usual time, and one setting holds certificates."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

STEP = Path(".ci/step").resolve()


def run_step(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([STEP, "doing it", "9 s", *command], capture_output=True, text=True, timeout=60)


def test_step_prints_its_words_and_usual_time_first() -> None:
    done = run_step("echo", "result")
    assert (done.returncode, done.stdout) == (0, "doing it (9 s)\nresult\n")


def test_step_passes_the_exit_code_on() -> None:
    assert run_step("sh", "-c", "echo why >&2; exit 7").returncode == 7


def test_long_step_prints_the_time_so_far() -> None:
    assert re.fullmatch(r"doing it \(9 s\)\n(?:  \d+ s\n)+", run_step("sleep", "6").stdout)


def test_each_silent_command_of_the_set_up_is_a_step() -> None:
    recipes = Path("Makefile").read_text("utf-8").replace("\\\n", " ").splitlines()
    slow = [
        line for line in recipes if line.startswith("\t") and re.search(r"pip (?:install|sync)|warm-up|-m venv", line)
    ]
    assert len(slow) >= 6
    assert [line for line in slow if "$(STEP)" not in line] == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"SSL_CERT_FILE": "ca.pem"}, "ca.pem"), ({}, ""),
        ({"SSL_CERT_FILE": "ca.pem", "REQUESTS_CA_BUNDLE": "other.pem"}, "other.pem"),
        ({"SSL_CERT_FILE": "ca.pem", "CURL_CA_BUNDLE": "other.pem"}, ""),
    ],
)  # fmt: skip
def test_one_certificate_setting_reaches_pip(given: dict[str, str], expected: str) -> None:
    names = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
    environment = {name: value for name, value in os.environ.items() if name not in names and name != "MAKEFLAGS"}
    shown = subprocess.run(
        ["make", "-s", "-f", "Makefile", "-f", "-", "shown"], input='shown:\n\t@echo "$${REQUESTS_CA_BUNDLE-}"\n',
        env=environment | given, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert shown.stdout.strip() == expected
