"""Native payload of hushtag: the smallest shape, for producers that can choose. See docs/native-payload.md.

Only the fields named here are decoded; all others are skipped.
"""

from __future__ import annotations

import msgspec

from streams.events.fields import MAX_TEXT, Id, Milliseconds, Present, to_country
from streams.events.tweet import Control, Tweet
from streams.events.uses import from_names, from_text


class RetweetOriginal(msgspec.Struct, gc=False):
    """Original of a retweet: its text and hashtags count, with the retweeter's id and time."""

    text: str
    lang: str | None = None
    hashtags: list[str] | None = None
    urls: list[str] | None = None


class NativeTweet(msgspec.Struct, gc=False):
    """Tweet, retweet or quote as a native payload."""

    id: Id
    author_id: Id
    created_at_ms: Milliseconds
    text: str
    lang: str | None = None
    country: str | None = None
    author_created_at_ms: Milliseconds | None = None
    hashtags: list[str] | None = None
    retweet_of: RetweetOriginal | None = None
    quote_of: Present | None = None
    kind: str | None = None
    urls: list[str] | None = None


class KindOnly(msgspec.Struct, gc=False):
    """Message of any kind, of which only the kind is decoded."""

    kind: str | None


class Deletion(msgspec.Struct, gc=False):
    """Deletion of a tweet, sent by the platform. Its optional fields make the deletion exact."""

    id: Id
    author_id: Id | None = None
    country: str | None = None
    created_at_ms: Milliseconds | None = None
    hashtags: list[str] | None = None


TWEET_KINDS = frozenset({None, "tweet", "retweet", "quote"})
"""Values of `kind` for tweets, which are informative: the content decides. The only other known kind is `delete`."""


def _country(code: str | None) -> str:
    return to_country(code, "country", "leave it out") if code else ""


def to_tweet(native: NativeTweet) -> Tweet:
    """Convert a payload to a tweet.

    Raises:
        ContractError: `bad_country`.
    """
    original = native.retweet_of or native
    kind = "retweet" if native.retweet_of else "quote" if native.quote_of else "tweet"
    return Tweet(
        kind,
        native.id,
        native.author_id,
        native.created_at_ms,
        _country(native.country),
        original.text[:MAX_TEXT],
        original.lang or native.lang or "",
        from_text(original.text) if original.hashtags is None else from_names(original.hashtags),
        native.author_created_at_ms,
        tuple(original.urls or ()),
    )


def to_control(deletion: Deletion) -> Control:
    """Convert a deletion.

    Raises:
        ContractError: `bad_country`.
    """
    return Control(
        "delete",
        deletion.id,
        deletion.author_id,
        _country(deletion.country),
        deletion.created_at_ms,
        from_names(deletion.hashtags or ()),
        exact=deletion.created_at_ms is not None and deletion.hashtags is not None,
    )
