"""Payloads of all shapes, valid and bad."""

from __future__ import annotations

import json
from typing import Any

from streams.events.fields import END_MS
from tests.support.paths import SHARED

NATIVE: dict[str, Any] = {
    "id": "1790000000000000001",
    "author_id": "42",
    "created_at_ms": 1_700_000_000_123,
    "text": "On the road to Delhi #FarmersProtest #किसान &amp; songs",
    "lang": "en",
    "country": "IN",
    "author_created_at_ms": 1_300_000_000_000,
}

DELETION: dict[str, Any] = {
    "kind": "delete",
    "id": "1790000000000000001",
    "author_id": "42",
    "hashtags": ["FarmersProtest", "#farmersprotest", "किसान"],
    "country": "in",
    "created_at_ms": 1_700_000_000_123,
}

NOTICES: list[dict[str, Any]] = [
    {
        "delete": {
            "status": {"id": 12, "id_str": "12", "user_id": 3, "user_id_str": "3"},
            "timestamp_ms": "1700000000000",
        }
    },
    {"limit": {"track": 1234, "timestamp_ms": "1700000000000"}},
    {"status_withheld": {"id": 12, "user_id": 3, "withheld_in_countries": ["DE"]}},
    {"user_withheld": {"id": 3, "withheld_in_countries": ["DE", "AR"]}},
    {"scrub_geo": {"user_id": 3, "up_to_status_id": 12}},
    {"warning": {"code": "FALLING_BEHIND", "percent_full": 60}},
    {"disconnect": {"code": 4, "reason": ""}},
    {"data": {"delete": {"tweet": {"id": "12", "author_id": "3"}, "event_at": "2022-12-23T12:34:56.789Z"}}},
    {"delete": {"tweet": {"id": "12", "author_id": "3"}}},
    {"data": {"withheld": {"tweet": {"id": "12", "author_id": "3"}, "withheld_in_countries": ["XY", "BR"]}}},
    {"data": {"user_withheld": {"user": {"id": "3"}, "withheld_in_countries": ["XX"]}}},
    {"data": {"user_suspend": {"user": {"id": "3"}, "event_at": "2022-12-23T12:34:56.789Z"}}},
    {"errors": [{"title": "operational-disconnect"}]},
    {"something_new": {"id": 5}},
]


def changed(payload: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Build a payload with some fields replaced, or left out if given as `...`."""
    return {name: value for name, value in {**payload, **fields}.items() if value is not ...}


def encoded(payload: Any) -> bytes:
    return json.dumps(payload).encode()


BAD: list[tuple[bytes | None, str, str]] = [
    (None, "tombstone", ""),
    (b"", "empty", ""),
    (b" \r\n", "empty", ""),
    (b"nope", "not_json", ""),
    (b'{"id":', "not_json", ""),
    (b'{"a":NaN}', "not_json", ""),
    (b"\xef\xbb\xbf{}", "not_json", ""),
    (b'{\x00"\x00a\x00"\x00:\x001\x00}\x00', "not_json", ""),
    (b'{"x":"\xff"}', "not_utf8", ""),
    (b"[]", "wrong_type", ""),
    (b"null", "wrong_type", ""),
    (b"{}", "unknown_shape", ""),
    (b'{"a":1}', "unknown_shape", ""),
    (b'{"a":{},"b":{}}', "unknown_shape", ""),
    (b'{"data":{}}', "missing_field", "data.id"),
    (b'{"data":[]}', "wrong_type", "data"),
    (b'{"delete":{}}', "missing_field", "delete.id"),
    (b'{"delete":5}', "wrong_type", "delete"),
    (b'{"delete":{"status":{"id":"x"}}}', "bad_id", "delete.status.id"),
    (b'{"data":{"delete":{"tweet":{}}}}', "missing_field", "data.delete.tweet.id"),
    (b'{"user_withheld":{}}', "missing_field", "user_withheld.id"),
    (
        b'{"status_withheld":{"id":1,"withheld_in_countries":["IN","Germany"]}}',
        "bad_country",
        "status_withheld.withheld_in_countries[1]",
    ),
    (
        b'{"data":{"withheld":{"tweet":{"id":"1"},"withheld_in_countries":[""]}}}',
        "bad_country",
        "data.withheld.withheld_in_countries[0]",
    ),
    (
        b'{"status_withheld":{"id":1,"withheld_in_countries":"IN"}}',
        "wrong_type",
        "status_withheld.withheld_in_countries",
    ),
    (b'{"kind":"delete"}', "missing_field", "id"),
    (b'{"text":"a"}', "missing_field", "id"),
    (encoded(changed(NATIVE, id=...)), "missing_field", "id"),
    (encoded(changed(NATIVE, author_id=...)), "missing_field", "author_id"),
    (encoded(changed(NATIVE, created_at_ms=...)), "missing_field", "created_at_ms"),
    (encoded(changed(NATIVE, text=...)), "missing_field", "text"),
    (encoded(changed(NATIVE, retweet_of={})), "missing_field", "retweet_of.text"),
    (encoded(changed(NATIVE, id=None)), "wrong_type", "id"),
    (encoded(changed(NATIVE, id=True)), "wrong_type", "id"),
    (encoded(changed(NATIVE, id=[])), "wrong_type", "id"),
    (encoded(changed(NATIVE, id="abc")), "bad_id", "id"),
    (encoded(changed(NATIVE, id="")), "bad_id", "id"),
    (encoded(changed(NATIVE, id="007")), "bad_id", "id"),
    (encoded(changed(NATIVE, id="٣")), "bad_id", "id"),
    (encoded(changed(NATIVE, id=-1)), "bad_id", "id"),
    (encoded(changed(NATIVE, id=1.5)), "bad_id", "id"),
    (encoded(changed(NATIVE, author_id=2**63)), "bad_id", "author_id"),
    (encoded(changed(NATIVE, author_id="9" * 5000)), "bad_id", "author_id"),
    (encoded(NATIVE).replace(b'"42"', b"9" * 5000), "bad_id", "author_id"),
    (encoded(changed(NATIVE, created_at_ms=-1)), "bad_time", "created_at_ms"),
    (encoded(changed(NATIVE, created_at_ms=END_MS)), "bad_time", "created_at_ms"),
    (encoded(changed(NATIVE, created_at_ms="soon")), "bad_time", "created_at_ms"),
    (encoded(changed(NATIVE, created_at_ms=None)), "wrong_type", "created_at_ms"),
    (encoded(changed(NATIVE, author_created_at_ms=-1)), "bad_time", "author_created_at_ms"),
    (encoded(changed(NATIVE, text=None)), "wrong_type", "text"),
    (encoded(changed(NATIVE, text=5)), "wrong_type", "text"),
    (encoded(changed(NATIVE, country="IND")), "bad_country", "country"),
    (encoded(changed(NATIVE, country="भा")), "bad_country", "country"),
    (encoded(changed(NATIVE, country=91)), "wrong_type", "country"),
    (encoded(changed(NATIVE, hashtags="a")), "wrong_type", "hashtags"),
    (encoded(changed(NATIVE, hashtags=["a", 5])), "wrong_type", "hashtags[1]"),
    (encoded(changed(NATIVE, quote_of="5")), "wrong_type", "quote_of"),
    (encoded(changed(NATIVE, kind=5)), "wrong_type", "kind"),
    (encoded(changed(NATIVE, kind="reply", created_at_ms=...)), "missing_field", "created_at_ms"),
    (b'{"created_at":"x","user":{"id":[]},"user":5}', "wrong_type", "user.id"),
    (encoded(changed(NATIVE, text="\ud800")), "lone_surrogate", ""),
    (encoded(changed(NATIVE, text="\ud800 and more, lots of it")), "lone_surrogate", ""),
    (encoded(changed(NATIVE, unknown=["\udc00"])), "lone_surrogate", ""),
    (encoded(changed(NATIVE, **{"\ud83d": 1})), "lone_surrogate", ""),
]


SAMPLES = SHARED / "data" / "tweets-v1.1"


V1: dict[str, Any] = {
    "created_at": "Fri Jan 26 06:30:05 +0000 2024",
    "id": 1790000000000000001,
    "id_str": "1790000000000000001",
    "text": "Tractors at the gate &amp; songs #FarmersProtest https://t.co/a1",
    "entities": {"hashtags": [{"text": "FarmersProtest", "indices": [33, 48]}], "urls": []},
    "user": {"id": 42, "id_str": "42", "created_at": "Tue Mar 21 20:50:14 +0000 2006", "lang": None},
    "place": {"country_code": "IN", "name": "Delhi"},
    "lang": "en",
    "is_quote_status": False,
    "retweeted_status": None,
}


V2: dict[str, Any] = {
    "data": {
        "id": "1790000000000000002",
        "author_id": "43",
        "created_at": "2024-01-26T06:30:05.250Z",
        "text": "Rain &lt;3 at last #Monsoon",
        "lang": "en",
        "entities": {"hashtags": [{"start": 22, "end": 30, "tag": "Monsoon"}]},
        "geo": {"place_id": "p2"},
    },
    "includes": {
        "users": [
            {"id": "1", "created_at": "2009-01-01T00:00:00.000Z"},
            {"id": "43", "created_at": "2010-05-01T00:00:00.000Z"},
        ],
        "places": [{"id": "p1", "country_code": "US"}, {"id": "p2", "country_code": "BD"}],
    },
}
