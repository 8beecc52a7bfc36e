"""Kept texts and source records on dicts instead of Kafka."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from moderation.log.cipher import TextContent
from moderation.log.kept_texts import KeptTextFold
from moderation.log.source_texts import Position
from streams.log.shown_texts import text_key


def native_tweet(tweet: int, text: str) -> bytes:
    """Encode a tweet as a producer of the platform does."""
    return msgspec.json.encode(
        {"id": str(tweet), "author_id": "7", "created_at_ms": 1_767_225_600_000, "text": text, "lang": "en"}
    )


@dataclass
class InMemoryTexts:
    """Kept texts, deletions and source records; the texts are not encrypted."""

    records: dict[Position, bytes | None] = field(default_factory=dict)
    fold: KeptTextFold = field(default_factory=KeptTextFold)

    def write(self, tweet: str, value: bytes | None, log_ms: int = 0) -> None:
        """Write a record of `shown-texts`."""
        self.fold.apply(self.fold.next_offset, text_key(tweet), value, log_ms)

    async def refresh(self) -> None:
        """The fold is always at the end."""

    def is_deleted(self, tweet: str) -> bool:
        return self.fold.is_deleted(tweet)

    def find(self, tweet: str) -> TextContent | None:
        found = self.fold.kept.get(tweet)
        return None if found is None else msgspec.json.decode(found[1], type=TextContent)

    async def keep(self, texts: Mapping[str, TextContent]) -> None:
        for tweet, text in texts.items():
            self.write(tweet, msgspec.json.encode(text))

    async def read(self, positions: Iterable[Position], since_ms: int) -> dict[Position, bytes | None]:
        return {at: self.records[at] for at in positions if at in self.records}
