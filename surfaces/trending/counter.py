"""Counts of hashtags per country over a sliding window of one-second slots: what a trends list is made from.

Each tag keeps two sums, of the whole window and of its last seconds. A slot that leaves one of them is subtracted from
the tags that it touched and from no others, so a second costs what happened in it, however long the window is.

This is a product's estimate, not hushtag's count: it starts where it began to read, counts a producer's retry twice,
takes out a deleted tweet where the deletion says what that said, and under a flood of distinct tags forgets the quiet
ones (see `max_tags`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from heapq import nlargest

from surfaces.trending.score import trending_score, velocity

WORLD = "*"
SPELLINGS_KEPT = 8
NEW_SECONDS = 60


@dataclass(slots=True, eq=False)
class _Tag:
    hashtag: str
    country: str
    first_slot: int
    total: int = 0
    recent: int = 0
    by_slot: dict[int, int] = field(default_factory=dict)
    spellings: dict[str, int] = field(default_factory=dict)

    def display(self) -> str:
        return max(self.spellings.items(), key=lambda spelling: spelling[1])[0]


@dataclass(frozen=True, slots=True)
class Trend:
    """One hashtag as it stands now in one country: `tweets` in the window, `velocity` 1 where steady."""

    hashtag: str
    display: str
    tweets: int
    velocity: float
    score: float
    new: bool
    """Its first tweet came within the last minute, to a counter that had been watching."""


class TrendCounter:
    """Tweets per (country or world, hashtag) in the half-open window of the last `window_seconds`.

    `now_ms` never goes back: `add` and `advance` take the later of what they are given and what they were given before.
    A tweet older than the window is not counted, one from the future counts now. A tag is ranked from `min_tweets` on.
    """

    def __init__(
        self, *, window_seconds: int = 600, recent_seconds: int = 15, min_tweets: int = 10, max_tags: int = 200_000
    ) -> None:
        if not 0 < recent_seconds < window_seconds:
            raise ValueError("recent_seconds must lie between 0 and window_seconds")
        self.window_seconds = window_seconds
        self.recent_seconds = recent_seconds
        self.min_tweets = min_tweets
        self.max_tags = max_tags
        self.tags_refused = 0
        self._tags: dict[str, dict[str, _Tag]] = {}
        self._candidates: defaultdict[str, set[_Tag]] = defaultdict(set)
        self._touched: dict[int, list[_Tag]] = {}
        self._names: dict[str, tuple[int, list[str]]] = {}
        self._room_made_at: dict[str, int] = {}
        self._first_slot: int | None = None
        self._now_slot = 0

    def add(self, country: str, uses: Iterable[tuple[str, str]], at_ms: int, now_ms: int) -> None:
        """Count one tweet's `(hashtag, display)` pairs once each, for its country ("" is none) and for the world."""
        self.advance(now_ms)
        slot = min(at_ms // 1000, self._now_slot)
        if slot <= self._now_slot - self.window_seconds:
            return
        if self._first_slot is None or slot < self._first_slot:
            self._first_slot = slot
        for hashtag, display in uses:
            self._count(WORLD, hashtag, display, slot)
            if country:
                self._count(country, hashtag, display, slot)

    def take_out(self, country: str, hashtags: Iterable[str], made_at_ms: int, now_ms: int) -> None:
        """A tweet was deleted: of each of its tags one less, in the first slot since it was made that has any."""
        self.advance(now_ms)
        for hashtag in hashtags:
            for scope in (WORLD, country) if country else (WORLD,):
                tag = self._tags.get(scope, {}).get(hashtag)
                slots = () if tag is None else tag.by_slot
                slot = min((slot for slot in slots if slot >= made_at_ms // 1000), default=None)
                if tag is not None and slot is not None:
                    self._discount(tag, slot)

    def advance(self, now_ms: int) -> None:
        """Let what has left the windows go."""
        slot = now_ms // 1000
        if slot <= self._now_slot:
            return
        before, self._now_slot = self._now_slot, slot
        for left in self._slots_left(before, slot, self.recent_seconds):
            for tag in self._touched[left]:
                tag.recent -= tag.by_slot[left]
        for left in self._slots_left(before, slot, self.window_seconds):
            for tag in self._touched.pop(left):
                self._forget_slot(tag, left)

    @property
    def observed_seconds(self) -> int:
        """How much of the window has been watched, at most `window_seconds`."""
        if self._first_slot is None:
            return 0
        return min(self._now_slot - self._first_slot + 1, self.window_seconds)

    def countries(self, at_least: int = 1) -> list[str]:
        """Countries with at least so many hashtags in the window, in alphabetical order; the world is not one."""
        return sorted(code for code, tags in self._tags.items() if code != WORLD and len(tags) >= at_least)

    def ranking(self, country: str, count: int) -> list[Trend]:
        """The `count` best by trending score, best first; ties by hashtag. An unknown country has none."""
        best = nlargest(count, self._candidates.get(country, ()), key=lambda tag: (self._score(tag), tag.hashtag))
        return [self._trend(tag) for tag in best]

    def find(self, country: str, hashtag: str) -> Trend | None:
        """One tag, whatever its rank; None if nobody used it in the window."""
        tag = self._tags.get(country, {}).get(hashtag)
        return None if tag is None else self._trend(tag)

    def with_prefix(self, country: str, prefix: str, count: int) -> list[Trend]:
        """The tags that begin with `prefix` (normalised), most tweets first; with "" the most trending ones.

        A tag's first tweet may take until the next second to be found.
        """
        if not prefix:
            return self.ranking(country, count)
        tags = self._tags.get(country, {})
        if self._names.get(country, (0, ()))[0] != self._now_slot:
            self._names[country] = (self._now_slot, sorted(tags))
        names = self._names[country][1]
        found = []
        for index in range(bisect_left(names, prefix), len(names)):
            if not names[index].startswith(prefix):
                break
            if (tag := tags.get(names[index])) is not None:
                found.append(tag)
        return [self._trend(tag) for tag in nlargest(count, found, key=lambda tag: (tag.total, tag.hashtag))]

    def series(self, country: str, hashtag: str, points: int, step_seconds: int) -> list[int]:
        """Tweets of a tag in `points` steps of `step_seconds`, oldest first; the last one ends now."""
        counts = [0] * points
        tag = self._tags.get(country, {}).get(hashtag)
        for slot, count in tag.by_slot.items() if tag is not None else ():
            back = (self._now_slot - slot) // step_seconds
            if back < points:
                counts[points - 1 - back] += count
        return counts

    def _slots_left(self, before: int, now: int, width_seconds: int) -> Iterator[int]:
        """Touched slots that were in a window of this width at `before` and are not at `now`."""
        first, end = before - width_seconds + 1, now - width_seconds + 1
        if end - first > len(self._touched):
            return iter([slot for slot in self._touched if first <= slot < end])
        return iter([slot for slot in range(first, end) if slot in self._touched])

    def _count(self, country: str, hashtag: str, display: str, slot: int) -> None:
        tags = self._tags.setdefault(country, {})
        tag = tags.get(hashtag)
        if tag is None:
            if len(tags) >= self.max_tags and not self._make_room(country):
                self.tags_refused += 1
                return
            tag = tags[hashtag] = _Tag(hashtag, country, slot)
        tag.total += 1
        if slot > self._now_slot - self.recent_seconds:
            tag.recent += 1
        if slot in tag.by_slot:
            tag.by_slot[slot] += 1
        else:
            tag.by_slot[slot] = 1
            self._touched.setdefault(slot, []).append(tag)
        if display in tag.spellings or len(tag.spellings) < SPELLINGS_KEPT:
            tag.spellings[display] = tag.spellings.get(display, 0) + 1
        if tag.total == self.min_tweets:
            self._candidates[country].add(tag)

    def _discount(self, tag: _Tag, slot: int) -> None:
        if slot > self._now_slot - self.recent_seconds:
            tag.recent -= 1
        if tag.by_slot[slot] == 1:
            self._touched[slot].remove(tag)
            self._forget_slot(tag, slot)
            return
        tag.by_slot[slot] -= 1
        self._fall(tag, 1)

    def _forget_slot(self, tag: _Tag, slot: int) -> None:
        self._fall(tag, tag.by_slot.pop(slot))

    def _fall(self, tag: _Tag, by: int) -> None:
        before = tag.total
        tag.total -= by
        if tag.total < self.min_tweets <= before:
            self._candidates[tag.country].discard(tag)
        if tag.total == 0:
            del self._tags[tag.country][tag.hashtag]

    def _make_room(self, country: str) -> bool:
        """Under a flood of tags: forget, once a second, those below the ranking's floor and not of the last seconds."""
        tags = self._tags[country]
        if self._room_made_at.get(country) != self._now_slot:
            self._room_made_at[country] = self._now_slot
            quiet = {tag for tag in tags.values() if tag.recent == 0 and tag.total < self.min_tweets}
            for tag in quiet:
                del tags[tag.hashtag]
            for slot in {slot for tag in quiet for slot in tag.by_slot}:
                self._touched[slot] = [tag for tag in self._touched[slot] if tag not in quiet]
        return len(tags) < self.max_tags

    def _score(self, tag: _Tag) -> float:
        return trending_score(tag.total, tag.recent, self.recent_seconds, self.observed_seconds)

    def _trend(self, tag: _Tag) -> Trend:
        age_seconds = self._now_slot - tag.first_slot
        return Trend(
            hashtag=tag.hashtag,
            display=tag.display(),
            tweets=tag.total,
            velocity=velocity(tag.total, tag.recent, self.recent_seconds, self.observed_seconds),
            score=self._score(tag),
            new=age_seconds < NEW_SECONDS and self.observed_seconds - age_seconds > self.recent_seconds,
        )
