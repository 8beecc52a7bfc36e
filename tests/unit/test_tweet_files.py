"""The numbers of files that docs/architecture.md gives for the way of one tweet."""

from __future__ import annotations

import json
import re
import subprocess
import sys

from tests.support.paths import ROOT
from tests.support.tweet_files import listed_files

ABOUT = 5
"""Files that more or fewer may run: whether texts are scored ahead depends on the threads."""


def test_listed_files_exist() -> None:
    assert not [name for name in listed_files() if not (ROOT / name).is_file()]


def test_document_has_numbers_of_listed_and_executed_files() -> None:
    text = " ".join((ROOT / "docs" / "architecture.md").read_text("utf-8").split())
    numbers = re.search(r"passes these (\d+) files .* functions of about (\d+) files run", text)
    assert numbers is not None
    command = [sys.executable, "-m", "tests.support.tweet_files"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    measured = json.loads(done.stdout)
    assert int(numbers[1]) == measured["listed"]
    assert abs(int(numbers[2]) - measured["executed"]) <= ABOUT, measured
