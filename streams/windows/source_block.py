"""The open block of one source partition, and the rules by which it is counted."""

from __future__ import annotations

from streams.counting.block_counts import Flush


class SourceBlock:
    """The open block of one source partition."""

    __slots__ = (
        "block", "newest_ms", "number", "old_block", "reached", "records", "rules", "source_id", "watermark_ms",
        "whole",
    )  # fmt: skip

    def __init__(self, number: int, source_id: str, old_block: int) -> None:
        self.number = number
        """Number of the source in the table of the last counts."""
        self.source_id = source_id
        self.old_block = old_block
        """Greatest block that had begun when the previous owner last settled: its first records may be missing."""
        self.block = -1
        self.rules = 0
        """Rules by which the block is counted."""
        self.records: dict[int, list[Flush]] = {}
        """Records of the block, by rules."""
        self.reached: dict[int, int] = {}
        """Offset before which the block was read, by rules."""
        self.whole = False
        """Whether every record of the block was received, from its first on."""
        self.watermark_ms = -1
        self.newest_ms = -1

    def start(self, block: int, rules: int, *, whole: bool) -> None:
        """Start a block by one version of the rules, without any counts."""
        self.block, self.rules, self.whole = block, rules, whole
        self.records, self.reached = {}, {}

    def state(self, rules: int) -> list[int]:
        """Return what decides how a record by these rules is counted; see `streams.windows.kernels.last_counts`."""
        return [0, self.number, self.block, rules == self.rules, self.whole, self.old_block]

    def note_reached(self, rules: int, offset: int) -> None:
        """Note how far a reader has read the block."""
        self.reached[rules] = max(offset, self.reached.get(rules, 0))

    def is_ahead(self, rules: int) -> bool:
        """Return whether a reader with other rules has read more of the block, or as much with newer rules."""
        return (self.reached.get(rules, 0), rules) > (self.reached.get(self.rules, 0), self.rules)
