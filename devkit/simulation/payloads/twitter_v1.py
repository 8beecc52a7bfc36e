"""Encoder of Twitter API v1.1 payloads of realistic size, in classic, extended and compatibility mode."""

from __future__ import annotations

from zlib import crc32

import msgspec

from devkit.simulation.draft import TweetDraft
from devkit.simulation.payloads.common import escaped, mention_spans, tag_spans, url_spans, v1_time
from devkit.simulation.people import Author
from devkit.simulation.writing import retweet_text

_encode = msgspec.json.Encoder().encode
_CLASSIC = 140
_BOX = [[72.74, 18.84], [72.74, 19.50], [73.00, 19.50], [73.00, 18.84]]
_SOURCES = (
    '<a href="http://twitter.com/download/android" rel="nofollow">Twitter for Android</a>',
    '<a href="http://twitter.com/download/iphone" rel="nofollow">Twitter for iPhone</a>',
    '<a href="https://mobile.twitter.com" rel="nofollow">Twitter Web App</a>',
)


def v1(draft: TweetDraft) -> bytes:
    """Encode a draft, 2 to 6 KB. As on Twitter, a retweet has no place, so it counts for the world only."""
    return _encode(_status(draft))


def _status(draft: TweetDraft) -> dict[str, object]:
    author, original, dice = draft.author, draft.original, draft.dice
    if original is not None and not draft.quote:
        text, tags = escaped(retweet_text(original.author.screen_name, original.text)), original.tags
    else:
        text, tags = escaped(draft.text), draft.tags
    status: dict[str, object] = {
        "created_at": v1_time(draft.created_ms // 1000),
        "id": draft.id,
        "id_str": str(draft.id),
        **_text_fields(text, tags, dice),
        "source": _SOURCES[dice % len(_SOURCES)],
        "in_reply_to_status_id": None,
        "in_reply_to_status_id_str": None,
        "in_reply_to_user_id": None,
        "in_reply_to_user_id_str": None,
        "in_reply_to_screen_name": None,
        "user": msgspec.Raw(user(author)),
        "geo": None,
        "coordinates": None,
        "place": None,
        "contributors": None,
        "is_quote_status": draft.quote,
        "quote_count": 0,
        "reply_count": dice % 5,
        "retweet_count": dice % 11,
        "favorite_count": dice % 23,
        "favorited": False,
        "retweeted": False,
        "filter_level": "low",
        "lang": draft.language[:2],
    }
    if not draft.is_retweet and author.city and dice % 10:
        status["place"] = place(author)
    if original is not None:
        key = "quoted_status" if draft.quote else "retweeted_status"
        status[key] = _status(original)
        if draft.quote:
            status["quoted_status_id"] = original.id
            status["quoted_status_id_str"] = str(original.id)
    return status


def _text_fields(text: str, tags: tuple[str, ...], dice: int) -> dict[str, object]:
    """The text and its entities in one of three ways; a long classic one is cut and whole in `extended_tweet`."""
    whole = {"full_text": text, "display_text_range": [0, len(text)], "entities": entities(text, tags)}
    if dice % 3 == 0:
        return {**whole, "truncated": False}
    if len(text) <= _CLASSIC:
        return {"text": text, "truncated": False, "entities": whole["entities"]}
    cut = text[: _CLASSIC - 1] + "…"
    left = tuple(tag for tag, _, end in tag_spans(text, tags) if end < _CLASSIC)
    return {"text": cut, "truncated": True, "entities": entities(cut, left), "extended_tweet": whole}


def entities(text: str, tags: tuple[str, ...]) -> dict[str, object]:
    """Render the entities of a text."""
    return {
        "hashtags": [{"text": tag, "indices": [start, end]} for tag, start, end in tag_spans(text, tags)],
        "urls": [
            {"url": url, "expanded_url": url, "display_url": url.partition("://")[2], "indices": [start, end]}
            for url, start, end in url_spans(text)
        ],
        "user_mentions": [
            {
                "screen_name": name,
                "name": name,
                "id": crc32(name.encode()),
                "id_str": str(crc32(name.encode())),
                "indices": [start, end],
            }
            for name, start, end in mention_spans(text)
        ],
        "symbols": [],
    }


def place(author: Author) -> dict[str, object]:
    """Render the author's place."""
    country, city = author.country, author.city
    key = f"{crc32(f'{country.code}/{city}'.encode()):016x}"
    return {
        "id": key,
        "url": f"https://api.twitter.com/1.1/geo/id/{key}.json",
        "place_type": "city",
        "name": city,
        "full_name": f"{city}, {country.name}",
        "country_code": country.code,
        "country": country.name,
        "bounding_box": {"type": "Polygon", "coordinates": [_BOX]},
        "attributes": {},
    }


def user(author: Author) -> bytes:
    """The author as JSON, rendered once."""
    if not author.user_v1:
        author.user_v1 = _encode(_user(author))
    return author.user_v1


def _user(author: Author) -> dict[str, object]:
    picture = f"http://pbs.twimg.com/profile_images/{author.id}/{crc32(author.name.encode()):08x}_normal.jpg"
    return {
        "id": author.id,
        "id_str": str(author.id),
        "name": author.name,
        "screen_name": author.screen_name,
        "location": author.city,
        "url": None,
        "description": author.bio,
        "translator_type": "none",
        "protected": False,
        "verified": author.verified,
        "followers_count": author.followers,
        "friends_count": author.following,
        "listed_count": author.followers // 200,
        "favourites_count": author.statuses // 2,
        "statuses_count": author.statuses,
        "created_at": v1_time(author.born_ms // 1000),
        "utc_offset": None,
        "time_zone": None,
        "geo_enabled": bool(author.city),
        "lang": None,
        "contributors_enabled": False,
        "is_translator": False,
        "profile_background_color": "F5F8FA",
        "profile_background_image_url": "http://abs.twimg.com/images/themes/theme1/bg.png",
        "profile_background_image_url_https": "https://abs.twimg.com/images/themes/theme1/bg.png",
        "profile_background_tile": False,
        "profile_link_color": "1DA1F2",
        "profile_sidebar_border_color": "C0DEED",
        "profile_sidebar_fill_color": "DDEEF6",
        "profile_text_color": "333333",
        "profile_use_background_image": True,
        "profile_image_url": picture,
        "profile_image_url_https": picture.replace("http:", "https:"),
        "profile_banner_url": f"https://pbs.twimg.com/profile_banners/{author.id}/1588000000",
        "default_profile": True,
        "default_profile_image": author.statuses < 60,
        "following": None,
        "follow_request_sent": None,
        "notifications": None,
    }
