"""python -m tests.recordings FOLDER: write the recordings of this commit; `diff -r` compares two folders."""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import structlog

from moderation.access.keys import ROLES
from tests.recordings import commands, console
from tests.recordings.states import STATES
from tests.support.console_client import console_client

PARTS = ("document", "reads", "writes", "help", "replay")


def main() -> None:
    """Write each part's files, and print its time."""
    parser = argparse.ArgumentParser(prog="python -m tests.recordings", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", choices=PARTS, action="append", help="a part; may be repeated")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    for part in given.only or PARTS:
        begin = time.monotonic()
        folder = given.folder / part
        folder.mkdir(parents=True, exist_ok=True)
        _write(part, folder)
        print(f"{part}: {sum(1 for _ in folder.iterdir())} files, {time.monotonic() - begin:.0f} s", flush=True)


def _write(part: str, folder: Path) -> None:
    if part == "document":
        _lines(folder / "openapi.json", [console_client().get("/openapi.json").text])
    elif part == "help":
        for words, text in commands.helps():
            _lines(folder / f"{words.replace(' ', '-') or 'hushtag'}.txt", [text])
    elif part == "replay":
        for seed in commands.HISTORIES:
            commands.replay(seed, folder)
    else:
        answers: Callable[[str, str], Iterable[str]] = console.reads if part == "reads" else console.writes
        for state in STATES:
            for role in ROLES:
                _lines(folder / f"{state}-{role}.jsonl", answers(state, role))


def _lines(path: Path, lines: Iterable[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")


if __name__ == "__main__":
    main()
