"""Authors of hidden tags: finds the tags to which a hidden campaign has migrated.

The judge that hides a tag sends its authors to every shard (`streams.log.author_sketches`). The record takes time to
arrive, so it counts from a later tick than its own:

    tick of the sketch ── DELAY_MS ──► first tick that it counts for, in all shards and in the reference.
                                        │ The log had a greater watermark before the record:
                                        └──► first tick above that watermark, in this shard alone.

A tick settles at or below the lowest watermark, so no settled tick changes, and the log alone decides which sketches
count. The next tick that settles publishes the received sketches with its panes, so the next owner recovers all of them
up to the progress record.

The sketches of one tag count together, back to the tick that last released it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import takewhile

import numpy as np

from streams.counting.block_counts import Ints
from streams.counting.keys import COUNTRY_MASK, Tags, country_code
from streams.judging.log_position import LogPosition
from streams.judging.recovered_state import RecoveredState
from streams.judging.side_inputs.base import SideInput
from streams.judging.side_inputs.migration import HiddenCampaigns, MigrationMatches, match
from streams.log.author_sketches import AuthorSketch, ReceivedSketch, decode_received_sketches, encode_received_sketch
from streams.log.partials import Partial
from streams.windows.window import AuthorSample
from streams.windows.window_store import WindowSpan, WindowStore

DELAY_MS = 60_000
"""Time between the tick of a sketch and the first tick that it counts for, so that the record can arrive."""
MOST = 128
"""Sketches of one country, or of the world, that count at a tick: the newest ones."""
_KEPT = 16
"""Joined campaigns that are kept, for windows and countries: from tick to tick they rarely change."""


class AuthorSketchIndex(SideInput):
    """The sketches of one shard."""

    def __init__(self, tags: Tags) -> None:
        super().__init__()
        self._tags = tags
        self._sketches: dict[str, dict[tuple[str, int], ReceivedSketch]] = {}
        """Sketches by country, then by hashtag and tick."""
        self._join = lru_cache(_KEPT)(HiddenCampaigns)
        self._unpublished: list[ReceivedSketch] = []

    # ---- the log ----

    def apply(self, record: Partial, position: LogPosition) -> Iterable[int]:
        """Add the sketch of an author sketch record; no pane has to settle for it."""
        if isinstance(record, AuthorSketch):
            self.add(record, position.passed_ms)
        return ()

    def add(self, sketch: AuthorSketch, passed_ms: int) -> None:
        """Add a sketch; of repeats the first counts.

        Args:
            sketch: authors of a hidden tag, as its judge sent them.
            passed_ms: greatest watermark of the log before the sketch.
        """
        due_ms = sketch.tick_ms + DELAY_MS
        received = ReceivedSketch(sketch, max(due_ms, passed_ms + 1))
        if self._keep(received):
            self.counts["sketches_late"] += received.from_ms > due_ms
            self._unpublished.append(received)

    def settle(self, pane: int, store: WindowStore) -> Iterator[bytes]:
        """Encode the sketches received since the last tick, for the next owner."""
        return map(encode_received_sketch, self.take_unpublished())

    def take_unpublished(self) -> list[ReceivedSketch]:
        """Take the sketches received since the last call."""
        unpublished, self._unpublished = self._unpublished, []
        return unpublished

    def recover(self, state: RecoveredState) -> None:
        """Load the sketches of the previous owner's side records."""
        self.load(decode_received_sketches(state.side_records))

    def load(self, received: Iterable[ReceivedSketch]) -> None:
        """Load sketches that were published, in any order; repeats change nothing."""
        for sketch in received:
            self._keep(sketch)

    def _keep(self, received: ReceivedSketch) -> bool:
        sketch = received.sketch
        of_country, at = self._sketches.setdefault(sketch.country, {}), (sketch.hashtag, sketch.tick_ms)
        earlier = of_country.get(at)
        if earlier is not None and earlier.from_ms <= received.from_ms:
            return False
        of_country[at] = received
        return True

    def prune(self, tick_ms: int, kept_from_ms: int) -> None:
        """Drop the sketches that count neither at this tick nor later; give up the campaigns above the limit."""
        for country, of_country in list(self._sketches.items()):
            counting = self._counting_at(country, tick_ms, kept_from_ms)
            self.counts["sketches_given_up"] += sum(sketch.until_ms > tick_ms for sketch in counting[MOST:])
            kept = {(sketch.hashtag, sketch.tick_ms) for sketch in counting[:MOST]}
            self._sketches[country] = {
                at: entry
                for at, entry in of_country.items()
                if at in kept or (entry.from_ms > tick_ms and entry.sketch.tick_ms >= kept_from_ms)
            }
            if not self._sketches[country]:
                del self._sketches[country]

    # ---- windows ----

    def campaigns(self, country: str, tick_ms: int, kept_from_ms: int) -> HiddenCampaigns | None:
        """Return the hidden tags whose authors count at a tick, that of the newest sketch first; None: there are none.

        Args:
            country: country in which the tags are hidden.
            tick_ms: end of the tick.
            kept_from_ms: older sketches do not count; their panes are dropped.
        """
        by_tag: dict[str, list[AuthorSketch]] = {}
        for sketch in self._counting_at(country, tick_ms, kept_from_ms)[:MOST]:
            by_tag.setdefault(sketch.hashtag, []).append(sketch)
        counting = tuple(
            tuple(takewhile(lambda hidden: hidden.until_ms, sketches))
            for sketches in by_tag.values()
            if sketches[0].until_ms > tick_ms
        )
        return self._join(counting) if counting else None

    def _counting_at(self, country: str, tick_ms: int, kept_from_ms: int) -> list[AuthorSketch]:
        """Return the sketches that count, newest first; one beyond `MOST` never gets back into it."""
        sketches = [
            entry.sketch
            for entry in self._sketches.get(country, {}).values()
            if entry.sketch.tick_ms >= kept_from_ms and entry.from_ms <= tick_ms
        ]
        return sorted(sketches, key=lambda sketch: (-sketch.tick_ms, sketch.hashtag))

    def annotate(self, sample: AuthorSample, keys: Ints, span: WindowSpan) -> MigrationMatches | None:
        """Match the authors of keys (m,) with the hidden tags; None while there are none."""
        if not self._sketches:
            return None
        matches = MigrationMatches(np.zeros(len(keys)), [""] * len(keys), np.zeros(len(sample.author), bool))
        codes = keys & COUNTRY_MASK
        for country in self._sketches:
            rows = np.flatnonzero(codes == country_code(country))
            hidden = self.campaigns(country, span.end_ms, span.kept_from_ms) if len(rows) else None
            if hidden is not None:
                own = np.array([self._tags.find(name, country) or -1 for name in hidden.hashtags], np.int64)
                match(hidden, own, sample, keys, rows, matches)
        return matches
