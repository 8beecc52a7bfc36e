"""Stage 2's corrections of one shard, and the tick from which each counts.

A row counts at the ticks above the greatest watermark of the log before it. No tick settles above the lowest watermark,
so no settled tick changes, for any judge and any offset from which it reads. A tick that settles publishes its rows
in `hashtag-panes`. Rows of later ticks are replayed from the log; for these the replay point carries the
watermark before it.

A row is about one tweet under one hashtag. It corrects nothing once another tweet represents the author. It corrects
nothing under another hashtag either: the authors that were read for one hashtag are no fair sample of another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streams.constants import PANE_MS
from streams.counting.block_counts import Ints
from streams.counting.keys import COUNTRY_BITS, Tags
from streams.judging.kernels.equal_pairs import equal_pairs
from streams.judging.log_position import LogPosition
from streams.judging.recovered_state import RecoveredState
from streams.judging.side_inputs.base import SideInput
from streams.log.corrections import are_corrections, decode_corrections, encode_rows
from streams.log.partials import Partial
from streams.windows.corrections import (
    CorrectionRows,
    Corrections,
    Differences,
    correction_rows_of,
    insert_corrections,
    join_corrections,
    no_corrections,
)
from streams.windows.window import AuthorSample
from streams.windows.window_store import WindowSpan, WindowStore


@dataclass(frozen=True, slots=True)
class SampleCorrections:
    """Corrections of the n rows of a sample."""

    differences: Differences
    """(n, columns); NaN where stage 2 has not read the text."""
    revisions: Ints
    """(n,) indexes into `names`; -1 where stage 2 has not read the text."""
    names: list[str]
    """Revisions of stage 2, by number."""
    scales: list[bytes]
    """Meanings of stage 2's probabilities, by number; see `streams.windows.corrections.Corrections`."""


class CorrectionIndex(SideInput):
    """The corrections that a window can still need.

    Args:
        columns: score columns of a text.
        model_revision: stage 1's model in force. Differences from another model's scores are ignored.
    """

    def __init__(self, columns: int, model_revision: str, tags: Tags) -> None:
        super().__init__()
        self.model_revision = model_revision
        """Model of the tick that is judged."""
        self.model_from_ms = -1
        """Time since which it is in force: earlier rows differ from the scores of another model."""
        self._tags = tags
        self._revisions: list[tuple[str, str, bytes]] = []
        """Revisions of stage 2 and of the stage 1 it corrects, and stage 2's scale, by number."""
        self._columns = columns
        self._rows = no_corrections(columns)
        """Sorted by tweet; of each tweet, hashtag and stage 1 the first row of the log."""
        self._waiting = [self._rows]
        """Rows that count from a tick that has not settled."""
        self._from_offset = 0
        """Records before this offset were recovered."""

    def follow_model(self, model_revision: str, from_ms: int) -> None:
        """Ignore corrections of other models, and those received before this model was active."""
        self.model_revision, self.model_from_ms = model_revision, from_ms

    # ---- the log ----

    def apply(self, record: Partial, position: LogPosition) -> Iterable[int]:
        """Apply a correction record, and return the pane whose tick publishes it."""
        if not isinstance(record, Corrections):
            return ()
        if not self._has_our_columns(record):
            self.counts["corrections_of_other_columns"] += len(record.hashtags)
            return ()
        if position.offset < self._from_offset:
            return ()
        pane = max(position.watermark_ms, 0) // PANE_MS
        new = self._add(correction_rows_of(record, self._tags, self._number(record), pane))
        if not len(new):
            return ()
        self._waiting.append(new)
        return (pane,)

    def settle(self, pane: int, store: WindowStore) -> Iterator[bytes]:
        """Encode the corrections received up to the end of a pane, and count them as applied."""
        waiting = join_corrections(self._waiting)
        due = waiting.received <= pane
        rows, self._waiting = waiting.take(due), [waiting.take(~due)]
        self.counts["corrections"] += len(rows)
        return encode_rows(rows, self._tags, self._revisions)

    def recover(self, state: RecoveredState) -> None:
        """Recover the rows whose ticks have settled; the log brings the others again."""
        progress = state.progress
        assert progress is not None
        self._from_offset, self.model_from_ms = progress.replay_offset, progress.model_from_ms
        settled_pane = progress.settled_ms // PANE_MS - 1
        for record in (decode_corrections(value) for value in state.side_records if are_corrections(value)):
            rows = correction_rows_of(record, self._tags, self._number(record))
            if rows.differences.shape[1] == self._columns:
                self._add(rows.take(rows.received <= settled_pane))

    def load(self, pane: int, record: Corrections) -> None:
        """Load a record that counts from the end of a pane on; for a reference, in the order of a live run's log."""
        if self._has_our_columns(record):
            self._add(correction_rows_of(record, self._tags, self._number(record), pane))

    def prune(self, tick_ms: int, kept_from_ms: int) -> None:
        """Drop the rows before `kept_from_ms`: a tweet counts before stage 2 reads it."""
        kept = self._rows.received >= kept_from_ms // PANE_MS
        if not kept.all():
            self._rows = self._rows.take(kept)

    def progress(self) -> dict[str, int]:
        """Return the start of the active model, for the progress record."""
        return {"model_from_ms": self.model_from_ms}

    def tag_numbers(self) -> list[int]:
        """Return the numbers of all corrected hashtags, ascending."""
        numbers: list[int] = np.unique(self._rows.tags).tolist()
        return numbers

    def _has_our_columns(self, record: Corrections) -> bool:
        return len(record.differences) == 4 * len(record.hashtags) * self._columns

    def _number(self, record: Corrections) -> int:
        revisions = (record.revision, record.model_revision, record.scale)
        if revisions not in self._revisions:
            self._revisions.append(revisions)
        return self._revisions.index(revisions)

    def _models_of(self, rows: CorrectionRows) -> npt.NDArray[np.str_]:
        """Return (n,) the revisions of stage 1 that rows differ from."""
        return np.array([model for _, model, _ in self._revisions], str)[rows.revisions]

    def _add(self, rows: CorrectionRows) -> CorrectionRows:
        """Add the rows of one record that are not known yet, the first of equal ones, and return these."""
        rows = rows.take(np.lexsort((rows.received, rows.tags, rows.tweets)))
        first = np.ones(len(rows), bool)
        first[1:] = (np.diff(rows.tweets) != 0) | (np.diff(rows.tags) != 0)
        rows = rows.take(first)
        at, of = self._find(rows.tags, rows.tweets)
        same = self._models_of(rows.take(at)) == self._models_of(self._rows.take(of))
        new = rows.take(np.setdiff1d(np.arange(len(rows)), at[same]))
        if len(new):
            self._rows = insert_corrections(self._rows, np.searchsorted(self._rows.tweets, new.tweets), new)
        return new

    # ---- windows ----

    def known(self, tags: Ints, tweets: Ints) -> npt.NDArray[np.bool_]:
        """Return (n,) whether stage 2 has read tweets under hashtags by the model in force, counted yet or not."""
        at, of = self._find(tags, tweets)
        has_correction = np.zeros(len(tweets), bool)
        has_correction[at[self._models_of(self._rows.take(of)) == self.model_revision]] = True
        return has_correction

    def annotate(self, sample: AuthorSample, keys: Ints, span: WindowSpan) -> SampleCorrections | None:
        """Return the corrections of the sampled tweets that count within the span; None: there are none."""
        if not len(self._rows):
            return None
        at, of = self._find((keys >> COUNTRY_BITS)[sample.group], sample.tweet)
        rows = self._rows.take(of)
        counts = (span.start_ms // PANE_MS <= rows.received) & (rows.received < span.end_ms // PANE_MS)
        counts &= (self._models_of(rows) == self.model_revision) & (rows.received >= self.model_from_ms // PANE_MS)
        at, rows = at[counts], rows.take(counts)
        if not len(at):
            return None
        differences = np.full((len(sample.group), self._columns), np.nan, np.float32)
        revisions = np.full(len(sample.group), -1)
        differences[at], revisions[at] = rows.differences, rows.revisions
        names, _, scales = zip(*self._revisions, strict=True)
        return SampleCorrections(differences, revisions, list(names), list(scales))

    def _find(self, tags: Ints, tweets: Ints) -> tuple[Ints, Ints]:
        """Return pairs (position in the arguments, row here) of the same tweet and hashtag."""
        at, of = equal_pairs(self._rows.tweets, tweets)
        same = self._rows.tags[of] == tags[at]
        return at[same], of[same]
