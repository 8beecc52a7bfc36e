"""Texts of panes that are over, scored while the panes wait for their tick.

A pane whose end all sources have passed waits some seconds for the watermark. Nearly all of its tweets are known by
then. Scores belong to the entries of the open pane, so its tick scores only the rest. What settles is the same: a tick
keeps the scores of its busy tags alone, and scores again what another model has scored.
"""

from __future__ import annotations

import numpy as np

from streams.constants import PANE_MS
from streams.counting.block_counts import Ints
from streams.counting.keys import COUNTRY_BITS
from streams.judging.activation_timeline import ActivationTimeline
from streams.judging.ticks import UnscoredTexts
from streams.windows.open_pane import OpenPane
from streams.windows.open_panes import OpenPanes
from streams.windows.window_store import WindowStore

SLICE_TEXTS = 500
"""Texts scored at once, 5 to 8 ms: a record that arrives meanwhile waits for them."""
_MARGIN_MS = 1_000
"""Log time behind the end of a pane from which it is scored: most of the late tweets have arrived by then."""


class AheadScoring:
    """Chooses the texts of one shard to score ahead, in slices, each pane once.

    Args:
        open_panes: panes that have not settled.
        store: windows that decide which tags a tick scores.
        timeline: policy and models of the ticks; there must be a policy before the first call of `next`.
        delay_ms: time by which this shard's ticks are later than their watermark, so that shards take turns.
    """

    def __init__(self, open_panes: OpenPanes, store: WindowStore, timeline: ActivationTimeline, delay_ms: int) -> None:
        self._open = open_panes
        self._store = store
        self._timeline = timeline
        self._wait_ms = _MARGIN_MS + delay_ms
        self._begun = -1
        """Number of the last pane whose texts were chosen."""
        self._pane: OpenPane | None = None
        """The pane of `_waiting`; compaction replaces the object, and with it the numbers of its entries."""
        self._waiting = np.zeros(0, np.int64)
        """Entries of the pane that are not scored yet."""

    @property
    def is_due(self) -> bool:
        """Whether a pane waits whose texts are not scored yet."""
        return self._next_pane() is not None

    def next(self) -> UnscoredTexts | None:
        """Return the next slice of texts, perhaps an empty one; None: no pane waits, or all of its texts are scored."""
        number = self._next_pane()
        if number is None:
            return None
        pane = self._open.panes[number]
        if number != self._begun or pane is not self._pane:
            pane.score_by(self._timeline.model_of(number))
            self._begun, self._pane, self._waiting = number, pane, self._chosen(pane)
        entries, self._waiting = np.split(self._waiting, [SLICE_TEXTS])
        return UnscoredTexts.of(pane, entries)

    def settle(self, number: int) -> None:
        """Release a pane that settles, and its texts."""
        if number >= self._begun:
            self._begun, self._pane, self._waiting = number, None, np.zeros(0, np.int64)

    def _next_pane(self) -> int | None:
        """Return the first pane that is over and not scored; None: there is none. Idle sources do not count."""
        busy = (source.newest_ms for source in self._open.sources.values() if source.newest_ms >= source.watermark_ms)
        reached_ms = min(busy, default=-1)
        for number in sorted(self._open.panes):
            done = number < self._begun or (number == self._begun and not len(self._waiting))
            if not done and (number + 1) * PANE_MS + self._wait_ms <= reached_ms:
                return number
        return None

    def _chosen(self, pane: OpenPane) -> Ints:
        """Return the entries of a pane that its tick may score: tweets that expire, and later ones, count too."""
        window, policy, total = self._store.shortest, self._timeline.policy, pane.sum()
        assert window is not None and policy is not None
        busy = window.counts.over(total.keys, policy.score_floor, self._open.tweets) >> COUNTRY_BITS
        entries = total.entries[np.repeat(np.isin(total.keys >> COUNTRY_BITS, busy), np.diff(total.bounds))]
        return pane.unscored(entries)
