"""Tweets of a crowd with the truth about their authors, and the log that a replay reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

import msgspec

from devkit.crowds.accounts import Account
from streams.constants import DAY_MS
from streams.log.lines import LogRecord

BEAT_MS = 2_000
"""Time between two tweets of other people, without a hashtag: they move the watermark, so that ticks settle in time."""
_FIRST_ID = 1_800_000_000_000_000_000
_BYSTANDER = 900_000_000


class AuthorRole(StrEnum):
    """Truth about an author, which no payload carries."""

    GENUINE = "genuine"
    HECKLER = "heckler"
    ATTACKER = "attacker"
    """Author of a campaign too."""
    REPEATER = "repeater"
    """Attacker who repeats the words of a genuine author."""
    LIFTER = "lifter"
    """Account with neutral posts under the hashtag of a campaign."""


class CrowdPost(NamedTuple):
    """One tweet, ordered by its time."""

    at_ms: int
    account: Account
    text: str
    hashtag: str
    role: AuthorRole
    deleted_at_ms: int = 0
    """Time of its deletion; 0: it stays."""


def tenth_ms(posts: Iterable[CrowdPost], roles: Sequence[AuthorRole]) -> int | None:
    """Return when the tenth author of these roles has written; None where there are fewer."""
    authors: set[int] = set()
    for post in sorted(posts, key=lambda post: post.at_ms):
        if post.role in roles:
            authors.add(post.account.id)
            if len(authors) == 10:
                return post.at_ms
    return None


def log_of(posts: Iterable[CrowdPost], start_ms: int, length_ms: int, country: str) -> list[LogRecord]:
    """Return the log of some tweets and of other people's, from the start until its end.

    Args:
        posts: tweets; a deletion after the end is left out.
        start_ms: start of the run, at which the accounts have their ages.
        length_ms: length of the log.
        country: country of every tweet.
    """
    end_ms = start_ms + length_ms
    events: list[tuple[int, int, dict[str, object]]] = []
    for number, post in enumerate(sorted(posts, key=lambda post: (post.at_ms, post.account.id))):
        tweet = _tweet(_FIRST_ID + number, post, start_ms, country)
        events.append((post.at_ms, 2 * number, tweet))
        if 0 < post.deleted_at_ms < end_ms:
            facts = {name: tweet[name] for name in ("id", "author_id", "created_at_ms", "country")}
            events.append((post.deleted_at_ms, 2 * number + 1, {"kind": "delete", "hashtags": [post.hashtag], **facts}))
    for at_ms in range(start_ms, end_ms + 1, BEAT_MS):
        number = at_ms - start_ms
        other: dict[str, object] = {
            "id": str(_FIRST_ID + 10**12 + number), "author_id": str(_BYSTANDER + number), "created_at_ms": at_ms,
            "text": "Good evening", "country": country, "author_created_at_ms": start_ms - 900 * DAY_MS,
        }  # fmt: skip
        events.append((at_ms, -1, other))
    events.sort(key=lambda event: event[:2])
    return [
        LogRecord(0, offset, at_ms, None, msgspec.json.encode(payload))
        for offset, (at_ms, _, payload) in enumerate(events)
    ]


def _tweet(number: int, post: CrowdPost, start_ms: int, country: str) -> dict[str, object]:
    return {
        "id": str(number),
        "author_id": str(post.account.id),
        "created_at_ms": post.at_ms,
        "text": f"{post.text} #{post.hashtag}",
        "country": country,
        "author_created_at_ms": start_ms - round(post.account.age_days * DAY_MS),
        "author_statuses_count": post.account.statuses,
        "author_followers_count": post.account.followers,
    }
