"""Evidence tables over the windows of a shard: counts and samples, with the side inputs applied to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np

from models.share import Scale
from streams.constants import MINUTE_MS, SHORT_WINDOW_MS
from streams.counting.block_counts import Ints
from streams.counting.sketch import SPACE, K, UInts
from streams.judging.author_group import AuthorGroup, measure_group
from streams.judging.evidence import EvidenceTable, tabulate
from streams.judging.side_inputs.account_facts import count_visible_authors
from streams.judging.side_inputs.author_sketches import AuthorSketchIndex
from streams.judging.side_inputs.base import SideInput
from streams.judging.side_inputs.corrections import CorrectionIndex
from streams.judging.standing import StandingKeys, established
from streams.policy import Policy
from streams.signals.base import Past
from streams.windows.pane import Pane
from streams.windows.window import AuthorSample, SlidingWindow
from streams.windows.window_store import WindowSpan, WindowStore

HARMFUL = 0.5
"""Probability from which a sampled text makes its author one of a campaign."""


class EvidenceBuilder:
    """Evidence of keys over the windows of one shard.

    Args:
        columns: score columns of a text.
        side_inputs: applied to each sample in their order.
    """

    def __init__(self, store: WindowStore, columns: int, side_inputs: Iterable[SideInput] = ()) -> None:
        self.store = store
        self.scale: Scale | None = None
        """Meaning of the scores as shares; None: a score is a share."""
        self._columns = columns
        self._side_inputs = list(side_inputs)
        self._standing = StandingKeys(0, 0.0)
        self._burst_min_past = 1
        self._least_share = 1.0
        self._tables: dict[int, EvidenceTable] = {}
        self._tables_ms = -1
        """Settled tick of `_tables`."""
        self._new: dict[int, EvidenceTable] = {}

    def follow_policy(self, policy: Policy) -> None:
        """Measure signals by the settings of a policy."""
        self._standing, self._burst_min_past = StandingKeys.of(policy), policy.burst_min_past
        self._least_share = policy.least_suppress_at
        self.drop_tables()

    def drop_tables(self) -> None:
        """Drop the tables, also those of long windows, so that the next call of `tables` builds them again."""
        self._tables = {}

    def tables(self) -> dict[int, EvidenceTable]:
        """Return the evidence of every busy key by window; long windows keep theirs until the next minute."""
        if self._tables_ms == self.store.end_ms and self._tables:
            return self._tables
        self._tables_ms = self.store.end_ms
        on_minute = self.store.end_ms % MINUTE_MS == 0
        for window_ms, window in self.store.windows.items():
            if window_ms <= SHORT_WINDOW_MS or on_minute or window_ms not in self._tables:
                self._tables[window_ms] = self._new[window_ms] = self.settled(window)
        return self._tables

    def take_new_tables(self) -> dict[int, EvidenceTable]:
        """Take the tables that were built since the last call, for publishing."""
        new, self._new = self._new, {}
        return new

    def settled(self, window: SlidingWindow) -> EvidenceTable:
        """Return the evidence of every busy key over the settled panes of a window."""
        return self.table(window, self._busy(window))

    def table(
        self,
        window: SlidingWindow,
        keys: Ints,
        extra: Sequence[Pane] = (),
        tick_ms: int | None = None,
        least_share: float = 1.0,
    ) -> EvidenceTable:
        """Return the evidence of some keys over a window and over open panes.

        Args:
            window: settled window to measure.
            keys: (m,) ascending.
            extra: panes that have not settled.
            tick_ms: end of the last of these; None: there are none.
            least_share: share from which a tag's past is measured, if it is below that of the policy in force.
        """
        tweets = window.counts.of(keys)
        for pane in extra:
            tweets += pane.tweets(keys)
        tweets = self.count_remaining(tweets, window, keys, tick_ms)
        expired = self.store.count_expired(window, tick_ms)
        whole = window.sample(keys, extra, expired)
        span = self.store.span(window, tick_ms)
        sample = self._filtered(whole, keys, span)
        table = tabulate(
            window.window_ms,
            keys,
            tweets,
            sample,
            self._columns,
            standing=self._standing,
            earlier=lambda some: window.earlier_ages(keys, some, extra, expired),
            burst_min_past=self._burst_min_past,
            past=self._past(window, keys, tweets, extra, tick_ms),
            may_miss=window.may_miss,
            whole=whole,
            corrections=self._annotations(CorrectionIndex, sample, keys, span),
            migrated=self._annotations(AuthorSketchIndex, sample, keys, span),
            scale=self.scale,
        )
        rows = _may_act(table, min(least_share, self._least_share))
        if not len(rows):
            return table
        assert table.shown is not None
        shown = table.shown.with_scores(sample.without_further(), rows)
        return replace(table, shown=shown, past=self._established_past(table, rows, span.end_ms))

    def sample(self, window: SlidingWindow, keys: Ints) -> AuthorSample:
        """Return the settled samples of some keys, ascending, with the side inputs applied."""
        return self._filtered(window.sample(keys), keys, self.store.span(window))

    def authors(self, key: int, window_ms: int) -> tuple[UInts, int]:
        """Return the authors of a key's harmful sampled tweets, ascending, and the hash up to which they are complete.

        Args:
            key: number of the hashtag and country.
            window_ms: settled window; where there is none of this length, the shortest is read.
        """
        window = self.store.windows.get(window_ms) or self.store.shortest
        assert window is not None, "no policy is in force"
        keys = np.array([key])
        whole = window.sample(keys)
        sample = self._filtered(whole, keys, self.store.span(window)).without_further()
        upto = int(whole.author[K - 1]) if len(whole.author) >= K else SPACE - 1
        return sample.author[sample.scores[:, 0] >= HARMFUL], upto

    def _filtered(self, sample: AuthorSample, keys: Ints, span: WindowSpan) -> AuthorSample:
        """Return the sample of some keys with the side inputs applied; itself where nothing changes."""
        for side_input in self._side_inputs:
            sample = side_input.filter(sample, keys, span)
        return sample

    def _annotations(self, kind: type[SideInput], sample: AuthorSample, keys: Ints, span: WindowSpan) -> Any:
        """Return the columns of the side input of a kind; None: there are none."""
        return next(
            (
                side_input.annotate(sample, keys, span)
                for side_input in self._side_inputs
                if isinstance(side_input, kind)
            ),
            None,
        )

    def _busy(self, window: SlidingWindow) -> Ints:
        keys = window.busy()
        remaining: Ints = keys[self.count_remaining(window.counts.of(keys), window, keys) >= window.floor]
        return remaining

    def _count_removed(self, keys: Ints, start_ms: int, end_ms: int) -> Ints | int:
        """Count (m,) the tweets that side inputs remove."""
        return sum(side_input.count_removed(keys, start_ms, end_ms) for side_input in self._side_inputs)

    def count_remaining(self, tweets: Ints, window: SlidingWindow, keys: Ints, tick_ms: int | None = None) -> Ints:
        """Return (m,) tweets of some keys without those of expired panes and without removed ones, never below 0.

        Args:
            tweets: (m,) over the window and open panes that end at `tick_ms`; None: there are none.
            window: settled window of the counts.
            keys: (m,) numbers of hashtag and country.
            tick_ms: end of the last open pane; None: there are no open panes.
        """
        for pane in islice(window.panes, self.store.count_expired(window, tick_ms)):
            tweets = tweets - pane.tweets(keys)
        removed = self._count_removed(keys, *self.store.span(window, tick_ms)[:2])
        remaining: Ints = np.maximum(tweets - removed, 0)
        return remaining

    def _established_past(self, table: EvidenceTable, rows: Ints, end_ms: int) -> AuthorGroup | None:
        """Measure the established authors in the longest window before the shortest.

        Args:
            table: evidence of m keys.
            rows: numbers of the keys to measure.
            end_ms: end of the table's window.

        Returns:
            Columns (m,), without authors in the rows of other tags; None where the past reaches no further.
        """
        shortest, longest = self.store.shortest, self.store.longest
        if shortest is None or longest is None or longest is shortest or not longest.panes:
            return None
        keys, span = table.keys[rows], self.store.span(longest)._replace(end_ms=end_ms)
        until_ms = end_ms - shortest.window_ms
        whole = longest.sample(keys, until_ms=until_ms)
        sample = self._filtered(whole, keys, span)
        matches = self._annotations(AuthorSketchIndex, sample, keys, span)
        own = established(
            sample,
            self._standing,
            None if matches is None else matches.from_hidden,
            lambda some: longest.earlier_ages(keys, some, until_ms=until_ms),
        )
        authors = count_visible_authors(whole, sample, len(keys))
        group = measure_group(sample, authors, own, self._columns, scale=self.scale)
        return group.spread(rows, len(table.keys))

    def _past(
        self, window: SlidingWindow, keys: Ints, tweets: Ints, extra: Sequence[Pane], tick_ms: int | None
    ) -> Past | None:
        """Count the tweets of some keys in the longest window before this one; None where that reaches no further."""
        store, longest = self.store, self.store.longest
        if longest is None or longest is window or not longest.panes:
            return None
        start_ms, end_ms = store.span(longest).start_ms, store.span(window, tick_ms).end_ms
        start_ms = max(start_ms, longest.panes[0].start_ms)
        span_ms = end_ms - start_ms - window.window_ms
        if span_ms < window.window_ms:
            return None
        counted = longest.counts.of(keys)
        # The longest window ends with its last whole minute; the tweets counted since then are in no minute pane yet.
        since = store.minute_parts if store.end_of(longest) < store.end_of(window) else []
        for pane in (*since, *extra):
            counted += pane.tweets(keys)
        counted -= self._count_removed(keys, start_ms, end_ms)
        return Past(np.maximum(counted - tweets, 0), longest.may_miss, span_ms)


def _may_act(table: EvidenceTable, least_share: float) -> Ints:
    """Return the rows of the tags on which a rule may act: their harmful share may reach `least_share`."""
    estimates = np.hstack([group.estimates() for group in (table.everyone, table.established)])
    return np.flatnonzero((estimates >= least_share).any(axis=1))  # NaN reaches nothing
