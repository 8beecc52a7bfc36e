"""Position of a judge in its shard's log, and the point from which the next owner must replay it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


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
    _unsettled: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Offset of each unsettled pane's first record, and the greatest watermark before it, by pane."""

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

    def note(self, panes: Iterable[int]) -> None:
        """Note that the record at this position counts in these panes, none of which has settled."""
        for pane in panes:
            self._unsettled.setdefault(pane, (self.offset, self.watermark_ms))

    def settle(self, pane: int) -> None:
        """Release the panes up to this one: they are published."""
        self._unsettled = {number: at for number, at in self._unsettled.items() if number > pane}

    @property
    def replay_point(self) -> tuple[int, int]:
        """First record of any unsettled pane, and the greatest watermark before it: the next owner begins there.

        Watermarks decide from which tick a correction counts.
        """
        return min(self._unsettled.values(), default=(self.offset + 1, self.watermark_ms))
