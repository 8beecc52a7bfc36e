"""Count hashtags per country over a sliding window of one-second slots, as the basis of a trends list.

Each tag keeps two sums: of the whole window and of its last seconds. A slot that leaves a window is subtracted only
from the tags with tweets in it. The cost of a second is therefore independent of the window's length.

The count is a product's estimate, not hushtag's exact count. It starts with the first record read, counts a producer's
retry twice, and subtracts a deleted tweet only if the deletion repeats its hashtags. Under a flood of distinct tags it
drops the quiet ones (see `max_tags`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from heapq import nlargest

from surfaces.trending.score import contested_score, trending_score, velocity

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
    """Present counts of a hashtag in a country: `tweets` in the window; `velocity` is 1 for a steady tag."""

    hashtag: str
    display: str
    tweets: int
    velocity: float
    score: float
    new: bool
    """Whether its first tweet came within the last minute, while the counter was already running."""


class TrendCounter:
    """Tweets per (country or world, hashtag) in the half-open window of the last `window_seconds`.

    Time never goes back: `add` and `advance` ignore a `now_ms` before the latest one. A tweet older than the window is
    not counted; one from the future counts now. Tags are ranked from `min_tweets` on.
    """

    def __init__(
        self, *, window_seconds: int = 600, recent_seconds: int = 15, min_tweets: int = 10, max_tags: int = 200_000
    ) -> None:
        if not 0 < recent_seconds < window_seconds:
            raise ValueError("recent_seconds must be between 0 and window_seconds")
        self.window_seconds = window_seconds
        self.recent_seconds = recent_seconds
        self.min_tweets = min_tweets
        self.max_tags = max_tags
        self.tags_refused = 0
        self._tags: dict[str, dict[str, _Tag]] = {}
        self._candidates: defaultdict[str, set[_Tag]] = defaultdict(set)
        self._touched: dict[int, list[_Tag]] = {}
        self._names: dict[str, tuple[int, list[str]]] = {}
        self._pruned_at: dict[str, int] = {}
        self._first_slot: int | None = None
        self._now_slot = 0

    def add(self, country: str, uses: Iterable[tuple[str, str]], at_ms: int, now_ms: int) -> None:
        """Count each `(hashtag, display)` pair of a tweet once, for its country ("" if none) and for the world."""
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

    def subtract(self, country: str, hashtags: Iterable[str], made_at_ms: int, now_ms: int) -> None:
        """Subtract a deleted tweet from each of its tags, in the first slot since its creation with tweets."""
        self.advance(now_ms)
        for hashtag in hashtags:
            for scope in (WORLD, country) if country else (WORLD,):
                tag = self._tags.get(scope, {}).get(hashtag)
                slots = () if tag is None else tag.by_slot
                slot = min((slot for slot in slots if slot >= made_at_ms // 1000), default=None)
                if tag is not None and slot is not None:
                    self._discount(tag, slot)

    def advance(self, now_ms: int) -> None:
        """Subtract the slots that have left the windows."""
        slot = now_ms // 1000
        if slot <= self._now_slot:
            return
        before, self._now_slot = self._now_slot, slot
        for expired in self._expired_slots(before, slot, self.recent_seconds):
            for tag in self._touched[expired]:
                tag.recent -= tag.by_slot[expired]
        for expired in self._expired_slots(before, slot, self.window_seconds):
            for tag in self._touched.pop(expired):
                self._remove_slot(tag, expired)

    @property
    def observed_seconds(self) -> int:
        """Seconds since the first counted slot, at most `window_seconds`."""
        if self._first_slot is None:
            return 0
        return min(self._now_slot - self._first_slot + 1, self.window_seconds)

    def countries(self) -> list[str]:
        """List the countries with hashtags in the window, sorted; without the world."""
        return sorted(code for code, tags in self._tags.items() if code != WORLD and tags)

    def ranking(self, country: str, count: int) -> list[Trend]:
        """List the `count` tags with the best trending scores, best first; ties by hashtag."""
        best = nlargest(count, self._candidates.get(country, ()), key=lambda tag: (self._score(tag), tag.hashtag))
        return [self._trend(tag) for tag in best]

    def find(self, country: str, hashtag: str) -> Trend | None:
        """Return one tag at any rank; None if it was not used in the window."""
        tag = self._tags.get(country, {}).get(hashtag)
        return None if tag is None else self._trend(tag)

    def find_contested(self, country: str, hashtag: str, weight: float) -> Trend | None:
        """Return a contested tag with the tweets of its established authors, `weight` of all; None if it is unused."""
        tag = self.find(country, hashtag)
        if tag is None:
            return None
        return replace(tag, tweets=round(tag.tweets * weight), velocity=1.0, score=contested_score(tag.tweets, weight))

    def with_prefix(self, country: str, prefix: str, count: int) -> list[Trend]:
        """List the tags that begin with `prefix` (normalised), most tweets first; for "" the trending ones.

        A new tag may be missing until the next second.
        """
        if not prefix:
            return self.ranking(country, count)
        tags = self._tags.get(country, {})
        if self._names.get(country, (0, ()))[0] != self._now_slot:
            self._names[country] = (self._now_slot, sorted(tags))
        names = self._names[country][1]
        matches = []
        for index in range(bisect_left(names, prefix), len(names)):
            if not names[index].startswith(prefix):
                break
            if (tag := tags.get(names[index])) is not None:
                matches.append(tag)
        return [self._trend(tag) for tag in nlargest(count, matches, key=lambda tag: (tag.total, tag.hashtag))]

    def series(self, country: str, hashtag: str, points: int, step_seconds: int) -> list[int]:
        """Count a tag's tweets in `points` steps of `step_seconds`, oldest first; the last one ends now."""
        counts = [0] * points
        tag = self._tags.get(country, {}).get(hashtag)
        for slot, count in tag.by_slot.items() if tag is not None else ():
            back = (self._now_slot - slot) // step_seconds
            if back < points:
                counts[points - 1 - back] += count
        return counts

    def _expired_slots(self, before: int, now: int, width_seconds: int) -> Iterator[int]:
        """Find the slots with tweets that were in a window of this width at `before` and are not at `now`."""
        first, end = before - width_seconds + 1, now - width_seconds + 1
        if end - first > len(self._touched):
            return iter([slot for slot in self._touched if first <= slot < end])
        return iter([slot for slot in range(first, end) if slot in self._touched])

    def _count(self, country: str, hashtag: str, display: str, slot: int) -> None:
        tags = self._tags.setdefault(country, {})
        tag = tags.get(hashtag)
        if tag is None:
            if len(tags) >= self.max_tags and not self._prune(country):
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
            self._remove_slot(tag, slot)
            return
        tag.by_slot[slot] -= 1
        self._reduce(tag, 1)

    def _remove_slot(self, tag: _Tag, slot: int) -> None:
        self._reduce(tag, tag.by_slot.pop(slot))

    def _reduce(self, tag: _Tag, by: int) -> None:
        before = tag.total
        tag.total -= by
        if tag.total < self.min_tweets <= before:
            self._candidates[tag.country].discard(tag)
        if tag.total == 0:
            del self._tags[tag.country][tag.hashtag]

    def _prune(self, country: str) -> bool:
        """Drop, at most once a second, tags below `min_tweets` without recent tweets; return whether there is room."""
        tags = self._tags[country]
        if self._pruned_at.get(country) != self._now_slot:
            self._pruned_at[country] = self._now_slot
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
