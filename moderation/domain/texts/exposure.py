"""Texts that each person has opened within a shift, folded from the records of readings. Pure.

A text that a person opens again in the same case within the shift is neither recorded nor counted again. The count
comes from the log, so that a restart of the API does not reset it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from moderation.domain.texts.readings import TextReading, decode_reading
from streams.constants import HOUR_MS
from streams.errors import ContractError
from streams.log.moderation import OtherRecord
from streams.policy.look_alikes import visual_form

SHIFT_MS = 8 * HOUR_MS
"""Length of the sliding shift."""
LEAST_PEOPLE = 3
"""People from which a team's total is given: a smaller one would reveal the count of one person."""
Opening = tuple[str, str, str]
"""Hashtag, case and tweet."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """Texts that one person has opened in the shift that ends now."""

    opened: int
    """Number of distinct tweets."""
    limit: int
    """Greatest number in a shift; 0: no limit."""
    next_ms: int
    """Time from which another text can be opened, Unix time in ms; 0: now."""

    @property
    def left(self) -> int | None:
        """Number of texts that can be opened now; None without a limit."""
        return max(self.limit - self.opened, 0) if self.limit else None


@dataclass(frozen=True, slots=True)
class TeamExposure:
    """Texts that all people together have opened in the shift that ends now."""

    people: int
    opened: int
    """Sum over the people of their distinct tweets."""


class ExposureFold:
    """Openings of the last shift, by person. Records come in the order of the log."""

    def __init__(self) -> None:
        self._latest: dict[str, dict[Opening, int]] = {}
        """Time of the newest record, by person and opening."""
        self._order: deque[tuple[int, str, Opening]] = deque()

    def decode_and_apply(self, offset: int, other: OtherRecord) -> None:
        """Apply an undecoded record of the topic; other kinds and malformed records are ignored."""
        try:
            record = decode_reading(other)
        except ContractError:
            return
        if record is not None:
            self.apply(record)

    def apply(self, record: TextReading) -> None:
        """Apply a record of a reading."""
        person = visual_form(record.actor)
        openings = self._latest.setdefault(person, {})
        for tweet in record.tweets:
            opening = record.hashtag, record.case, tweet
            openings[opening] = max(record.at_ms, openings.get(opening, 0))
            self._order.append((record.at_ms, person, opening))

    def expire(self, at_ms: int) -> None:
        """Forget the openings before the shift that ends at a time."""
        while self._order and self._order[0][0] <= at_ms - SHIFT_MS:
            _, person, opening = self._order.popleft()
            openings = self._latest.get(person, {})
            if openings.get(opening, at_ms) <= at_ms - SHIFT_MS:
                del openings[opening]
            if not openings:
                self._latest.pop(person, None)

    def opened(self, actor: str, hashtag: str, case: str, at_ms: int) -> frozenset[str]:
        """Return the tweets that an actor has opened in a case in the shift that ends at a time."""
        return frozenset(
            tweet
            for (of_tag, of_case, tweet), last_ms in self._latest.get(visual_form(actor), {}).items()
            if (of_tag, of_case) == (hashtag, case) and last_ms > at_ms - SHIFT_MS
        )

    def times(self, actor: str, at_ms: int) -> dict[str, int]:
        """Return the tweets that an actor has opened in the shift that ends at a time, with the newest time of each."""
        times: dict[str, int] = {}
        for (_, _, tweet), last_ms in self._latest.get(visual_form(actor), {}).items():
            if last_ms > at_ms - SHIFT_MS:
                times[tweet] = max(last_ms, times.get(tweet, 0))
        return times

    def of(self, actor: str, limit: int, at_ms: int) -> Exposure:
        """Measure the exposure of an actor in the shift that ends at a time.

        >>> fold = ExposureFold()
        >>> for tweet, at_ms in ("17", 1_000), ("18", 2_000):
        ...     fold.apply(TextReading(id="a", hashtag="t", tweets=(tweet,), actor="ann", reason="r", at_ms=at_ms))
        >>> fold.of("ann", 2, 3_000)
        Exposure(opened=2, limit=2, next_ms=28801000)
        """
        times = sorted(self.times(actor, at_ms).values())
        full = limit and len(times) >= limit
        return Exposure(len(times), limit, times[len(times) - limit] + SHIFT_MS if full else 0)

    def team(self, at_ms: int) -> TeamExposure:
        """Measure the exposure of all people together in the shift that ends at a time."""
        counts = [len(self.times(person, at_ms)) for person in self._latest]
        return TeamExposure(sum(map(bool, counts)), sum(counts))
