"""The open block of one source partition, and the rules by which it is counted."""

from __future__ import annotations

from dataclasses import dataclass, field

from streams.counting.block_counts import Flush


@dataclass(slots=True, eq=False)
class SourceBlock:
    """The open block of one source partition."""

    number: int
    """Number of the source in the table of the last counts."""
    source_id: str
    old_block: int
    """Greatest block that had begun when the previous owner last settled: its first records may be missing."""
    block: int = -1
    rules: int = 0
    """Rules by which the block is counted."""
    records: dict[int, list[Flush]] = field(default_factory=dict)
    """Records of the block, by rules."""
    reached: dict[int, int] = field(default_factory=dict)
    """Offset before which the block was read, by rules."""
    whole: bool = False
    """Whether every record of the block was received, from its first on."""
    watermark_ms: int = -1
    newest_ms: int = -1

    def start_after(self, block: int, rules: int) -> None:
        """Start a block by one version of the rules, without any counts, if it is later than the open one."""
        if block > self.block:
            self.block, self.rules, self.whole = block, rules, block > self.old_block
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
