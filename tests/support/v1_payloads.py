"""Payloads of API v1.1 for tests of both readers: ordinary and unusual ones."""

from __future__ import annotations

import random
from typing import Any

from tests.support.native_payloads import LANGUAGES, NUMBERS, ODD, SPELLINGS, URLS, text_of

TIMES = [
    "Fri Jan 09 12:00:00 +0000 2026", "Thu Feb 29 00:00:00 +0000 2024", "Wed Feb 29 00:00:00 +0000 2023",
    "Sat Dec 31 23:59:60 +0000 2016", "Fri Jan 09 12:00:00 +0530 2026", "fri Jan 09 12:00:00 +0000 2026",
    "Fri Jan 09 24:00:00 +0000 2026", "Fri Jan 00 12:00:00 +0000 2026", "Fri Jan 32 12:00:00 +0000 2026",
    "Fri jan 09 12:00:00 +0000 2026", "Thu Jan 01 00:00:00 +0000 1970", "Wed Dec 31 23:59:59 +0000 1969",
    "Fri Dec 31 23:59:59 +0000 9999", "Fri Jan 9 12:00:00 +0000 2026", "Fri Jan 09 1:00:00 +0000 02026",
    "Mon Feb 29 10:00:00 +0000 2100", "Tue Feb 29 10:00:00 +0000 2000", "", "x" * 30,
]  # fmt: skip


def entities_of(rng: random.Random, plain: bool) -> dict[str, Any]:
    """Draw the entities of a text."""
    names = ["Monsoon", "monsoon", "rain", "किसान"] if plain else SPELLINGS
    tags = [{"text": rng.choice(names), "indices": [5, 9]} for _ in range(rng.randrange(4))]
    links = ["https://a.example/x", "http://b.example"] if plain else [*URLS, None]
    urls = [{"url": "https://t.co/a", "expanded_url": rng.choice(links)} for _ in range(rng.randrange(3))]
    found: dict[str, Any] = {"hashtags": tags, "urls": urls, "user_mentions": [{"id": 5, "indices": [1, 2]}]}
    if not plain and rng.random() < 0.4:
        found[rng.choice(["hashtags", "urls"])] = rng.choice([None, *ODD, [{}], [{"text": None}], [[]]])
    if not plain and tags and rng.random() < 0.4:
        rng.choice(tags)["indices"] = rng.choice(
            [None, [], [1], ["5", 9], [1.5, 2], [-1, 2], "5", [10**20, 1], [1, 2, 3]]
        )
    return found


def status_of(rng: random.Random, plain: bool) -> dict[str, Any]:
    """Draw the members that a tweet and a retweeted status share."""
    text = "rain &amp; #Monsoon" if rng.random() < 0.1 else "now #Monsoon, #rain #किसान" if plain else text_of(rng)
    found: dict[str, Any] = {
        rng.choice(["text", "text", "full_text"]): text,
        "lang": "en" if plain else rng.choice(LANGUAGES),
    }
    if rng.random() < 0.8:
        found["entities"] = entities_of(rng, plain)
    if rng.random() < 0.3:
        found["extended_tweet"] = {"full_text": text + " more", "entities": entities_of(rng, plain)}
    if not plain and rng.random() < 0.4:
        found[rng.choice([*found, "text", "full_text", "extended_tweet", "entities"])] = rng.choice(ODD)
    return found


def v1_of(rng: random.Random, tweet: int) -> dict[str, Any]:
    """Draw a tweet, ordinary half of the time."""
    plain = rng.random() < 0.5
    at = TIMES[0] if plain else rng.choice(TIMES)
    user = {"id": 42, "id_str": str(rng.randrange(60)), "name": 'A "quoted" name', "created_at": rng.choice([at, None])}
    found: dict[str, Any] = {
        "created_at": at, "id": tweet, "id_str": str(tweet), "source": '<a href="x">web</a>', "user": user,
        "coordinates": {"type": "Point", "coordinates": [[1.5, -0.25]]}, "is_quote_status": False,
        **status_of(rng, plain),
    }  # fmt: skip
    if rng.random() < 0.5:
        found["place"] = {
            "country_code": "IN" if plain else rng.choice(["IN", "in", "", None, "IND", "é", 5]),
            "box": [[[1]]],
        }
    if rng.random() < 0.3:
        found["retweeted_status"] = {**status_of(rng, plain), "user": {"id": [5]}, "place": 5}
    if rng.random() < 0.1:
        found["quoted_status"] = {"text": 5}
    for holder in (user, found):
        if not plain and rng.random() < 0.3:
            holder[rng.choice([*holder, "place", "lang", "delete", "data"])] = rng.choice([*ODD, *NUMBERS])
        if not plain and rng.random() < 0.2:
            del holder[rng.choice(list(holder))]
    return found
