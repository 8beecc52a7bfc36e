"""Whether a tag's authors come from a campaign that was hidden: sketches that a shard has heard, and what they say.

A judge tells every shard who wrote under a tag that it hides (`streams.log.author_sketches`). The record travels, so it
counts from a tick that is later than the one it is about:

    tick of the sketch ── DELAY_MS ──► first tick that it counts for          (the rule: all shards and the reference)
                                        │ a watermark above that was told before the record came
                                        └──► the first tick above it          (late: this shard's log says from when)

A tick settles at or below the lowest watermark, so none that anybody has settled is touched, and which sketches count
at a tick follows from the shard's log alone. What is heard is kept beside the panes by the next tick that settles, so
a judge that takes over knows all that was heard up to its predecessor's progress record.

The sketches of one tag count together, back to where it was last let go. The signal is a share: of the authors under
this tag those that the old one had. Both samples are all authors up to some hash, so up to the lower of the two it is
known of each author under this tag whether the old one had them: a fair sample (Cohen and Kaplan 2007, "Summarizing
data using bottom-k sketches"), and its exact lower bound is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import takewhile

import numpy as np

from streams.counting.block_counts import Ints
from streams.counting.keys import COUNTRY_MASK, Tags, country_code
from streams.counting.sketch import K, UInts
from streams.judging.bounds import Doubles, exact_lower
from streams.log.author_sketches import AuthorSketch, HeardSketch
from streams.windows.window import Sample

DELAY_MS = 60_000
"""From the tick that hides a tag to the first at which its authors count elsewhere: time for the record to arrive."""
MOST = 128
"""Sketches of one country, or of the world, that count at a tick: the newest."""
CONFIDENCE = 0.995
"""Of the lower bound of each predecessor; the greatest over ten of them holds at .95 still."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What was found about m tags. Shapes (m,)."""

    lower: Doubles
    """The greatest lower bound of the share of a tag's authors that one predecessor had; 0 without one."""
    of: Sequence[str]
    """The hashtag of that predecessor; "" without one."""

    def take(self, rows: Ints) -> Found:
        """Some of the tags."""
        return Found(self.lower[rows], [self.of[row] for row in rows.tolist()])


@dataclass(frozen=True, slots=True, eq=False)
class Predecessor:
    """A hidden tag: its authors up to a hash, ascending, all of them."""

    hashtag: str
    authors: UInts
    upto: int


class ShardSketches:
    """The sketches of one shard."""

    def __init__(self, tags: Tags) -> None:
        self.asked = False
        """Whether the policy in force names the signal."""
        self.late = 0
        """Sketches that came when a tick that they should have counted for was passed."""
        self.given_up = 0
        """Sketches that there was no room for while their flag stood."""
        self._tags = tags
        self._heard: dict[str, dict[str, dict[int, HeardSketch]]] = {}
        """By country, hashtag and the sketch's tick."""
        self._fresh: list[HeardSketch] = []

    def hear(self, sketch: AuthorSketch, passed_ms: int) -> None:
        """Take a sketch of the shard's log; of repeats the first counts.

        Args:
            passed_ms: the greatest watermark in the log before it.
        """
        due_ms = sketch.tick_ms + DELAY_MS
        heard = HeardSketch(sketch, max(due_ms, passed_ms + 1))
        if self._keep(heard):
            self.late += heard.from_ms > due_ms
            self._fresh.append(heard)

    def take_fresh(self) -> list[HeardSketch]:
        """What was heard since the last tick: to be kept beside the panes."""
        fresh, self._fresh = self._fresh, []
        return fresh

    def recover(self, heard: Iterable[HeardSketch]) -> None:
        """As a predecessor kept them; repeats do no harm."""
        for one in heard:
            self._keep(one)

    def _keep(self, heard: HeardSketch) -> bool:
        sketch = heard.sketch
        of_tag = self._heard.setdefault(sketch.country, {}).setdefault(sketch.hashtag, {})
        known = of_tag.get(sketch.tick_ms)
        if known is not None and known.from_ms <= heard.from_ms:
            return False
        of_tag[sketch.tick_ms] = heard
        return True

    def live(self, country: str, tick_ms: int, oldest_ms: int) -> list[Predecessor]:
        """The tags whose authors count at a tick, that of the newest sketch first.

        Args:
            oldest_ms: no older sketch counts: its panes, and the record beside them, are gone.
        """
        by_tag: dict[str, list[AuthorSketch]] = {}
        for one in self._in_force(country, tick_ms, oldest_ms)[:MOST]:
            by_tag.setdefault(one.hashtag, []).append(one)
        return [
            together(list(takewhile(lambda one: one.until_ms, sketches)))
            for sketches in by_tag.values()
            if sketches[0].until_ms > tick_ms
        ]

    def _in_force(self, country: str, tick_ms: int, oldest_ms: int) -> list[AuthorSketch]:
        """Newest first. A sketch only moves back in it: what has no room now never has again."""
        found = [
            one.sketch
            for of_tag in self._heard.get(country, {}).values()
            for at, one in of_tag.items()
            if at >= oldest_ms and one.from_ms <= tick_ms
        ]
        return sorted(found, key=lambda one: (-one.tick_ms, one.hashtag))

    def prune(self, tick_ms: int, oldest_ms: int) -> None:
        """Forget what no tick from this one on can need."""
        for country, tags in list(self._heard.items()):
            in_force = self._in_force(country, tick_ms, oldest_ms)
            self.given_up += sum(one.until_ms > tick_ms for one in in_force[MOST:])
            kept = {(one.hashtag, one.tick_ms) for one in in_force[:MOST]}
            left = {
                hashtag: {
                    at: one
                    for at, one in of_tag.items()
                    if (hashtag, at) in kept or (one.from_ms > tick_ms and at >= oldest_ms)
                }
                for hashtag, of_tag in tags.items()
            }
            self._heard[country] = {hashtag: of_tag for hashtag, of_tag in left.items() if of_tag}
            if not self._heard[country]:
                del self._heard[country]

    def find(self, sample: Sample, keys: Ints, tick_ms: int, oldest_ms: int) -> Found | None:
        """The predecessors of some keys; None where nobody asks.

        Args:
            sample: the authors that count, by group; all that a key has up to the greatest of them.
            keys: (m,) ascending, the groups of `sample`.
        """
        if not self.asked:
            return None
        lower, of = np.zeros(len(keys)), [""] * len(keys)
        codes = keys & COUNTRY_MASK
        for country in self._heard:
            rows = np.flatnonzero(codes == country_code(country))
            live = self.live(country, tick_ms, oldest_ms) if len(rows) else []
            if live:
                own = np.array([self._tags.find(one.hashtag, country) or -1 for one in live], np.int64)
                bounds = compare(live, sample, keys, rows)
                bounds[keys[rows][:, None] == own] = 0.0  # no tag is its own successor
                best = bounds.argmax(axis=1)
                lower[rows] = bounds[np.arange(len(rows)), best]
                for row, at in zip(rows.tolist(), best.tolist(), strict=True):
                    of[row] = live[at].hashtag if lower[row] > 0 else ""
        return Found(lower, of)


def together(sketches: Sequence[AuthorSketch]) -> Predecessor:
    """Sketches of one tag, at least one: all authors of any up to the lowest hash to which one tells all of its own."""
    upto = min(one.upto for one in sketches)
    authors = np.unique(np.concatenate([one.hashes() for one in sketches]))
    return Predecessor(sketches[0].hashtag, authors[authors <= np.uint64(upto)], upto)


def compare(predecessors: Sequence[Predecessor], sample: Sample, keys: Ints, rows: Ints) -> Doubles:
    """(len(rows), len(predecessors)) lower bounds of the share of the authors of some keys whom each tag had.

    Args:
        keys: (m,) the groups of `sample`, which for each has all its authors up to the greatest there.
        rows: which of the keys.
    """
    place = np.full(len(keys), -1)
    place[rows] = np.arange(len(rows))
    mine = np.flatnonzero(place[sample.group] >= 0)
    group, author = place[sample.group[mine]], sample.author[mine]
    shape = (len(rows), len(predecessors))

    owner = np.repeat(np.arange(shape[1]), [len(one.authors) for one in predecessors])
    theirs = np.concatenate([one.authors for one in predecessors])
    order = np.argsort(theirs, kind="stable")
    first, last = (np.searchsorted(theirs[order], author, side) for side in ("left", "right"))
    had = np.repeat(first - (np.cumsum(last - first) - (last - first)), last - first)
    had += np.arange(len(had))
    pairs = np.repeat(group, last - first) * shape[1] + owner[order][had]
    shared = np.bincount(pairs, minlength=shape[0] * shape[1]).reshape(shape)

    upto = np.array([one.upto for one in predecessors], np.uint64)
    by_upto = np.argsort(upto, kind="stable")
    beyond = np.searchsorted(upto[by_upto], author)  # so many of the predecessors tell nothing of the author
    of = np.bincount(group * (shape[1] + 1) + beyond, minlength=shape[0] * (shape[1] + 1))
    told = np.empty(shape, np.int64)
    told[:, by_upto] = of.reshape(shape[0], -1)[:, :-1].cumsum(axis=1)
    found: Doubles = _lower_bounds()[told, shared]
    return found


@cache
def _lower_bounds() -> Doubles:
    """(K + 1, K + 1) the bound for so many authors told, and so many of them shared."""
    told, shared = np.meshgrid(np.arange(K + 1), np.arange(K + 1), indexing="ij")
    return exact_lower(np.minimum(shared, told), told, CONFIDENCE)


def heard_in(log: Iterable[object]) -> list[HeardSketch]:
    """The sketches of a shard's log, as a judge that reads it from its beginning hears them."""
    sketches, passed_ms = ShardSketches(Tags()), -1
    for record in log:
        if isinstance(record, AuthorSketch):
            sketches.hear(record, passed_ms)
        else:
            passed_ms = max(passed_ms, getattr(record, "watermark_ms", -1))
    return sketches.take_fresh()
