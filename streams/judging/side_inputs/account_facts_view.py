"""Which facts about authors a shard has heard of at each tick: a function of its own log, late news included.

A mark in the shard's log says how far the moderation log counts. It counts for the ticks above the greatest watermark
that the log had told before it: no tick that was settled by then is touched, whoever judges and wherever they began,
for a tick settles only below the lowest watermark. Time does the rest: a fact is in force from its own log time on, so
all shards and the reference switch at the same tick, unless a mark comes later than the allowed lateness. Then this
shard takes the fact up at its next tick, and says so in `late`.

Watermarks are of the whole log, and a successor begins in its middle: the progress record carries the greatest of them
and the marks that a tick still to come can need.
"""

from __future__ import annotations

from collections.abc import Iterable

from streams.counting.block_counts import PANE_MS
from streams.counting.keys import COUNTRY_MASK
from streams.judging.side_inputs.account_facts import FactBook, Ints
from streams.log.account_facts import FactsMark, HeardFacts
from streams.windows.window import Sample


class ShardFacts:
    """The facts of one shard.

    Args:
        book: may have been read further than this shard has heard of.
    """

    def __init__(self, book: FactBook) -> None:
        self.passed_ms = -1
        """The greatest watermark in the shard's log so far."""
        self.late = 0
        """Marks that brought what should have been in force at a tick that was passed."""
        self._book = book
        self._heard: list[HeardFacts] = []

    def hear(self, mark: FactsMark) -> None:
        """Take a mark of the shard's log; the book must have been read as far. Repeats say nothing new, nor do marks of
        a moderation topic that is gone."""
        if mark.topic_id != self._book.topic_id:
            return
        assert mark.upto <= self._book.upto, (mark, self._book.upto)
        before = self._heard[-1].upto if self._heard else 0
        if mark.upto <= before:
            return
        since_ms = self._book.first_turn_ms(before, mark.upto)
        self.late += since_ms is not None and -(-since_ms // PANE_MS) * PANE_MS <= self.passed_ms
        if self._heard and self._heard[-1].passed_ms == self.passed_ms:
            self._heard.pop()
        self._heard.append(HeardFacts(mark.topic_id, mark.upto, self.passed_ms))

    def heard_at(self, tick_ms: int) -> int:
        """How much of the moderation log counts at a tick."""
        return next((one.upto for one in reversed(self._heard) if one.passed_ms < tick_ms), 0)

    def judged(self, sample: Sample, keys: Ints, tick_ms: int) -> Sample:
        """The sample as it may count at a tick; itself where no fact touches it.

        Args:
            keys: (m,) the groups of the sample.
        """
        upto = self.heard_at(tick_ms)
        if not upto:
            return sample
        return self._book.in_force(tick_ms, upto).apply(sample, keys & COUNTRY_MASK)

    def prune(self, tick_ms: int) -> None:
        """Forget what no tick from this one on can need."""
        while len(self._heard) > 1 and self._heard[1].passed_ms < tick_ms:
            del self._heard[0]

    def to_list(self) -> list[HeardFacts]:
        """For the progress record."""
        return list(self._heard)

    def recover(self, heard: Iterable[HeardFacts], passed_ms: int) -> None:
        """As a predecessor's progress record has it."""
        self._heard = [one for one in heard if one.topic_id == self._book.topic_id]
        self.passed_ms = passed_ms
