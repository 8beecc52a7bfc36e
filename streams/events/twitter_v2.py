"""Tweets of Twitter's API v2: the tweet in `data`, related objects in `includes`.

v2 sends only the requested fields, and omits empty ones. A text that v2 cuts is complete in `note_tweet`.
"""

from __future__ import annotations

import msgspec

from streams.events.fields import COUNTRIES, MAX_TEXT, Id, unescape
from streams.events.times import v2_time
from streams.events.tweet import NOWHERE, Tweet
from streams.events.uses import Uses, from_entities, from_text


class V2Hashtag(msgspec.Struct, gc=False):
    """Hashtag entity of a text."""

    tag: str
    start: int = NOWHERE  # checked, not used, as is `end`
    end: int = NOWHERE


class V2Url(msgspec.Struct, gc=False):
    """Link entity, the target of its t.co redirect, and the target after all redirects."""

    expanded_url: str | None = None
    unwound_url: str | None = None


class V2Entities(msgspec.Struct, gc=False):
    """Entities that Twitter found in a text."""

    hashtags: list[V2Hashtag] | None = None
    urls: list[V2Url] | None = None


_NO_ENTITIES = V2Entities()


class V2NoteTweet(msgspec.Struct, gc=False):
    """Full text of a long tweet."""

    text: str
    entities: V2Entities | None = None


class V2Reference(msgspec.Struct, gc=False):
    """Reference to a tweet that this one retweets, quotes or answers."""

    type: str
    id: Id


class V2Text(msgspec.Struct, gc=False):
    """Text fields of a tweet, all that counts of a retweet's original."""

    id: Id
    text: str
    entities: V2Entities | None = None
    note_tweet: V2NoteTweet | None = None
    lang: str | None = None


class V2Geo(msgspec.Struct, gc=False):
    """Id of the place that the author attached to the tweet."""

    place_id: str | None = None


class V2Data(V2Text, kw_only=True, gc=False):
    """Fields of a tweet in API v2."""

    author_id: Id
    created_at: str
    geo: V2Geo | None = None
    referenced_tweets: list[V2Reference] | None = None


class V2User(msgspec.Struct, gc=False):
    """Account of an author."""

    id: Id
    created_at: str | None = None


class V2Place(msgspec.Struct, gc=False):
    """Place with its country."""

    id: str
    country_code: str | None = None


class V2Includes(msgspec.Struct, gc=False):
    """Objects that the tweet refers to."""

    tweets: list[V2Text] | None = None
    users: list[V2User] | None = None
    places: list[V2Place] | None = None


_NOTHING = V2Includes()


class V2Tweet(msgspec.Struct, gc=False):
    """Record of API v2: a tweet and its related objects."""

    data: V2Data
    includes: V2Includes | None = None


def _text(tweet: V2Text) -> tuple[str, Uses, tuple[str, ...]]:
    words = tweet.note_tweet or tweet
    text, entities = unescape(words.text), words.entities or _NO_ENTITIES
    tags, urls = entities.hashtags, entities.urls or ()
    uses = from_text(text) if tags is None else from_entities([tag.tag for tag in tags])
    if not urls:
        return text, uses, ()
    # Final targets come first, since they identify a site better than a shortener does.
    links = [url.unwound_url for url in urls] + [url.expanded_url for url in urls]
    return text, uses, tuple(filter(None, links))


def _original(data: V2Data, includes: V2Includes) -> tuple[str, V2Text]:
    """Return the kind and the text that counts: a retweet's original if it is included, else the tweet itself."""
    kind = "tweet"
    for reference in data.referenced_tweets or ():
        if reference.type == "retweeted":
            return "retweet", next((tweet for tweet in includes.tweets or () if tweet.id == reference.id), data)
        if reference.type == "quoted":
            kind = "quote"
    return kind, data


def _born_ms(author_id: int, includes: V2Includes) -> int | None:
    for number, user in enumerate(includes.users or ()):
        if user.id == author_id and user.created_at is not None:
            return v2_time(user.created_at, f"includes.users[{number}].created_at")
    return None


def to_tweet(v2: V2Tweet) -> Tweet:
    """Convert a payload to a tweet.

    Raises:
        ContractError: `bad_time`.
    """
    data, includes = v2.data, v2.includes or _NOTHING
    kind, original = _original(data, includes)
    text, hashtags, links = _text(original)
    place_id = data.geo and data.geo.place_id
    country = next((place.country_code for place in includes.places or () if place.id == place_id), None)
    return Tweet(
        kind,
        data.id,
        data.author_id,
        v2_time(data.created_at, "data.created_at"),
        COUNTRIES.get(country or "", ""),
        text[:MAX_TEXT],
        original.lang or data.lang or "",
        hashtags,
        _born_ms(data.author_id, includes),
        links,
    )
