"""The list of mutations: which rule each breaks, by which change of one text, and which tests must notice."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIST = Path(__file__).with_name("mutations.toml")


@dataclass(frozen=True, slots=True)
class Mutation:
    """One planted bug."""

    name: str
    rule: str
    """What holds, and would no longer."""
    file: str
    """Below the checkout."""
    text: str
    """Must be in the file exactly once."""
    instead: str
    tests: tuple[str, ...]
    """Ids as pytest has them; at least one must fail."""

    def planted(self, source: str) -> str:
        """The file with the bug in it.

        Raises:
            ValueError: the text is not there, or more than once: the list has to follow the code.
        """
        times = source.count(self.text)
        if times != 1:
            raise ValueError(f"{self.name}: its text is {times} times in {self.file}, not once:\n{self.text}")
        return source.replace(self.text, self.instead)


def mutations() -> list[Mutation]:
    """All of the list."""
    read = tomllib.loads(LIST.read_text("utf-8"))["mutation"]
    return [Mutation(**{**one, "tests": tuple(one["tests"])}) for one in read]
