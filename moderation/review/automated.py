"""The automated decisions as reviews and appeals need them, kept up to date: read on from where the last look ended."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Protocol, Self

from moderation.review.items import DEFAULT_SHARE, Item, items_of
from moderation.statements.restriction import Restriction, of_decision
from streams.log.decisions import Decision, decision_in
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import DECISIONS
from streams.settings import Settings

KEPT_MS = 7 * 86_400_000
"""So long after its end a restriction can still be looked at and appealed against here."""
_TIDY_MS = 3_600_000


class Automated:
    """What the pipeline decided, folded. Pure; records may repeat and come in any order.

    Args:
        share: of suppressions that go into the sample, in [0, 1].
        secret: makes the sample unpredictable.
    """

    def __init__(self, *, share: float = DEFAULT_SHARE, secret: bytes = b"") -> None:
        self.latest: dict[tuple[str, str], Decision] = {}
        """By (hashtag, country)."""
        self.restrictions: dict[str, Restriction] = {}
        """By reference, each as last renewed."""
        self.items: dict[str, Item] = {}
        self._versions: dict[str, str] = {}
        self._share = share
        self._secret = secret

    def hear(self, said: Decision) -> None:
        """Take a decision."""
        key = said.hashtag, said.country
        if key not in self.latest or self.latest[key].version < said.version:
            self.latest[key] = said
        for one in of_decision(said):
            if self._newer(one.reference, said.version):
                self.restrictions[one.reference] = one
        for item in items_of(said, share=self._share, secret=self._secret):
            if item.id not in self.items or item.ends_ms >= self.items[item.id].ends_ms:
                self.items[item.id] = item

    def tidy(self, now_ms: int) -> None:
        """Forget what ended long ago."""
        gone = {one.reference for one in self.restrictions.values() if one.ends_ms + KEPT_MS < now_ms}
        for reference in gone:
            del self.restrictions[reference], self._versions[reference]
        self.items = {item.id: item for item in self.items.values() if item.ends_ms + KEPT_MS >= now_ms}
        self.latest = {key: said for key, said in self.latest.items() if said.decided_at_ms + KEPT_MS >= now_ms}

    def _newer(self, reference: str, version: str) -> bool:
        if self._versions.get(reference, "") > version:
            return False
        self._versions[reference] = version
        return True


class Follows(Protocol):
    """Where the automated decisions come from."""

    async def refresh(self, now_ms: int) -> Automated:
        """As of now."""


class DecisionsFollower:
    """`Automated` from Kafka: an async context manager; errors are those of `LogReader`."""

    def __init__(self, settings: Settings, *, share: float = DEFAULT_SHARE) -> None:
        secret = settings.hash_key.get_secret_value().encode()
        self._fold = Automated(share=share, secret=secret)
        self._reader = LogReader(connection(settings), settings.topic(DECISIONS))
        self._next: dict[int, int | None] = {}
        self._tidy_at_ms = 0
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        await self._reader.__aenter__()
        self._next = dict.fromkeys(self._reader.partitions, None)
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._reader.__aexit__(None, None, None)

    async def refresh(self, now_ms: int) -> Automated:
        """As of now."""
        async with self._turn:
            async for batch in self._reader.to_end(self._next):
                self._hear(record.value for record in batch)
                self._next[batch[-1].partition] = batch[-1].offset + 1
            if now_ms - self._tidy_at_ms > _TIDY_MS:
                self._tidy_at_ms = now_ms
                self._fold.tidy(now_ms)
        return self._fold

    def _hear(self, values: Iterable[bytes | None]) -> None:
        for value in values:
            if value is not None and b'"kind":"decision"' in value and (said := decision_in(value)) is not None:
                self._fold.hear(said)
