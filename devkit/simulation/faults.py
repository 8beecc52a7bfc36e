"""Injected faults: late tweets, retries, wrong clocks, unreadable records, and control messages."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from random import Random
from typing import Any

import msgspec

from streams.events.parse import parse
from streams.events.tweet import Tweet

_BARE_SHARE = 0.2
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class FaultRates:
    """Rate of each fault, as a share of tweets in [0, 1]."""

    late: float = 0.004
    """Tweets logged 5 s to 3 min after they were made."""
    duplicate: float = 0.003
    """Tweets sent twice, byte for byte, as by a producer's retry."""
    broken: float = 0.002
    """Records that cannot be parsed."""
    ahead: float = 0.002
    """Clocks up to 90 s ahead; such tweets still count."""
    far_ahead: float = 0.0005
    """Clocks minutes to decades ahead."""
    far_past: float = 0.0005
    """Clocks hours to decades behind."""
    control: float = 0.001
    """Tweets followed by a deletion, withholding or limit notice."""

    def without_clocks_ahead(self) -> FaultRates:
        """Return a copy without clocks ahead, for bare payloads, whose only log time is created_at."""
        return replace(self, ahead=0.0, far_ahead=0.0)


NO_FAULTS = FaultRates(**{field.name: 0.0 for field in fields(FaultRates)})


def log_delay_ms(rng: Random, late: float) -> int:
    """Draw the delay of a tweet to the log: tens to hundreds of milliseconds, or seconds to minutes if late."""
    if rng.random() < late:
        return 5_000 + int(rng.random() ** 2 * 175_000)
    return 30 + int(min(rng.expovariate(1 / 80.0), 900.0))


def wrong_clock_ms(rng: Random, faults: FaultRates, true_ms: int) -> int:
    """Draw the time that the producer's clock shows; mostly the true time."""
    dice = rng.random()
    if dice >= faults.ahead + faults.far_ahead + faults.far_past:
        return true_ms
    if dice < faults.ahead:
        return true_ms + 500 + int(rng.random() * 89_500)
    if dice < faults.ahead + faults.far_ahead:
        return true_ms + (180_000, 86_400_000, 2_366_841_600_000)[int(rng.random() * 3)]
    return max(0, true_ms - (2 * 3_600_000, 30 * 86_400_000, true_ms - 1_000)[int(rng.random() * 3)])


def broken(payload: bytes, rng: Random) -> tuple[str, bytes | None]:
    """Damage a payload; return the name of the fault and the bytes, None for a tombstone."""
    name = BROKEN[int(rng.random() * len(BROKEN))]
    if name == "tombstone":
        return name, None
    if name == "empty":
        return name, b""
    if name == "words":
        return name, b"upstream connect error or disconnect/reset before headers"
    if name == "array":
        return name, b"[" + payload + b"]"
    if name == "truncated":
        return name, payload[: len(payload) * 2 // 3]
    if name == "not_utf8":
        at = payload.find(b'"text":"') if b'"text":"' in payload else payload.find(b'"full_text":"')
        return name, payload[: at + 13] + b"\xff\xfe" + payload[at + 13 :]
    return name, _encode(_mutilated(name, _decode(payload)))


BROKEN = (
    "tombstone", "empty", "words", "array", "truncated", "not_utf8",
    "missing_id", "bad_id", "missing_author", "wrong_type", "bad_time", "missing_text",
)  # fmt: skip


def _mutilated(name: str, payload: dict[str, Any]) -> dict[str, Any]:
    inner = payload.get("data", payload)
    text = next(key for key in ("text", "full_text") if key in inner)
    time = next(key for key in ("created_at_ms", "created_at") if key in inner)
    if name == "missing_id":
        inner.pop("id_str", None)
        del inner["id"]
    elif name == "bad_id":
        inner.pop("id_str", None)
        inner["id"] = "12x" + str(inner["id"])
    elif name == "missing_author":
        del inner["user" if "user" in inner else "author_id"]
    elif name == "wrong_type":
        inner[text] = {"value": inner[text]}
        inner.pop("extended_tweet", None)
    elif name == "bad_time":
        inner[time] = "yesterday" if time == "created_at" else -1
    else:
        for field in (text, "extended_tweet", "retweeted_status", "retweet_of"):
            inner.pop(field, None)
    return payload


def deletion(rng: Random, payload: bytes) -> bytes:
    """Make the deletion of a tweet: mostly an exact native one (docs/native-payload.md), else v1.1's notice.

    Args:
        rng: source of random choices; its state advances.
        payload: the tweet in any shape.
    """
    tweet = parse(payload)
    assert isinstance(tweet, Tweet)
    who = {"id": str(tweet.id), "author_id": str(tweet.author_id)}
    if rng.random() < _BARE_SHARE:
        return _encode({"delete": {"status": {"id": tweet.id, "id_str": who["id"], "user_id_str": who["author_id"]}}})
    where = {"country": tweet.country} if tweet.country else {}
    tags = [use.display for use in tweet.hashtags]
    return _encode({"kind": "delete", **who, "hashtags": tags, **where, "created_at_ms": tweet.created_at_ms})


def control(rng: Random, tweet_id: int, author_id: int, country: str, at_ms: int) -> bytes:
    """Make a notice of the v1.1 stream about an earlier tweet or account."""
    status = {"id": tweet_id, "id_str": str(tweet_id), "user_id": author_id, "user_id_str": str(author_id)}
    stamp = str(at_ms)
    how = rng.random()
    if how < 0.6:
        return _encode({"delete": {"status": status, "timestamp_ms": stamp}})
    if how < 0.8:
        return _encode({"limit": {"track": int(rng.random() * 5000) + 1, "timestamp_ms": stamp}})
    where = [country or "DE"]
    if how < 0.9:
        return _encode({"status_withheld": {**status, "withheld_in_countries": where, "timestamp_ms": stamp}})
    account = {"id": author_id, "id_str": str(author_id)}
    return _encode({"user_withheld": {**account, "withheld_in_countries": where, "timestamp_ms": stamp}})
