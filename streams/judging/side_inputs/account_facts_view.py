"""The account facts that count in one shard at each tick: a function of the shard's log, late marks included.

A mark in the log names an offset of the moderation topic; the records before that offset count. They count for the
ticks above the greatest watermark of the log before the mark. No tick settles above the lowest watermark, so no settled
tick changes. A fact begins at its own log time, so all shards and the reference switch at the same tick, unless a mark
comes later than the allowed lateness. Then this shard applies the fact from its next tick on, and counts it as late.

The next owner begins in the middle of the log. The progress record carries the greatest watermark and the marks that a
later tick can need.
"""

from __future__ import annotations

from collections.abc import Iterable

from streams.constants import PANE_MS
from streams.counting.block_counts import Ints
from streams.counting.keys import COUNTRY_MASK
from streams.judging.log_position import LogPosition
from streams.judging.recovered_state import RecoveredState
from streams.judging.side_inputs.account_facts import AccountFactStore
from streams.judging.side_inputs.base import SideInput
from streams.log.account_facts import AppliedMark, FactsMark
from streams.log.partials import Partial
from streams.windows.window import AuthorSample
from streams.windows.window_store import WindowSpan


class AccountFactsView(SideInput):
    """The marks of one shard, over the facts of the whole process.

    Args:
        store: may have read further than the shard's marks say, never less far.
    """

    def __init__(self, store: AccountFactStore) -> None:
        super().__init__()
        self._store = store
        self._marks: list[AppliedMark] = []

    def apply(self, record: Partial, position: LogPosition) -> Iterable[int]:
        """Apply a mark; a repeat changes nothing, nor does a mark of a moderation topic that was deleted."""
        if not isinstance(record, FactsMark) or record.topic_id != self._store.topic_id:
            return ()
        assert record.upto <= self._store.upto, (record, self._store.upto)
        before = self._marks[-1].upto if self._marks else 0
        if record.upto <= before:
            return ()
        passed_ms = position.passed_ms
        since_ms = self._store.first_change_ms(before, record.upto)
        if since_ms is not None and -(-since_ms // PANE_MS) * PANE_MS <= passed_ms:
            self.counts["account_facts_late"] += 1
        if self._marks and self._marks[-1].passed_ms == passed_ms:
            self._marks.pop()
        self._marks.append(AppliedMark(record.topic_id, record.upto, passed_ms))
        return ()

    def upto_at(self, tick_ms: int) -> int:
        """Return the offset of the moderation topic up to which records count at a tick."""
        return next((mark.upto for mark in reversed(self._marks) if mark.passed_ms < tick_ms), 0)

    def filter(self, sample: AuthorSample, keys: Ints, span: WindowSpan) -> AuthorSample:
        """Return the sample under the account facts that count at the end of the span."""
        upto = self.upto_at(span.end_ms)
        if not upto:
            return sample
        return self._store.active_at(span.end_ms, upto).apply(sample, keys & COUNTRY_MASK)

    def prune(self, tick_ms: int, kept_from_ms: int) -> None:
        """Drop each mark that a later one replaces before the tick."""
        while len(self._marks) > 1 and self._marks[1].passed_ms < tick_ms:
            del self._marks[0]

    def progress(self) -> dict[str, list[AppliedMark]]:
        """Return the marks, for the progress record."""
        return {"facts": list(self._marks)}

    def recover(self, state: RecoveredState) -> None:
        """Recover the marks from the previous owner's progress record."""
        assert state.progress is not None
        self.load(state.progress.facts)

    def load(self, marks: Iterable[AppliedMark]) -> None:
        """Replace the marks, but for those of another moderation topic."""
        self._marks = [mark for mark in marks if mark.topic_id == self._store.topic_id]
