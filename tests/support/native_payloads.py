# ruff: noqa: E501  # lists of odd texts
"""Native payloads for tests of both readers: ordinary, unusual and broken ones, and small changes of their bytes."""

from __future__ import annotations

import json
import random
from typing import Any

WORDS = [
    "rain", "Straße", "किसान", "#Monsoon", "#monsoon", "#MONSOON", "#a_b", "#16", "#16th", "#Köln", "#कि", "#foo-bar",
    "#a#b", "x#y", "&#z", "#wide＃sign", "＃wide", "#ok.", "#ok,", "#ok!?", "#ok://x", "example.com/#top", "#foo.com/#bar",
    "#️⃣", "#👍", "👍", "#", "##", "#a\u200db", "#_", "#ß", "t.co/a", "a\u00a0#b", "\u3000#c", "#𝒜", "#कानून।", "#ab'", "(#p)",
]  # fmt: skip
SPELLINGS = [
    "Monsoon", "#monsoon", "＃Monsoon", "", "#", "##x", "a b", "a\u200d", "Straße", "strasse", "किसान", "16", "_", "a´b",
    "x" * 280, "x" * 281, "ﬁ", "K", "a-b", "A_1", "\ufeffq", "\u00a0", "ǅ", "😀", "null",
]  # fmt: skip
LANGUAGES = ["en", "hi-Latn", "EN_gb", "in", "qme", "", "e", "engl", "é", "zh-Hant-TW", "a2", "\u212a", "bho", "en-"]
COUNTRIES = ["IN", "in", "", "I", "INd", "1N", "ÄÖ", "I\u212a", "US"]
URLS = [
    "https://example.com/a", "http://example.com", "https://EXAMPLE.com/", "https://a.b.c.example?x#y", "x.example",
    "https://good@evil.example/", "https://a..b/", "https://.a/", "https://a.b./", "https://ab/", "", "httpsx://a.b/",
    "https://" + "a." * 127 + "b/", "https://" + "a." * 125 + "bb/", "https://a.b:80/", "https://é.example/",
]  # fmt: skip
NUMBERS: list[Any] = [
    0, 1, -1, 42, "42", "042", "", " 1", "1e3", 1.0, 1.5, True, None, "-0", 2**63 - 1, 2**63, 10**19, str(2**63 - 1),
    str(2**63), 253_402_300_799_999, 253_402_300_800_000, [1], {"a": 1}, "1_0", "+1", 10**30,
]  # fmt: skip
ODD: list[Any] = [None, True, False, 0, 5, "", "text", [], ["a"], [1], {}, {"text": "x #inner"}, ["a", None], 1.5]


def text_of(rng: random.Random) -> str:
    """Draw a text: words with and without hashtags, seldom a long or an escaped one."""
    text = " ".join(rng.choice(WORDS) for _ in range(rng.randrange(7)))
    if rng.random() < 0.15:
        text += rng.choice(
            ["\n#next", '"#quoted"', "\\", "\x1f", "é" * 279, "x" * 280, "ab" * 200, "👍" * 281, "\u2028"]
        )
    return text


def content_of(rng: random.Random) -> dict[str, Any]:
    """Draw the members that a tweet and a retweet's original have."""
    content: dict[str, Any] = {"text": text_of(rng)}
    if rng.random() < 0.6:
        content["hashtags"] = rng.choice([None, [], *3 * [[rng.choice(SPELLINGS) for _ in range(rng.randrange(1, 5))]]])
    if rng.random() < 0.6:
        content["lang"] = rng.choice([None, *LANGUAGES])
    if rng.random() < 0.3:
        content["urls"] = rng.choice([None, [], *3 * [[rng.choice(URLS) for _ in range(rng.randrange(1, 7))]]])
    return content


def payload_of(rng: random.Random, tweet: int, created_ms: int) -> dict[str, Any]:
    """Draw a tweet; in one of a few, some member is odd."""
    found = {"id": str(tweet), "author_id": str(rng.randrange(60)), "created_at_ms": created_ms, **content_of(rng)}
    if rng.random() < 0.7:
        found["country"] = rng.choice(["IN", "US", "br", None, *COUNTRIES])
    if rng.random() < 0.7:
        found["author_created_at_ms"] = rng.choice([None, 0, created_ms - 10**9, str(created_ms - 1), created_ms + 5])
    if rng.random() < 0.2:
        found["retweet_of"] = rng.choice([None, content_of(rng), {**content_of(rng), "id": [5]}, {"lang": "en"}])
    if rng.random() < 0.15:
        found["quote_of"] = rng.choice([None, {}, {"id": "5", "text": "#not"}, {"a": {"b": 1}}])
    if rng.random() < 0.15:
        found["kind"] = rng.choice([None, "tweet", "quote", "delete", "delet", "reply", 5])
    if rng.random() < 0.15:
        found[rng.choice(["note", "retweets", "iD", "é", "source"])] = rng.choice(ODD)
    if rng.random() < 0.1:
        found[rng.choice(list(found))] = rng.choice(ODD)
    if rng.random() < 0.1:
        found[rng.choice(["id", "author_id", "created_at_ms", "author_created_at_ms"])] = rng.choice(NUMBERS)
    if rng.random() < 0.1:
        found = {"pad": "x" * rng.choice([400, 480, 500, 20_000]), **found}
    members = list(found.items())
    if rng.random() < 0.3:
        rng.shuffle(members)
    return dict(members)


def ordinary_of(rng: random.Random, tweet: int, created_ms: int) -> dict[str, Any]:
    """Draw a tweet without odd members."""
    words = rng.sample(["rain", "किसान", "#Monsoon", "#monsoon", "#a_b", "#कि", "#ok,", "#Köln"], rng.randrange(6))
    found: dict[str, Any] = {
        "id": str(tweet), "author_id": rng.randrange(60), "created_at_ms": created_ms, "text": " ".join(words),
        "lang": rng.choice(["en", "hi-Latn", "bho"]), "country": rng.choice(["IN", "us"]),
        "author_created_at_ms": created_ms - rng.randrange(10**11),
    }  # fmt: skip
    if rng.random() < 0.6:
        found["hashtags"] = rng.sample(SPELLINGS, rng.randrange(4))
    if rng.random() < 0.3:
        found["urls"] = [
            rng.choice(["https://a.example/x", "http://b.example", "https://c.example?d"]) for _ in range(5)
        ]
    if rng.random() < 0.2:
        content = {name: found.pop(name) for name in ("text", "hashtags", "urls") if name in found}
        found |= {"text": "RT", "retweet_of": content}
    return found


def bytes_of(rng: random.Random, tweet: int, created_ms: int) -> bytes | None:
    """Draw the bytes of a record; half of them are ordinary, and one in a few is damaged."""
    payload = (ordinary_of if rng.random() < 0.5 else payload_of)(rng, tweet, created_ms)
    return encoded(rng, payload)


def encoded(rng: random.Random, payload: dict[str, Any]) -> bytes | None:
    """Encode a payload in one of several ways; seldom damage it, or return another record."""
    if rng.random() < 0.02:
        return rng.choice([None, b"", b" ", b"{}", b"[]", b"null", b'{"delete":{"status":{"id":"5"}}}', b"\xff"])
    spaces = (",", ":") if rng.random() < 0.7 else (", ", ": ")
    value = json.dumps(payload, ensure_ascii=rng.random() < 0.2, separators=spaces).encode()
    return damaged(rng, value) if rng.random() < 0.25 else value


def damaged(rng: random.Random, value: bytes) -> bytes:
    """Change, cut, double or insert a few bytes."""
    changed = bytearray(value)
    at, size = rng.randrange(len(changed) + 1), rng.choice((1, 1, 1, 2, 8))
    match rng.randrange(5):
        case 0:
            changed[at : at + size] = rng.randbytes(size)
        case 1:
            del changed[at : at + size]
        case 2:
            changed[at:at] = changed[at : at + size]
        case 3:
            del changed[at:]
        case _:
            inserts = (b'"', b"{", b"}", b"]", b",", b"\\u0041", b"#", b"9", b"\xe0", b"\xc0\x80", b"\xed\xa0\x80", b" ",
                       b"\t", b"\x00", b"\xef\xbc\x83", b'"id":"7",', b"\xf4\x90\x80\x80", b"-", b".5")  # fmt: skip
            changed[at:at] = rng.choice(inserts)
    return bytes(changed)
