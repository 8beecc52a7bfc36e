"""Tweets of Twitter's API v1.1 and its streams, in classic, extended and compatibility mode.

The full text is in `extended_tweet`, else in `full_text`, else in `text`, with its entities at the same place. A
retweet's text and hashtags come from `retweeted_status`, which is never cut, unlike the retweet's own "RT @...".
"""

from __future__ import annotations

import msgspec

from streams.errors import ContractError
from streams.events.fields import COUNTRIES, MAX_TEXT, Id, Present, unescape
from streams.events.times import v1_time
from streams.events.tweet import Tweet
from streams.events.uses import Uses, from_entities, from_text


class V1Hashtag(msgspec.Struct, gc=False):
    """Hashtag entity of a text."""

    text: str
    indices: list[int] | None = None  # checked, not used


class V1Url(msgspec.Struct, gc=False):
    """Link entity and the target of its t.co redirect."""

    expanded_url: str | None = None


class V1Entities(msgspec.Struct, gc=False):
    """Entities that Twitter found in a text."""

    hashtags: list[V1Hashtag] | None = None
    urls: list[V1Url] | None = None


_NO_ENTITIES = V1Entities()


class V1ExtendedTweet(msgspec.Struct, gc=False):
    """Full text of a tweet whose `text` is cut."""

    full_text: str
    entities: V1Entities | None = None


class V1Status(msgspec.Struct, gc=False):
    """Text fields of a tweet, all that counts of a retweet's original."""

    text: str | None = None
    full_text: str | None = None
    extended_tweet: V1ExtendedTweet | None = None
    entities: V1Entities | None = None
    lang: str | None = None


class V1User(msgspec.Struct, gc=False):
    """Author of a tweet."""

    id: Id | None = None
    id_str: Id | None = None
    created_at: str | None = None


class V1Place(msgspec.Struct, gc=False):
    """Place that the author attached to the tweet."""

    country_code: str | None = None


class V1Tweet(V1Status, kw_only=True, gc=False):
    """Tweet of API v1.1."""

    created_at: str
    user: V1User
    id: Id | None = None
    id_str: Id | None = None
    place: V1Place | None = None
    retweeted_status: V1Status | None = None
    quoted_status: Present | None = None
    is_quote_status: bool | None = None


def _id(exact: int | None, number: int | None, field: str) -> int:
    # `id_str` takes precedence, since JavaScript rounds large numbers.
    if exact is not None:
        return exact
    if number is None:
        raise ContractError("missing_field", field=field, fix=f"send {field}_str or {field}")
    return number


def _text(status: V1Status, field: str) -> tuple[str, Uses, tuple[str, ...]]:
    extended = status.extended_tweet
    whole, entities = status.full_text, status.entities
    if extended is not None:
        whole, entities = extended.full_text, extended.entities
    raw = status.text if whole is None else whole
    if raw is None:
        raise ContractError("missing_field", field=field, fix="send text, full_text or extended_tweet")
    text, entities = unescape(raw), entities or _NO_ENTITIES
    tags, urls = entities.hashtags, entities.urls or ()
    uses = from_text(text) if tags is None else from_entities([tag.text for tag in tags])
    return text, uses, tuple([url.expanded_url for url in urls if url.expanded_url])


def to_tweet(v1: V1Tweet) -> Tweet:
    """Convert a payload to a tweet.

    Raises:
        ContractError: `missing_field`, `bad_time`.
    """
    original = v1.retweeted_status or v1
    is_quote = v1.is_quote_status or v1.quoted_status is not None
    kind = "retweet" if v1.retweeted_status else "quote" if is_quote else "tweet"
    text, hashtags, links = _text(original, "retweeted_status.text" if v1.retweeted_status else "text")
    user, place, born = v1.user, v1.place, v1.user.created_at
    return Tweet(
        kind,
        _id(v1.id_str, v1.id, "id"),
        _id(user.id_str, user.id, "user.id"),
        v1_time(v1.created_at, "created_at"),
        "" if place is None else COUNTRIES.get(place.country_code or "", ""),
        text[:MAX_TEXT],
        original.lang or v1.lang or "",
        hashtags,
        None if born is None else v1_time(born, "user.created_at"),
        links,
    )
