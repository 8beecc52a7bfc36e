"""Authors of hidden tags: finds the tags to which a hidden campaign has migrated.

The judge that hides a tag sends its authors to every shard (`streams.log.author_sketches`). The record takes time to
arrive, so it counts from a later tick than its own:

    tick of the sketch ── DELAY_MS ──► first tick that it counts for, in all shards and in the reference.
                                        │ The log had a greater watermark before the record:
                                        └──► first tick above that watermark, in this shard alone.

A tick settles at or below the lowest watermark, so no settled tick changes, and the log alone decides which sketches
count. The next tick that settles publishes the received sketches with its panes, so the next owner recovers all of them
up to the progress record.

The sketches of one tag count together, back to the tick that last released it. The signal is a share: of the authors
under this tag, the part that the hidden tag had. Each sample has all authors up to some hash. Up to the lower of the
two hashes, every author under this tag is known to be shared or not. Those authors are a fair sample (Cohen and Kaplan
2007, "Summarizing data using bottom-k sketches"); the signal is its exact lower bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import takewhile

import numpy as np

from streams.counting.block_counts import Ints
from streams.counting.keys import COUNTRY_MASK, Tags, country_code
from streams.counting.sketch import K, UInts
from streams.judging.bounds import exact_lower
from streams.judging.kernels.prefilter import may_contain
from streams.judging.log_position import LogPosition
from streams.judging.recovered_state import RecoveredState
from streams.judging.side_inputs.base import SideInput
from streams.log.author_sketches import AuthorSketch, ReceivedSketch, decode_received_sketches, encode_received_sketch
from streams.log.partials import Partial
from streams.signals.base import Bools, Doubles
from streams.windows.window import AuthorSample
from streams.windows.window_store import WindowSpan, WindowStore

DELAY_MS = 60_000
"""Time between the tick of a sketch and the first tick that it counts for, so that the record can arrive."""
MOST = 128
"""Sketches of one country, or of the world, that count at a tick: the newest ones."""
CONFIDENCE = 0.995
"""Confidence of the bound for each hidden tag; the greatest bound of ten tags still holds at .95."""


@dataclass(frozen=True, slots=True, eq=False)
class MigrationMatches:
    """The best match of each of m tags among the hidden tags. Shapes (m,)."""

    lower: Doubles
    """Greatest lower bound of the share of a tag's authors that one hidden tag had; 0 without any."""
    of: Sequence[str]
    """Hidden tag of that bound; "" without any."""
    from_hidden: Bools
    """(n,) whether a sampled author wrote harm under another tag that is hidden."""


@dataclass(frozen=True, slots=True, eq=False)
class HiddenCampaign:
    """A hidden tag with all its authors up to a hash, ascending."""

    hashtag: str
    authors: UInts
    upto: int


class AuthorSketchIndex(SideInput):
    """The sketches of one shard."""

    def __init__(self, tags: Tags) -> None:
        self._tags = tags
        self._sketches: dict[str, dict[str, dict[int, ReceivedSketch]]] = {}
        """Sketches by country, hashtag and tick."""
        self._unpublished: list[ReceivedSketch] = []
        self._late = self._given_up = 0

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
            self._late += received.from_ms > due_ms
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
        for one in received:
            self._keep(one)

    def _keep(self, received: ReceivedSketch) -> bool:
        sketch = received.sketch
        of_tag = self._sketches.setdefault(sketch.country, {}).setdefault(sketch.hashtag, {})
        known = of_tag.get(sketch.tick_ms)
        if known is not None and known.from_ms <= received.from_ms:
            return False
        of_tag[sketch.tick_ms] = received
        return True

    def prune(self, tick_ms: int, kept_from_ms: int) -> None:
        """Drop the sketches that count neither at this tick nor later; give up the campaigns above the limit."""
        for country, tags in list(self._sketches.items()):
            counting = self._counting_at(country, tick_ms, kept_from_ms)
            self._given_up += sum(one.until_ms > tick_ms for one in counting[MOST:])
            kept = {(one.hashtag, one.tick_ms) for one in counting[:MOST]}
            remaining = {
                hashtag: {
                    at: one
                    for at, one in of_tag.items()
                    if (hashtag, at) in kept or (one.from_ms > tick_ms and at >= kept_from_ms)
                }
                for hashtag, of_tag in tags.items()
            }
            self._sketches[country] = {hashtag: of_tag for hashtag, of_tag in remaining.items() if of_tag}
            if not self._sketches[country]:
                del self._sketches[country]

    def take_counts(self) -> dict[str, int]:
        """Return the late and the given up sketches since the last call, and reset the counts."""
        counts = {"sketches_late": self._late, "sketches_given_up": self._given_up}
        self._late = self._given_up = 0
        return counts

    # ---- windows ----

    def campaigns(self, country: str, tick_ms: int, kept_from_ms: int) -> list[HiddenCampaign]:
        """Return the hidden tags whose authors count at a tick, that of the newest sketch first.

        Args:
            country: country in which the tags are hidden.
            tick_ms: end of the tick.
            kept_from_ms: older sketches do not count; their panes are dropped.
        """
        by_tag: dict[str, list[AuthorSketch]] = {}
        for one in self._counting_at(country, tick_ms, kept_from_ms)[:MOST]:
            by_tag.setdefault(one.hashtag, []).append(one)
        return [
            merge_sketches(list(takewhile(lambda one: one.until_ms, sketches)))
            for sketches in by_tag.values()
            if sketches[0].until_ms > tick_ms
        ]

    def _counting_at(self, country: str, tick_ms: int, kept_from_ms: int) -> list[AuthorSketch]:
        """Return the sketches that count, newest first; one beyond `MOST` never gets back into it."""
        found = [
            one.sketch
            for of_tag in self._sketches.get(country, {}).values()
            for at, one in of_tag.items()
            if at >= kept_from_ms and one.from_ms <= tick_ms
        ]
        return sorted(found, key=lambda one: (-one.tick_ms, one.hashtag))

    def annotate(self, sample: AuthorSample, keys: Ints, span: WindowSpan) -> MigrationMatches | None:
        """Match the authors of keys (m,) with the hidden tags; None while there are none."""
        if not self._sketches:
            return None
        lower, of = np.zeros(len(keys)), [""] * len(keys)
        from_hidden = np.zeros(len(sample.author), bool)
        codes = keys & COUNTRY_MASK
        for country in self._sketches:
            rows = np.flatnonzero(codes == country_code(country))
            hidden = self.campaigns(country, span.end_ms, span.kept_from_ms) if len(rows) else []
            if hidden:
                own = np.array([self._tags.find(one.hashtag, country) or -1 for one in hidden], np.int64)
                from_hidden |= _wrote_under(hidden, own, sample, keys, rows)
                bounds = share_bounds(hidden, sample, keys, rows)
                bounds[keys[rows][:, None] == own] = 0.0  # no tag migrates to itself
                best = bounds.argmax(axis=1)
                lower[rows] = bounds[np.arange(len(rows)), best]
                for row, at in zip(rows.tolist(), best.tolist(), strict=True):
                    of[row] = hidden[at].hashtag if lower[row] > 0 else ""
        return MigrationMatches(lower, of, from_hidden)


def _wrote_under(hidden: Sequence[HiddenCampaign], own: Ints, sample: AuthorSample, keys: Ints, rows: Ints) -> Bools:
    """Mark (n,) the sampled authors of some keys that are among the authors of another key's hidden tag.

    Args:
        hidden: hidden tags with their authors.
        own: (len(hidden),) key of each of them; -1 where this shard does not have it.
        sample: sampled authors, grouped by key.
        keys: (m,) the groups of `sample`.
        rows: numbers of the keys to compare.
    """
    asked = np.zeros(len(keys), bool)
    asked[rows] = True
    mine = np.flatnonzero(asked[sample.group])
    row, campaign = _join(sample.author[mine], hidden)
    row = mine[row]
    found = np.zeros(len(sample.author), bool)
    found[row[keys[sample.group[row]] != own[campaign]]] = True
    return found


def _join(author: UInts, hidden: Sequence[HiddenCampaign]) -> tuple[Ints, Ints]:
    """Return the pairs (p,) of a row of `author` (n,) and the number of a hidden tag that has the author."""
    owner = np.repeat(np.arange(len(hidden)), [len(one.authors) for one in hidden])
    theirs = np.concatenate([one.authors for one in hidden])
    order = np.argsort(theirs, kind="stable")
    near = np.flatnonzero(may_contain(theirs, author))
    first, last = (np.searchsorted(theirs[order], author[near], side) for side in ("left", "right"))
    had = np.repeat(first - (np.cumsum(last - first) - (last - first)), last - first)
    had += np.arange(len(had))
    return np.repeat(near, last - first), owner[order][had]


def merge_sketches(sketches: Sequence[AuthorSketch]) -> HiddenCampaign:
    """Merge the sketches of one tag, at least one, up to the lowest hash to which each of them is complete."""
    upto = min(one.upto for one in sketches)
    authors = np.unique(np.concatenate([one.hashes() for one in sketches]))
    return HiddenCampaign(sketches[0].hashtag, authors[authors <= np.uint64(upto)], upto)


def share_bounds(hidden: Sequence[HiddenCampaign], sample: AuthorSample, keys: Ints, rows: Ints) -> Doubles:
    """Return (len(rows), len(hidden)) lower bounds of the share of a key's authors that each hidden tag had.

    Args:
        hidden: hidden tags with their authors.
        sample: sampled authors, grouped by key.
        keys: (m,) the groups of `sample`, which has all authors of each up to its greatest hash.
        rows: numbers of the keys to compare.
    """
    place = np.full(len(keys), -1)
    place[rows] = np.arange(len(rows))
    mine = np.flatnonzero(place[sample.group] >= 0)
    group, author = place[sample.group[mine]], sample.author[mine]
    shape = (len(rows), len(hidden))

    row, campaign = _join(author, hidden)
    shared = np.bincount(group[row] * shape[1] + campaign, minlength=shape[0] * shape[1]).reshape(shape)

    upto = np.array([one.upto for one in hidden], np.uint64)
    by_upto = np.argsort(upto, kind="stable")
    beyond = np.searchsorted(upto[by_upto], author)  # number of hidden tags whose sketch ends before the author
    of = np.bincount(group * (shape[1] + 1) + beyond, minlength=shape[0] * (shape[1] + 1))
    known = np.empty(shape, np.int64)
    known[:, by_upto] = of.reshape(shape[0], -1)[:, :-1].cumsum(axis=1)
    bounds: Doubles = _lower_bounds()[known, shared]
    return bounds


@cache
def _lower_bounds() -> Doubles:
    """Return (K + 1, K + 1) the bound by the number of known authors and the number of shared ones."""
    known, shared = np.meshgrid(np.arange(K + 1), np.arange(K + 1), indexing="ij")
    return exact_lower(np.minimum(shared, known), known, CONFIDENCE)


def received_sketches(log: Iterable[object]) -> list[ReceivedSketch]:
    """Return the sketches of a whole log as a judge receives them that reads it from its beginning."""
    sketches, passed_ms = AuthorSketchIndex(Tags()), -1
    for record in log:
        if isinstance(record, AuthorSketch):
            sketches.add(record, passed_ms)
        else:
            passed_ms = max(passed_ms, getattr(record, "watermark_ms", -1))
    return sketches.take_unpublished()
