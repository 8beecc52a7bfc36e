"""Encoder of Twitter API v2 payloads: the tweet in `data`, its author, place and originals in `includes`."""

from __future__ import annotations

from zlib import crc32

import msgspec

from devkit.simulation.draft import TweetDraft
from devkit.simulation.payloads.common import escaped, mention_spans, tag_spans, url_spans, v2_time
from devkit.simulation.people import Author
from devkit.simulation.writing import retweet_text

_encode = msgspec.json.Encoder().encode


def v2(draft: TweetDraft) -> bytes:
    """Encode a draft, 1 to 3 KB."""
    author, original = draft.author, draft.original
    data = _data(draft)
    users = [msgspec.Raw(_user(author))]
    includes: dict[str, object] = {"users": users}
    if original is not None:
        data["referenced_tweets"] = [{"type": "quoted" if draft.quote else "retweeted", "id": str(original.id)}]
        users.append(msgspec.Raw(_user(original.author)))
        includes["tweets"] = [_data(original)]
    if author.city and draft.dice % 10 and not draft.is_retweet:
        key = f"{crc32(author.city.encode()):016x}"
        data["geo"] = {"place_id": key}
        includes["places"] = [
            {
                "id": key,
                "full_name": f"{author.city}, {author.country.name}",
                "name": author.city,
                "country": author.country.name,
                "country_code": author.country.code,
                "place_type": "city",
            }
        ]
    rules = [{"id": "1165037377523306497", "tag": "sample"}]
    return _encode({"data": data, "includes": includes, "matching_rules": rules})


def _data(draft: TweetDraft) -> dict[str, object]:
    original, dice = draft.original, draft.dice
    if original is not None and not draft.quote:
        text, tags = escaped(retweet_text(original.author.screen_name, original.text)), original.tags
    else:
        text, tags = escaped(draft.text), draft.tags
    data: dict[str, object] = {
        "id": str(draft.id),
        "text": text,
        "author_id": str(draft.author.id),
        "created_at": v2_time(draft.created_ms),
        "conversation_id": str(draft.id),
        "edit_history_tweet_ids": [str(draft.id)],
        "lang": draft.language[:2],
        "possibly_sensitive": False,
        "reply_settings": "everyone",
        "public_metrics": {
            "retweet_count": dice % 11,
            "reply_count": dice % 5,
            "like_count": dice % 23,
            "quote_count": 0,
            "bookmark_count": 0,
            "impression_count": dice % 900,
        },
    }
    entities = {
        "hashtags": [{"start": start, "end": end, "tag": tag} for tag, start, end in tag_spans(text, tags)],
        "mentions": [{"start": start, "end": end, "username": name} for name, start, end in mention_spans(text)],
        "urls": [{"start": start, "end": end, "url": url} for url, start, end in url_spans(text)],
    }
    if present := {name: spans for name, spans in entities.items() if spans}:  # v2 leaves empty fields out
        data["entities"] = present
    return data


def _user(author: Author) -> bytes:
    if not author.user_v2:
        author.user_v2 = _encode(
            {
                "id": str(author.id),
                "name": author.name,
                "username": author.screen_name,
                "created_at": v2_time(author.born_ms),
                "description": author.bio,
                "location": author.city,
                "protected": False,
                "verified": author.verified,
                "profile_image_url": f"https://pbs.twimg.com/profile_images/{author.id}/normal.jpg",
                "public_metrics": {
                    "followers_count": author.followers,
                    "following_count": author.following,
                    "tweet_count": author.statuses,
                    "listed_count": author.followers // 200,
                },
            }
        )
    return author.user_v2
