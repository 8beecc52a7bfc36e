"""Tweets as Twitter's API v2 writes them: the tweet in `data`, what it refers to in `includes`.

v2 sends only the fields that were asked for, and leaves empty ones out. A text that v2 cuts is whole in `note_tweet`.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from streams.events.fields import COUNTRIES, MAX_TEXT, Id, to_time, unescape
from streams.events.times import v2_ms
from streams.events.tweet import NOWHERE, Tweet
from streams.events.uses import Uses, from_entities, from_text

TIME_FORM = "2021-03-01T12:34:56.000Z"


class Hashtag(msgspec.Struct, gc=False):
    """One entity."""

    tag: str
    start: int = NOWHERE
    end: int = NOWHERE


class Url(msgspec.Struct, gc=False):
    """One link, where t.co sends whoever follows it, and where that leads in the end."""

    expanded_url: str | None = None
    unwound_url: str | None = None


class Entities(msgspec.Struct, gc=False):
    """What Twitter found in a text."""

    hashtags: list[Hashtag] | None = None
    urls: list[Url] | None = None


class Note(msgspec.Struct, gc=False):
    """The whole of a long text."""

    text: str
    entities: Entities | None = None


class Reference(msgspec.Struct, gc=False):
    """Another tweet that this one retweets, quotes or answers."""

    type: str
    id: Id


class Words(msgspec.Struct, gc=False):
    """All that counts of an original."""

    id: Id
    text: str
    entities: Entities | None = None
    note_tweet: Note | None = None
    lang: str | None = None


class Geo(msgspec.Struct, gc=False):
    """Where the author says they are: the id of one of the places."""

    place_id: str | None = None


class Data(Words, kw_only=True, gc=False):
    """A tweet of v2."""

    author_id: Id
    created_at: str
    geo: Geo | None = None
    referenced_tweets: list[Reference] | None = None


class User(msgspec.Struct, gc=False):
    """An account."""

    id: Id
    created_at: str | None = None


class Place(msgspec.Struct, gc=False):
    """A place."""

    id: str
    country_code: str | None = None


class Includes(msgspec.Struct, gc=False):
    """What the tweet refers to."""

    tweets: list[Words] | None = None
    users: list[User] | None = None
    places: list[Place] | None = None


_NOTHING = Includes()


class V2Tweet(msgspec.Struct, gc=False):
    """One record."""

    data: Data
    includes: Includes | None = None


def _words(tweet: Words) -> tuple[str, Uses, tuple[str, ...]]:
    note = tweet.note_tweet
    raw, entities = (tweet.text, tweet.entities) if note is None else (note.text, note.entities)
    text = unescape(raw)
    links = tuple(_links(entities.urls)) if entities and entities.urls else ()
    if entities is None or entities.hashtags is None:
        return text, from_text(text), links
    return text, from_entities([(tag.tag, tag.start, tag.end) for tag in entities.hashtags], raw, text), links


def _links(urls: list[Url]) -> Iterator[str]:
    """The ends of the way first: a shortener's own name says the least."""
    yield from (url.unwound_url for url in urls if url.unwound_url)
    yield from (url.expanded_url for url in urls if url.expanded_url)


def _original(data: Data, includes: Includes) -> tuple[str, Words]:
    """The kind, and whose words count: a retweet's original if it is included, else the tweet itself."""
    kind = "tweet"
    for reference in data.referenced_tweets or ():
        if reference.type == "retweeted":
            return "retweet", next((tweet for tweet in includes.tweets or () if tweet.id == reference.id), data)
        if reference.type == "quoted":
            kind = "quote"
    return kind, data


def _country(place_id: str, includes: Includes) -> str:
    for place in includes.places or ():
        if place.id == place_id:
            return COUNTRIES.get(place.country_code or "", "")
    return ""


def _born_ms(author_id: int, includes: Includes) -> int | None:
    for number, user in enumerate(includes.users or ()):
        if user.id == author_id and user.created_at is not None:
            return to_time(v2_ms(user.created_at), f"includes.users[{number}].created_at", user.created_at, TIME_FORM)
    return None


def to_tweet(v2: V2Tweet) -> Tweet:
    """One tweet.

    Raises:
        ContractError: `bad_time`.
    """
    data, includes = v2.data, v2.includes or _NOTHING
    kind, words = _original(data, includes)
    text, hashtags, links = _words(words)
    place_id = None if data.geo is None else data.geo.place_id
    return Tweet(
        kind,
        data.id,
        data.author_id,
        to_time(v2_ms(data.created_at), "data.created_at", data.created_at, TIME_FORM),
        "" if place_id is None else _country(place_id, includes),
        text[:MAX_TEXT],
        words.lang or data.lang or "",
        hashtags,
        _born_ms(data.author_id, includes),
        links,
    )
