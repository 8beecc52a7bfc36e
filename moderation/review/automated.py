"""Automated decisions, folded for reviews and appeals and followed from the topic."""

from __future__ import annotations

import asyncio
from typing import Protocol, Self

from moderation.review.items import DEFAULT_SHARE, ReviewItem, items_of
from moderation.statements.collect import decision_restrictions
from moderation.statements.restriction import Restriction
from streams.log.decisions import Decision, decision_in
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import DECISIONS
from streams.settings import Settings

KEPT_MS = 7 * 86_400_000
"""Time after its end in which a restriction can still be reviewed and appealed against."""
_PRUNE_MS = 3_600_000


class AutomatedFold:
    """Restrictions and review items of the automated decisions; records may repeat and come in any order. Pure.

    Args:
        share: share of suppressions to sample, in [0, 1].
        secret: makes the sample unpredictable.
    """

    def __init__(self, *, share: float = DEFAULT_SHARE, secret: bytes = b"") -> None:
        self.latest: dict[tuple[str, str], Decision] = {}
        """Latest decision by (hashtag, country)."""
        self.restrictions: dict[str, Restriction] = {}
        """Restrictions by reference, each as last renewed."""
        self.items: dict[str, ReviewItem] = {}
        self._versions: dict[str, str] = {}
        self._share = share
        self._secret = secret

    def apply(self, decision: Decision) -> None:
        """Apply one decision record."""
        key = decision.hashtag, decision.country
        if key not in self.latest or self.latest[key].version < decision.version:
            self.latest[key] = decision
        for one in decision_restrictions(decision):
            if self._versions.get(one.reference, "") <= decision.version:
                self._versions[one.reference] = decision.version
                self.restrictions[one.reference] = one
        for item in items_of(decision, share=self._share, secret=self._secret):
            if item.id not in self.items or item.ends_ms >= self.items[item.id].ends_ms:
                self.items[item.id] = item

    def prune(self, now_ms: int) -> None:
        """Remove everything that ended more than `KEPT_MS` ago."""
        for reference in [r for r, one in self.restrictions.items() if one.ends_ms + KEPT_MS < now_ms]:
            del self.restrictions[reference], self._versions[reference]
        self.items = {item.id: item for item in self.items.values() if item.ends_ms + KEPT_MS >= now_ms}
        self.latest = {key: one for key, one in self.latest.items() if one.decided_at_ms + KEPT_MS >= now_ms}


class AutomatedSource(Protocol):
    """Provider of the folded automated decisions."""

    async def refresh(self, now_ms: int) -> AutomatedFold:
        """Read to the present end and return the fold."""


class DecisionsFollower:
    """`AutomatedFold` kept up to date from Kafka: an async context manager that raises the errors of `LogReader`."""

    def __init__(self, settings: Settings, *, share: float = DEFAULT_SHARE) -> None:
        secret = settings.hash_key.get_secret_value().encode()
        self._fold = AutomatedFold(share=share, secret=secret)
        self._reader = LogReader(connection(settings), settings.topic(DECISIONS))
        self._next_offsets: dict[int, int | None] = {}
        self._pruned_at_ms = 0
        self._lock = asyncio.Lock()

    async def __aenter__(self) -> Self:
        await self._reader.__aenter__()
        self._next_offsets = dict.fromkeys(self._reader.partitions, None)
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._reader.__aexit__(None, None, None)

    async def refresh(self, now_ms: int) -> AutomatedFold:
        """Read on to the present end and return the fold."""
        async with self._lock:
            async for batch in self._reader.to_end(self._next_offsets):
                for record in batch:
                    self._apply(record.value)
                self._next_offsets[batch[-1].partition] = batch[-1].offset + 1
            if now_ms - self._pruned_at_ms > _PRUNE_MS:
                self._pruned_at_ms = now_ms
                self._fold.prune(now_ms)
        return self._fold

    def _apply(self, value: bytes | None) -> None:
        if value is not None and b'"kind":"decision"' in value and (decision := decision_in(value)) is not None:
            self._fold.apply(decision)
