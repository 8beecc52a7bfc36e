"""Numbers of hashtags the obvious way, with two dicts."""

from __future__ import annotations

from collections.abc import Iterable


class PlainTags:
    """Numbers of names, ascending in order of appearance, never assigned twice."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._next = 1

    def number(self, name: str) -> int:
        """Return the number of a name, a new one if it has none."""
        if name not in self._numbers:
            self._numbers[name], self._names[self._next] = self._next, name
            self._next += 1
        return self._numbers[name]

    def find(self, name: str) -> int | None:
        """Return the number of a name; None if it has none."""
        return self._numbers.get(name)

    def name(self, number: int) -> str:
        """Return the name of a number."""
        return self._names[number]

    def numbers(self) -> list[int]:
        """Return all assigned numbers."""
        return list(self._names)

    def forget(self, numbers: Iterable[int]) -> None:
        """Release numbers."""
        for number in numbers:
            del self._numbers[self._names.pop(number)]
