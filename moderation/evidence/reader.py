"""Reads the texts that a decision names, for a person: audited, compared by id, and kept for the appeal."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from moderation.evidence.cipher import TextContent
from moderation.evidence.kept_texts import DELETIONS_MS, KeptTexts
from moderation.evidence.readings import TextReading, encode_reading
from moderation.evidence.shown import ShownText, content_of, is_known, match_record
from moderation.evidence.source_texts import Position, SourceTexts
from moderation.service import ModerationService
from streams.clock import now_ms
from streams.log.decisions import SampledAt
from streams.settings import Settings


class KeptTextStore(Protocol):
    """Kept texts and deletions; `kept_texts.KeptTexts` on Kafka."""

    async def refresh(self) -> None:
        """Read on to the present end."""

    def is_deleted(self, tweet: str) -> bool:
        """Return whether a tweet was deleted, at the last refresh."""

    def find(self, tweet: str) -> TextContent | None:
        """Return a kept text at the last refresh; None without one."""

    async def keep(self, texts: Mapping[str, TextContent]) -> None:
        """Keep the texts of tweets that have none yet."""


class PayloadSource(Protocol):
    """Payloads of source records by position; `source_texts.SourceTexts` on Kafka."""

    async def read(self, positions: Iterable[Position], since_ms: int) -> dict[Position, bytes | None]:
        """Read the payloads at some positions; the result lacks those that are gone, or older than a log time."""


class TextReader:
    """Reader of sampled texts, safe for concurrent calls.

    Args:
        settings: addresses of tweets and hashtags on the platform, which `settings` keeps for callers.
        service: writes the record of each reading.
        kept: kept texts and deletions.
        source: the source topic.
    """

    def __init__(
        self,
        settings: Settings,
        service: ModerationService,
        kept: KeptTextStore,
        source: PayloadSource,
        *,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        self.settings = settings
        self._service = service
        self._kept = kept
        self._source = source
        self._clock = clock

    async def read(
        self,
        hashtag: str,
        sampled: Sequence[str],
        sampled_at: Sequence[SampledAt],
        *,
        actor: str,
        purpose: str,
        case: str = "",
    ) -> list[ShownText]:
        """Read the texts of some tweets of a decision; the reading is in the log before any text is.

        Args:
            hashtag: the decision's hashtag.
            sampled: ids of the tweets.
            sampled_at: positions of the same, in their order.
            actor: person who reads.
            purpose: reason of the reading, for the audit log.
            case: id of the case.

        Returns:
            One text for each id, in the same order.

        Raises:
            DependencyAway: Kafka does not answer.
        """
        if not sampled:
            return []
        places = dict(zip(sampled, sampled_at, strict=True))
        await asyncio.gather(self._audit(hashtag, tuple(places), actor, purpose, case), self._kept.refresh())
        found: dict[str, ShownText] = {}
        for tweet, at in places.items():
            if self._kept.is_deleted(tweet):
                found[tweet] = ShownText(tweet, "deleted", at.lang)
            elif (kept := self._kept.find(tweet)) is not None:
                found[tweet] = ShownText(tweet, "shown", kept.lang, kept.text, kept=True)
            elif not is_known(at):
                found[tweet] = ShownText(tweet, "unknown", at.lang)
        missing = {tweet: (at.partition, at.offset) for tweet, at in places.items() if tweet not in found}
        records = await self._source.read(missing.values(), self._clock() - DELETIONS_MS)
        for tweet, position in missing.items():
            lang, is_there = places[tweet].lang, position in records
            found[tweet] = match_record(tweet, lang, records[position]) if is_there else ShownText(tweet, "gone", lang)
        await self._kept.keep({one.id: content_of(one) for one in found.values() if one.state == "shown"})
        return [found[tweet] for tweet in sampled]

    async def _audit(self, hashtag: str, tweets: tuple[str, ...], actor: str, purpose: str, case: str) -> None:
        record = TextReading(
            id=secrets.token_hex(8),
            hashtag=hashtag,
            case=case,
            tweets=tweets,
            actor=actor,
            reason=purpose,
            at_ms=self._clock(),
        )
        await self._service.transact(lambda view: [encode_reading(record)])


@asynccontextmanager
async def open_text_reader(settings: Settings, service: ModerationService) -> AsyncGenerator[TextReader, None]:
    """Open a reader on the configured Kafka.

    Raises:
        DependencyAway: Kafka does not answer.
        TopicsError: a topic is missing.
        SettingsError: HUSHTAG_TEXTS_KEY is too short.
    """
    async with KeptTexts(settings) as kept, SourceTexts(settings) as source:
        yield TextReader(settings, service, kept, source)
