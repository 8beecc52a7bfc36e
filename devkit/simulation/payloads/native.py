"""Encoder of the native payload, the smallest shape."""

from __future__ import annotations

import msgspec

from devkit.simulation.draft import TweetDraft
from devkit.simulation.writing import retweet_text

_encode = msgspec.json.Encoder().encode


def native(draft: TweetDraft) -> bytes:
    """Encode a draft, 200 to 900 bytes. Every second payload lists its hashtags; the others have them in the text."""
    return _encode(_tweet(draft))


def _tweet(draft: TweetDraft) -> dict[str, object]:
    author, original = draft.author, draft.original
    text = draft.text
    if original is not None and not draft.quote:
        text = retweet_text(original.author.screen_name, original.text)
    tweet: dict[str, object] = {
        "id": str(draft.id),
        "author_id": str(author.id),
        "created_at_ms": draft.created_ms,
        "text": text,
        "lang": draft.language,
    }
    if author.country.code:
        tweet["country"] = author.country.code
    tweet["author_created_at_ms"] = author.born_ms
    if draft.dice & 1 and not draft.is_retweet:
        tweet["hashtags"] = draft.tags
    if original is not None:
        tweet["quote_of" if draft.quote else "retweet_of"] = _tweet(original)
    return tweet
