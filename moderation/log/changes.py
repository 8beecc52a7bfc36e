"""Memory of which keys changed last, so that readers derive again only what depends on them. Pure."""

from __future__ import annotations

MOST_KEYS = 200_000
"""Keys that are remembered; a reader that last looked before a forgotten change counts all as changed."""


class ChangeMemory:
    """Keys in the order of their last change, each numbered; the numbers count from 1 and live with the process.

    >>> changes = ChangeMemory()
    >>> for key in "aba":
    ...     changes.note(key)
    >>> changes.since(2), changes.since(3)
    ((3, {'a'}), (3, set()))
    """

    def __init__(self, most_keys: int = MOST_KEYS) -> None:
        self.sequence = 0
        """Number of the last change; 0 before the first."""
        self._numbers: dict[str, int] = {}
        self._forgotten = 0
        self._most_keys = most_keys

    def note(self, key: str) -> None:
        """Number a change of a key."""
        self.sequence += 1
        self._numbers.pop(key, None)
        self._numbers[key] = self.sequence
        if len(self._numbers) > self._most_keys:
            oldest = next(iter(self._numbers))
            self._forgotten = self._numbers.pop(oldest)

    def since(self, sequence: int) -> tuple[int, set[str] | None]:
        """Return the present number, and the keys that changed after an earlier one; None: some are forgotten."""
        if not self._forgotten <= sequence <= self.sequence:
            return self.sequence, None
        changed = set()
        for key, number in reversed(self._numbers.items()):
            if number <= sequence:
                break
            changed.add(key)
        return self.sequence, changed
