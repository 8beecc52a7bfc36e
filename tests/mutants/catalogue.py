"""Mutations of `mutations.toml`: the rule that each breaks, its change of a file, and the tests that must fail."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

LIST = Path(__file__).with_name("mutations.toml")


@dataclass(frozen=True, slots=True)
class Mutation:
    """Planted bug, one entry of `mutations.toml`."""

    name: str
    rule: str
    """Rule that the mutation breaks."""
    file: str
    """Path of the changed file, relative to the checkout."""
    text: str
    """Text that is replaced; it occurs exactly once in the file."""
    instead: str
    tests: tuple[str, ...]
    """Pytest ids of tests; at least one must fail."""

    def planted(self, source: str) -> str:
        """Return the source with the bug planted.

        Raises:
            ValueError: The text is missing or occurs more than once; the entry must be updated to the code.
        """
        times = source.count(self.text)
        if times != 1:
            raise ValueError(f"{self.name}: its text occurs {times} times in {self.file}, not once:\n{self.text}")
        return source.replace(self.text, self.instead)


def mutations() -> list[Mutation]:
    """Read all entries of `mutations.toml`."""
    read = tomllib.loads(LIST.read_text("utf-8"))["mutation"]
    return [Mutation(**{**one, "tests": tuple(one["tests"])}) for one in read]
