"""Texts that people have read, kept encrypted in `shown-texts` until the appeal period ends.

A record without a value states that its tweet was deleted: ingest writes one for every deletion in the source topic.
The broker erases the text below it, and this fold forgets it at once. Ids of deleted tweets are remembered for
`DELETIONS_MS`, since a firehose has millions a day; an older tweet is not read from the source.
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from moderation.log.cipher import TextCipher, TextContent
from moderation.log.producer import DeadlineProducer, NotAcknowledged
from streams.clock import now_ms
from streams.constants import DAY_MS, HOUR_MS
from streams.errors import DependencyAway
from streams.log.reading import LogReader, connection
from streams.log.shown_texts import text_key, tweet_of
from streams.log.topic_specs import SHOWN_TEXTS
from streams.logs import logger
from streams.settings import Settings

DELETIONS_MS = DAY_MS
"""Time for which deletions are remembered; the topic has them for at least as long."""


@dataclass(slots=True)
class KeptTextFold:
    """Encrypted texts and deletions, by tweet id. A deletion is final: no later record brings a text back.

    A value that `accepts` refuses, by the id of its tweet, replaces no text.
    """

    accepts: Callable[[str, bytes], bool] = lambda tweet, value: True
    kept: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    """Log time and encrypted text."""
    next_offset: int = 0
    refused: int = 0
    """Values that were refused."""
    _deleted: dict[int, array[int]] = field(default_factory=dict)
    """Ids of deleted tweets by hour of the log: eight bytes each."""

    def apply(self, offset: int, key: bytes | None, value: bytes | None, log_ms: int) -> None:
        """Apply the next record of the topic."""
        self.next_offset = offset + 1
        tweet = tweet_of(key)
        if tweet is None:
            return
        if value is None:
            self._deleted.setdefault(log_ms // HOUR_MS, array("q")).append(int(tweet))
            self.kept.pop(tweet, None)
        elif not self.accepts(tweet, value):
            self.refused += 1
        elif not self.is_deleted(tweet):
            self.kept[tweet] = log_ms, value

    def is_deleted(self, tweet: str) -> bool:
        """Return whether a deletion of the tweet is remembered."""
        number = int(tweet)
        return any(bool((np.frombuffer(ids, np.int64) == number).any()) for ids in self._deleted.values())

    def expire(self, before_ms: int, deletions_before_ms: int) -> None:
        """Forget the texts that were kept, and the deletions that were recorded, before some time."""
        for tweet in [tweet for tweet, (log_ms, _) in self.kept.items() if log_ms < before_ms]:
            del self.kept[tweet]
        for hour in [hour for hour in self._deleted if (hour + 1) * HOUR_MS <= deletions_before_ms]:
            del self._deleted[hour]


class KeptTexts:
    """Reader and writer of kept texts: an async context manager, safe for concurrent calls.

    Without a key nothing is kept; deletions are still read.

    Raises (on entering, and from every method):
        DependencyAway: Kafka does not answer.
        TopicsError: the topic is missing.
        SettingsError: the key is too short.
    """

    def __init__(
        self, settings: Settings, *, deadline_seconds: float = 10.0, clock: Callable[[], int] = now_ms
    ) -> None:
        key = settings.texts_key.get_secret_value()
        self._cipher = TextCipher(key) if key else None
        self._fold = KeptTextFold() if self._cipher is None else KeptTextFold(self._cipher.accepts)
        kafka = connection(settings)
        self._topic = settings.topic(SHOWN_TEXTS)
        self._period_ms = settings.appeal_days * DAY_MS
        self._clock = clock
        self._reader = LogReader(kafka, self._topic, silence_seconds=deadline_seconds)
        self._producer = DeadlineProducer(kafka, self._topic, deadline_seconds)
        self._lock = asyncio.Lock()

    async def __aenter__(self) -> Self:
        await self._reader.__aenter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await asyncio.to_thread(self._producer.close)
        await self._reader.__aexit__(None, None, None)

    async def refresh(self) -> None:
        """Read the topic to its present end, and forget the texts whose appeal period has ended."""
        async with self._lock:
            await self._read()

    def is_deleted(self, tweet: str) -> bool:
        """Return whether a tweet was deleted, at the last refresh."""
        return self._fold.is_deleted(tweet)

    def find(self, tweet: str) -> TextContent | None:
        """Return a kept text at the last refresh; None without one, or if it was encrypted with another key."""
        kept = self._fold.kept.get(tweet)
        return None if kept is None or self._cipher is None else self._cipher.decrypt(tweet, kept[1])

    async def keep(self, texts: Mapping[str, TextContent]) -> None:
        """Keep the texts of tweets that have none yet; one of a tweet that was deleted meanwhile is erased."""
        async with self._lock:
            new = {tweet: text for tweet, text in texts.items() if tweet not in self._fold.kept}
            if self._cipher is None or not new:
                return
            await self._send([(self._cipher.encrypt(tweet, text), text_key(tweet)) for tweet, text in new.items()])
            await self._read()
            # A deletion may lie below the text. Compaction would drop it and leave the text, so it is repeated.
            await self._send([(None, text_key(tweet)) for tweet in new if self.is_deleted(tweet)])

    async def _read(self) -> None:
        refused = self._fold.refused
        async for batch in self._reader.to_end({0: self._fold.next_offset or None}):
            for record in batch:
                self._fold.apply(record.offset, record.key, record.value, record.timestamp)
        if self._fold.refused > refused:
            logger(__name__).warning("kept texts that this key does not open", texts=self._fold.refused - refused)
        at_ms = self._clock()
        self._fold.expire(at_ms - self._period_ms, at_ms - DELETIONS_MS)

    async def _send(self, records: Iterable[tuple[bytes | None, bytes]]) -> None:
        records = list(records)
        if not records:
            return
        try:
            await asyncio.to_thread(self._producer.send, records)
        except NotAcknowledged as error:
            raise DependencyAway(f"{self._producer.servers}: {error}; the texts were not kept") from None
