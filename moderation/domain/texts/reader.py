"""Reads the texts that a decision names, for a person: audited, compared by id, and kept for the appeal.

A person who opens a text again in the same case within a shift reads it without a second record.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from moderation.domain.texts.exposure import Exposure, ExposureFold, TeamExposure
from moderation.domain.texts.readings import TextReading, encode_reading
from moderation.domain.texts.shown_text import ShownText, content_of, is_known, match_record
from moderation.log.cipher import TextContent
from moderation.log.errors import ExposureLimit
from moderation.log.follower import Follower
from moderation.log.kept_texts import DELETIONS_MS, KeptTexts
from moderation.log.service import ModerationService
from moderation.log.source_texts import Position, SourceTexts
from streams.flags.overrides import OverrideHistory
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
        clock: Callable[[], int] | None = None,
    ) -> None:
        self.settings = settings
        self._service = service
        self._kept = kept
        self._source = source
        self._clock = clock or service.now_ms
        self._exposure = ExposureFold()
        self._records = Follower(self._exposure.decode_and_apply)

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
        """Read the texts of some tweets of a decision; the reading is in the log before any text is shown.

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
            ExposureLimit: the person would open more texts than HUSHTAG_TEXTS_PER_SHIFT allows; none was opened.
        """
        if not sampled:
            return []
        places = dict(zip(sampled, sampled_at, strict=True))
        await asyncio.gather(self._audit(hashtag, tuple(places), actor, purpose, case), self._kept.refresh())
        texts = await self._find(places)
        await self._kept.keep({text.id: content_of(text) for text in texts.values() if text.state == "shown"})
        return [texts[tweet] for tweet in sampled]

    async def read_for_scoring(self, places: Mapping[str, SampledAt]) -> dict[str, TextContent]:
        """Return the texts of tweets by id, as far as they can be read, for the model.

        No person sees them, so that no reading is recorded, and no text is kept.
        """
        await self._kept.refresh()
        texts = await self._find(places)
        return {tweet: content_of(text) for tweet, text in texts.items() if text.state == "shown"}

    async def _find(self, places: Mapping[str, SampledAt]) -> dict[str, ShownText]:
        """Look tweets up among the kept texts, at their last refresh, and in the source topic."""
        texts: dict[str, ShownText] = {}
        for tweet, at in places.items():
            if self._kept.is_deleted(tweet):
                texts[tweet] = ShownText(tweet, "deleted", at.lang)
            elif (kept := self._kept.find(tweet)) is not None:
                texts[tweet] = ShownText(tweet, "shown", kept.lang, kept.text, kept=True)
            elif not is_known(at):
                texts[tweet] = ShownText(tweet, "unknown", at.lang)
        missing = {tweet: (at.partition, at.offset) for tweet, at in places.items() if tweet not in texts}
        records = await self._source.read(missing.values(), self._clock() - DELETIONS_MS)
        for tweet, position in missing.items():
            lang, is_there = places[tweet].lang, position in records
            texts[tweet] = match_record(tweet, lang, records[position]) if is_there else ShownText(tweet, "gone", lang)
        return texts

    async def opened(self, actor: str, hashtag: str, case: str) -> frozenset[str]:
        """Return the tweets of a case that a person has opened within the shift; nothing is recorded."""
        return (await self._present()).opened(actor, hashtag, case, self._clock())

    async def exposure(self, actor: str) -> Exposure:
        """Return the number of texts that a person has opened within the shift, and the limit."""
        return (await self._present()).of(actor, self.settings.texts_per_shift, self._clock())

    async def team_exposure(self) -> TeamExposure:
        """Return the number of texts that all people together have opened within the shift."""
        return (await self._present()).team(self._clock())

    async def _present(self) -> ExposureFold:
        return self._fold(await self._service.refresh())

    def _fold(self, view: OverrideHistory) -> ExposureFold:
        self._records.follow(view)
        self._exposure.expire(self._clock())
        return self._exposure

    async def _audit(self, hashtag: str, tweets: tuple[str, ...], actor: str, purpose: str, case: str) -> None:
        def records(view: OverrideHistory) -> list[tuple[bytes, bytes]]:
            fold, at_ms = self._fold(view), self._clock()
            opened = fold.opened(actor, hashtag, case, at_ms)
            new = tuple(tweet for tweet in tweets if tweet not in opened)
            if not new:
                return []
            self._check_limit(fold, new, actor, at_ms)
            record = TextReading(
                id=secrets.token_hex(8),
                hashtag=hashtag,
                case=case,
                tweets=new,
                actor=actor,
                reason=purpose,
                at_ms=at_ms,
            )
            return [encode_reading(record)]

        await self._service.transact(records)

    def _check_limit(self, fold: ExposureFold, tweets: Sequence[str], actor: str, at_ms: int) -> None:
        exposure = fold.of(actor, self.settings.texts_per_shift, at_ms)
        new = len(set(tweets) - fold.times(actor, at_ms).keys())
        if exposure.left is not None and new > exposure.left:
            raise ExposureLimit(
                actor, opened=exposure.opened, limit=exposure.limit, further=new, next_ms=exposure.next_ms
            )


@asynccontextmanager
async def open_text_reader(settings: Settings, service: ModerationService) -> AsyncGenerator[TextReader, None]:
    """Open a reader on the configured Kafka.

    Raises:
        DependencyAway: Kafka does not answer.
        TopicsError: a topic is missing.
        SettingsError: HUSHTAG_TEXTS_KEY is too short.
    """
    async with KeptTexts(settings, clock=service.now_ms) as kept, SourceTexts(settings) as source:
        yield TextReader(settings, service, kept, source)
