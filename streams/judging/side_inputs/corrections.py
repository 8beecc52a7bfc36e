"""What stage 2 has said of the entries of one shard, and from which tick on it counts: a function of the shard's log.

A row counts at the ticks above the greatest watermark that the log had told before it. No tick settles above the lowest
one, so none that anybody has settled by then is touched, whoever judges and wherever they began reading. Rows are kept
beside the settled panes once their tick has settled; those whose tick has not are read again from the log, for which a
successor must know that watermark as it was where it begins.

A row is about a tweet under a hashtag. An author for whom another tweet speaks by now has none, and a hashtag does not
inherit what was found under another one: whose authors were looked at there is no fair sample here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streams.counting.block_counts import PANE_MS
from streams.counting.keys import COUNTRY_BITS, Tags
from streams.windows.corrections import Corrections, Differences, Ints, Rows, inserted, no_rows, rows_of, together
from streams.windows.window import Sample


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What stage 2 says of the rows of a sample."""

    differences: Differences
    """(n, columns); NaN where it has not looked."""
    revisions: Ints
    """(n,) numbers into `names`; -1 where it has not looked."""
    names: list[str]


class Corrected:
    """The corrections that a window can still need.

    Args:
        columns: score columns of a text.
        model_revision: of the stage 1 in force; what differs from another one's scores says nothing of these.
    """

    def __init__(self, columns: int, model_revision: str) -> None:
        self.model_revision = model_revision
        """Of the tick that is judged."""
        self.model_from_ms = -1
        """Since when it has been in force: what another one scored is not corrected by what differs from this one."""
        self.passed_ms = -1
        """The greatest watermark in the shard's log so far."""
        self.foreign = 0
        """Rows that were left out: they have other columns."""
        self.revisions: list[tuple[str, str]] = []
        """Of stage 2 and of its stage 1, by number."""
        self._columns = columns
        self._rows = no_rows(columns)
        """By tweet; of a tweet, a hashtag and a stage 1 the first that was told."""
        self._tags: Ints | None = None
        """Numbers of the hashtags that rows name; None: to be counted anew."""
        self._waiting: list[Rows] = []
        """In force from a tick that has not settled."""
        self._from_offset = 0

    def follow(self, model_revision: str, from_ms: int) -> None:
        """Another stage 1 is in force, from the pane on that begins at `from_ms`."""
        self.model_revision, self.model_from_ms = model_revision, from_ms

    def __bool__(self) -> bool:
        """Whether there is anything to ask for."""
        return len(self._rows) > 0

    # ---- the log ----

    def take(self, offset: int, record: Corrections, tags: Tags) -> int | None:
        """A record of the shard's log; returns the pane from whose end on it counts, None where it says nothing new."""
        if not self._fits(record):
            self.foreign += len(record.hashtags)
            return None
        if offset < self._from_offset:
            return None
        heard = max(self.passed_ms, 0) // PANE_MS
        new = self._add(rows_of(record, tags, self._number(record), heard))
        if len(new):
            self._waiting.append(new)
        return heard if len(new) else None

    def settle(self, pane: int) -> Rows:
        """The pane has settled: the rows that its tick puts in force."""
        waiting = together(self._waiting, self._columns)
        due = waiting.heard <= pane
        self._waiting = [] if due.all() else [waiting.take(~due)]
        return waiting.take(due)

    def recover(
        self, records: Iterable[Corrections], tags: Tags, settled_pane: int, from_offset: int, passed_ms: int
    ) -> None:
        """Rows that a predecessor kept beside the panes; those of ticks that are not settled come again.

        Args:
            from_offset: where the first record lies whose tick may not have settled.
            passed_ms: the greatest watermark before it.
        """
        self._from_offset, self.passed_ms = from_offset, passed_ms
        for record in records:
            rows = rows_of(record, tags, self._number(record))
            if rows.differences.shape[1] == self._columns:
                self._add(rows.take(rows.heard <= settled_pane))

    def add(self, heard: int, record: Corrections, tags: Tags) -> None:
        """For a reference: rows that count from the end of a pane on, whenever they are told; in the log's order."""
        if self._fits(record):
            self._add(rows_of(record, tags, self._number(record), heard))

    def forget(self, from_ms: int) -> None:
        """Drop what no window that begins at `from_ms` or later can need: a tweet counts before it is looked at."""
        kept = self._rows.heard >= from_ms // PANE_MS
        if not kept.all():
            self._rows, self._tags = self._rows.take(kept), None

    def tag_numbers(self) -> Ints:
        """The numbers of hashtags that rows name, ascending."""
        if self._tags is None:
            self._tags = np.unique(self._rows.tags)
        return self._tags

    def _fits(self, record: Corrections) -> bool:
        return len(record.differences) == 4 * len(record.hashtags) * self._columns

    def _number(self, record: Corrections) -> int:
        revisions = (record.revision, record.model_revision)
        if revisions not in self.revisions:
            self.revisions.append(revisions)
        return self.revisions.index(revisions)

    def _models(self, rows: Rows) -> Ints:
        """(n,) numbers of the models that rows differ from."""
        names = [model for _, model in self.revisions]
        return np.array([names.index(name) for name in names], np.int64)[rows.revisions]

    def _ours(self, rows: Ints) -> npt.NDArray[np.bool_]:
        """(n,) which of these rows differ from the model in force."""
        return np.array([model == self.model_revision for _, model in self.revisions], bool)[self._rows.revisions[rows]]

    def _add(self, rows: Rows) -> Rows:
        """Take what is not known yet, the first of equals; returns it."""
        models = self._models(rows)
        rows = rows.take(np.lexsort((np.arange(len(rows)), rows.heard, models, rows.tags, rows.tweets)))
        first = np.ones(len(rows), bool)
        first[1:] = (np.diff(rows.tweets) != 0) | (np.diff(rows.tags) != 0) | (np.diff(self._models(rows)) != 0)
        rows = rows.take(first)
        at, of = self._find(rows.tags, rows.tweets)
        same = self._models(rows)[at] == self._models(self._rows)[of]
        new = rows.take(np.setdiff1d(np.arange(len(rows)), at[same]))
        if len(new):
            self._rows = inserted(self._rows, np.searchsorted(self._rows.tweets, new.tweets), new)
            self._tags = None
        return new

    # ---- windows ----

    def known(self, tags: Ints, tweets: Ints) -> npt.NDArray[np.bool_]:
        """(n,) whether stage 2 has said something of tweets under hashtags, beyond the stage 1 in force; it may not
        count yet."""
        at, of = self._find(tags, tweets)
        known = np.zeros(len(tweets), bool)
        known[at[self._ours(of)]] = True
        return known

    def of(self, sample: Sample, keys: Ints, start_ms: int, end_ms: int) -> Seen | None:
        """What counts for a sample over a window; None where nothing does.

        Args:
            keys: (m,) the groups of the sample.
        """
        if not self:
            return None
        tags = keys >> COUNTRY_BITS
        asked = np.flatnonzero(np.isin(tags, self.tag_numbers())[sample.group])
        at, of = self._find(tags[sample.group[asked]], sample.tweet[asked])
        at = asked[at]
        heard = self._rows.heard[of]
        counts = (start_ms // PANE_MS <= heard) & (heard < end_ms // PANE_MS)
        counts &= self._ours(of) & (heard >= self.model_from_ms // PANE_MS)
        at, of = at[counts], of[counts]
        if not len(at):
            return None
        differences = np.full((len(sample.group), self._columns), np.nan, np.float32)
        revisions = np.full(len(sample.group), -1)
        differences[at], revisions[at] = self._rows.differences[of], self._rows.revisions[of]
        return Seen(differences, revisions, [revision for revision, _ in self.revisions])

    def _find(self, tags: Ints, tweets: Ints) -> tuple[Ints, Ints]:
        """Pairs (position in what is asked, row here) of the same tweet and hashtag."""
        mine = self._rows
        first = np.searchsorted(mine.tweets, tweets)
        size = np.searchsorted(mine.tweets, tweets, "right") - first
        at = np.repeat(np.arange(len(tweets)), size)
        of = np.arange(len(at)) + np.repeat(first - (np.cumsum(size) - size), size)
        same = mine.tags[of] == tags[at]
        return at[same], of[same]
