"""hushtag's own payload: the leanest, for producers who can choose. Described in docs/native-payload.md.

Only the fields named here are decoded; all others are skipped without being looked at.
"""

from __future__ import annotations

import msgspec

from streams.errors import ContractError
from streams.events.fields import COUNTRIES, MAX_TEXT, Id, Milliseconds, Present
from streams.events.tweet import Control, Tweet
from streams.events.uses import from_names, from_text


class Original(msgspec.Struct, gc=False):
    """The tweet that a retweet repeats: its words and tags count, under the retweeter's name and time."""

    text: str
    lang: str | None = None
    hashtags: list[str] | None = None
    urls: list[str] | None = None


class NativeTweet(msgspec.Struct, gc=False):
    """A tweet."""

    id: Id
    author_id: Id
    created_at_ms: Milliseconds
    text: str
    lang: str | None = None
    country: str | None = None
    author_created_at_ms: Milliseconds | None = None
    hashtags: list[str] | None = None
    retweet_of: Original | None = None
    quote_of: Present | None = None
    kind: str | None = None
    urls: list[str] | None = None


class Kind(msgspec.Struct, gc=False):
    """All that a message of a kind which this version does not know has to have."""

    kind: str | None


class Deletion(msgspec.Struct, gc=False):
    """The platform's own word that a tweet is gone. What it says of the tweet besides its id makes it exact."""

    id: Id
    author_id: Id | None = None
    country: str | None = None
    created_at_ms: Milliseconds | None = None
    hashtags: list[str] | None = None


TWEET_KINDS = frozenset({None, "tweet", "retweet", "quote"})
"""A tweet may say its kind, though what it holds decides. Of other kinds only `delete` is known."""


def _country(code: str) -> str:
    """A producer who means a country but spells it otherwise would lose its counts, so it hears of it."""
    country = COUNTRIES.get(code)
    if country is None:
        raise ContractError(
            "bad_country", field="country", value=code, fix="write ISO 3166-1 alpha-2 such as IN, or leave it out"
        )
    return country


def to_tweet(native: NativeTweet) -> Tweet:
    """One tweet.

    Raises:
        ContractError: `bad_country`.
    """
    original = native.retweet_of
    if original is None:
        kind = "tweet" if native.quote_of is None else "quote"
        text, names, lang, urls = native.text, native.hashtags, native.lang, native.urls
    else:
        kind = "retweet"
        text, names, lang = original.text, original.hashtags, original.lang or native.lang
        urls = original.urls
    country = native.country
    return Tweet(
        kind,
        native.id,
        native.author_id,
        native.created_at_ms,
        _country(country) if country else "",
        text[:MAX_TEXT],
        lang or "",
        from_text(text) if names is None else from_names(names),
        native.author_created_at_ms,
        () if urls is None else tuple(urls),
    )


def to_control(deletion: Deletion) -> Control:
    """One deletion.

    Raises:
        ContractError: `bad_country`.
    """
    return Control(
        "delete",
        deletion.id,
        deletion.author_id,
        _country(deletion.country) if deletion.country else "",
        deletion.created_at_ms,
        from_names(deletion.hashtags or ()),
        exact=deletion.created_at_ms is not None and deletion.hashtags is not None,
    )
