"""Position of a judge in its shard's log, and the point from which the next owner must replay it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(slots=True)
class LogPosition:
    """The last record applied, the watermarks before it, and the previous owner's last settled position."""

    offset: int = -1
    watermark_ms: int = -1
    """Greatest watermark of the records so far, exact for each record even while records are replayed."""
    settled_offset: int = -1
    """Position in the previous owner's last progress record."""
    settled_watermark_ms: int = -1
    """Greatest watermark up to that position."""

    @property
    def passed_ms(self) -> int:
        """Greatest watermark that any owner has read: no tick at or below it may change."""
        return max(self.watermark_ms, self.settled_watermark_ms)

    @property
    def is_replaying(self) -> bool:
        """Whether the previous owner has applied this record, and published its early decisions."""
        return self.offset <= self.settled_offset

    @property
    def caught_up(self) -> bool:
        """Whether every record that the previous owner settled by was replayed."""
        return self.offset >= self.settled_offset

    @property
    def known_offset(self) -> int:
        """Last record that this owner or the previous one has applied; -1 before the first."""
        return max(self.offset, self.settled_offset)


class ReplayPoint:
    """First record of any pane that has not settled.

    The next owner begins there. It needs the watermark before that record as well: watermarks decide from which tick a
    correction counts.
    """

    def __init__(self) -> None:
        self._first: dict[int, tuple[int, int]] = {}
        """Offset of each pane's first record, and the greatest watermark before it, by pane."""

    def note(self, panes: Iterable[int], offset: int, watermark_ms: int) -> None:
        """Note a record that counts in these panes, none of which has settled."""
        for pane in panes:
            self._first.setdefault(pane, (offset, watermark_ms))

    def settle(self, pane: int) -> None:
        """Release the panes up to this one: they are published."""
        self._first = {one: at for one, at in self._first.items() if one > pane}

    def find(self, position: LogPosition) -> tuple[int, int]:
        """Return the offset to replay from, and the greatest watermark before it."""
        return min(self._first.values(), default=(position.offset + 1, position.watermark_ms))
