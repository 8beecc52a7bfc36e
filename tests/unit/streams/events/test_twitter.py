"""Payloads of Twitter's API v1.1 and v2."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from streams.errors import ContractError
from streams.events.parse import parse
from streams.events.times import v1_ms, v2_ms
from streams.events.tweet import Tweet
from streams.events.uses import located
from tests.support.payloads import SAMPLES, V1, V2


def changed(payload: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Copy a payload with some top-level fields replaced, or left out if given as `...`."""
    merged = {**copy.deepcopy(payload), **fields}
    return {name: value for name, value in merged.items() if value is not ...}


def tweet(payload: dict[str, Any]) -> Tweet:
    found = parse(json.dumps(payload).encode())
    assert isinstance(found, Tweet)
    return found


def uses(found: Tweet) -> list[tuple[str, str, int, int]]:
    return [(use.hashtag, use.display, use.start, use.end) for use in located(found.hashtags, found.text)]


def refused(payload: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(ContractError) as caught:
        parse(json.dumps(payload).encode())
    assert caught.value.fix
    return caught.value.reason, caught.value.field


def test_v1_classic_tweet_is_parsed() -> None:
    found = tweet(V1)
    assert (found.kind, found.id, found.author_id, found.lang) == ("tweet", 1790000000000000001, 42, "en")
    assert found.created_at_ms == 1_706_250_605_000
    assert found.author_created_at_ms == 1_142_974_214_000
    assert found.country == "IN"
    assert found.text == "Tractors at the gate & songs #FarmersProtest https://t.co/a1"
    assert uses(found) == [("farmersprotest", "FarmersProtest", 29, 44)]
    assert found.text[29:44] == "#FarmersProtest"


def test_v1_id_str_overrides_rounded_id() -> None:
    assert tweet(changed(V1, id=1790000000000000000)).id == 1790000000000000001
    assert tweet(changed(V1, id_str=...)).id == 1790000000000000001
    assert refused(changed(V1, id_str=..., id=...)) == ("missing_field", "id")


def test_v1_text_precedence() -> None:
    whole = {"full_text": "all of it #B", "entities": {"hashtags": [{"text": "B", "indices": [10, 12]}]}}
    assert uses(tweet(changed(V1, extended_tweet=whole, truncated=True))) == [("b", "B", 10, 12)]
    extended = changed(V1, text=..., full_text="now #C", entities=..., display_text_range=[0, 6])
    assert (tweet(extended).text, uses(tweet(extended))) == ("now #C", [("c", "C", 4, 6)])
    assert tweet(changed(extended, text="n…")).text == "now #C"
    assert refused(changed(V1, text=...)) == ("missing_field", "text")


def test_v1_entities_override_grammar() -> None:
    assert uses(tweet(changed(V1, entities={"hashtags": []}))) == []
    assert uses(tweet(changed(V1, entities={"urls": []}))) == [("farmersprotest", "FarmersProtest", 29, 44)]
    assert uses(tweet(changed(V1, entities=None))) == [("farmersprotest", "FarmersProtest", 29, 44)]


def test_v1_hashtags_are_located_in_text() -> None:
    wrong = {"hashtags": [{"text": "FarmersProtest", "indices": [3, 9]}, {"text": "Elsewhere", "indices": [900, 910]}]}
    expected = [("farmersprotest", "FarmersProtest", 29, 44), ("elsewhere", "Elsewhere", -1, -1)]
    assert uses(tweet(changed(V1, entities=wrong))) == expected
    beside = {"hashtags": [{"text": "Tag", "indices": [0, 4]}]}
    assert uses(tweet(changed(V1, text="aTag #Tag", entities=beside))) == [("tag", "Tag", 5, 9)]


def test_v1_repeated_hashtag_counts_once() -> None:
    tags = [{"text": "कल", "indices": [0, 3]}, {"text": "A", "indices": [4, 6]}, {"text": "a", "indices": [7, 9]}]
    found = tweet(changed(V1, text="#कल #A #a", entities={"hashtags": tags}))
    assert uses(found) == [("कल", "कल", 0, 3), ("a", "A", 4, 6)]


def test_v1_retweet_combines_original_text_with_retweeter() -> None:
    original = changed(
        V1,
        id_str="1",
        user={"id": 7, "id_str": "7"},
        place={"country_code": "US"},
        lang="hi",
        extended_tweet={
            "full_text": "पूरी बात #किसान",
            "entities": {"hashtags": [{"text": "किसान", "indices": [9, 15]}]},
        },
    )
    found = tweet(changed(V1, text="RT @x: cut …", entities={"hashtags": []}, retweeted_status=original, place=None))
    assert (found.kind, found.id, found.author_id) == ("retweet", 1790000000000000001, 42)
    assert (found.text, found.lang, found.country) == ("पूरी बात #किसान", "hi", "")
    assert uses(found) == [("किसान", "किसान", 9, 15)]
    assert refused(changed(V1, retweeted_status={})) == ("missing_field", "retweeted_status.text")


def test_v1_quote_ignores_quoted_text() -> None:
    quoted = changed(V1, text="#Quoted", entities={"hashtags": [{"text": "Quoted", "indices": [0, 7]}]})
    own = {"text": "shame on this #Own", "entities": ..., "is_quote_status": True}
    unsaid = {**own, "is_quote_status": None}
    for payload in (
        changed(V1, **own),
        changed(V1, **own, quoted_status=quoted),
        changed(V1, **unsaid, quoted_status={}),
    ):
        found = tweet(payload)
        assert (found.kind, [use.hashtag for use in found.hashtags]) == ("quote", ["own"])


@pytest.mark.parametrize(
    ("place", "country"), [(None, ""), ({}, ""), ({"country_code": ""}, ""), ({"country_code": "in"}, "IN")]
)
def test_v1_country_comes_from_place(place: Any, country: str) -> None:
    assert tweet(changed(V1, place=place)).country == country


def test_v1_long_text_keeps_late_hashtags() -> None:
    found = tweet(changed(V1, text="@someone " * 60 + "#late", entities=...))
    assert len(found.text) == 280
    assert uses(found) == [("late", "late", 540, 545)]


def test_v2_tweet_is_parsed() -> None:
    found = tweet(V2)
    assert (found.kind, found.id, found.author_id, found.lang) == ("tweet", 1790000000000000002, 43, "en")
    assert found.created_at_ms == 1_706_250_605_250
    assert found.author_created_at_ms == 1_272_672_000_000
    assert (found.country, found.text) == ("BD", "Rain <3 at last #Monsoon")
    assert uses(found) == [("monsoon", "Monsoon", 16, 24)]


def with_data(**fields: Any) -> dict[str, Any]:
    return changed(V2, data=changed(V2["data"], **fields))


def test_v2_tweet_without_optional_fields() -> None:
    bare = {"data": {"id": "5", "author_id": "6", "created_at": "2024-01-26T06:30:05Z", "text": "#a"}}
    found = tweet(bare)
    assert (found.country, found.lang, found.author_created_at_ms, uses(found)) == ("", "", None, [("a", "a", 0, 2)])
    assert tweet({**bare, "includes": {}}) == found
    assert tweet({"includes": {}, **bare}) == found


def test_v2_retweet_falls_back_to_own_text() -> None:
    reference = [{"type": "replied_to", "id": "8"}, {"type": "retweeted", "id": "9"}]
    retweet = with_data(referenced_tweets=reference, text="RT @x: cut… #cut", entities=..., lang=...)
    assert [use.hashtag for use in tweet(retweet).hashtags] == ["cut"]
    included = [{"id": "8", "text": "#no"}, {"id": "9", "text": "whole #yes", "lang": "hi", "author_id": "1"}]
    retweet["includes"]["tweets"] = included
    found = tweet(retweet)
    assert (found.kind, found.id, found.author_id, found.lang) == ("retweet", 1790000000000000002, 43, "hi")
    assert (found.text, [use.hashtag for use in found.hashtags]) == ("whole #yes", ["yes"])
    included[1]["note_tweet"] = {
        "text": "much longer #note",
        "entities": {"hashtags": [{"tag": "note", "start": 12, "end": 17}]},
    }  # type: ignore[assignment]
    assert uses(tweet(retweet)) == [("note", "note", 12, 17)]


def test_v2_quote_ignores_quoted_text() -> None:
    payload = with_data(referenced_tweets=[{"type": "quoted", "id": "9"}])
    payload["includes"]["tweets"] = [{"id": "9", "text": "#quoted"}]
    assert (tweet(payload).kind, [use.hashtag for use in tweet(payload).hashtags]) == ("quote", ["monsoon"])


def test_v2_error_names_field_and_request() -> None:
    assert refused(with_data(author_id=...)) == ("missing_field", "data.author_id")
    assert refused(with_data(created_at="yesterday")) == ("bad_time", "data.created_at")
    assert refused(with_data(id="x")) == ("bad_id", "data.id")
    assert refused(with_data(entities={"hashtags": [{"start": 1}]})) == (
        "missing_field",
        "data.entities.hashtags[0].tag",
    )
    with pytest.raises(ContractError) as caught:
        parse(json.dumps(with_data(created_at=...)).encode())
    assert "tweet.fields=" in caught.value.fix


def test_v1_error_names_field() -> None:
    assert refused(changed(V1, created_at=...)) == ("missing_field", "created_at")
    assert refused(changed(V1, created_at="2024-01-26T06:30:05Z")) == ("bad_time", "created_at")
    assert refused(changed(V1, created_at=5)) == ("wrong_type", "created_at")
    assert refused(changed(V1, user=...)) == ("missing_field", "user")
    assert refused(changed(V1, user={})) == ("missing_field", "user.id")
    assert refused(changed(V1, user={"id_str": "-4"})) == ("bad_id", "user.id_str")
    assert refused(changed(V1, user={"id": 4, "created_at": "x"})) == ("bad_time", "user.created_at")
    assert refused(changed(V1, entities={"hashtags": [{"text": 5}]})) == ("wrong_type", "entities.hashtags[0].text")


def test_shape_ignores_key_order_and_white_space() -> None:
    for payload in (V1, V2):
        turned = dict(reversed(payload.items()))
        assert tweet(turned) == tweet(payload) == parse(json.dumps(payload, indent=3).encode())


def test_fields_of_other_shapes_are_skipped() -> None:
    assert tweet(changed(V1, data=5, created_at_ms="no", kind=7, hashtags=3, country="India")) == tweet(V1)
    assert tweet({"created_at_ms": "no", **V1}) == tweet(V1)
    assert tweet(changed(V2, user=5, text=7, lang=[])) == tweet(V2)


def test_ambiguous_payload_has_one_shape_in_any_order() -> None:
    assert tweet({**V1, **V2}) == tweet({**V2, **V1}) == tweet(V1)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Thu Jan 01 00:00:00 +0000 1970", 0),
        ("Thu Jan 01 05:30:01 +0530 1970", 1000),
        ("Wed Dec 31 19:00:02 -0500 1969", 2000),
        ("Sat Feb 29 12:00:00 +0000 2020", 1_582_977_600_000),
        ("Fri Feb 29 12:00:00 +0000 2019", -1),
        ("Thu Jan 01 24:00:00 +0000 2015", -1),
        ("Thu Foo 01 00:00:00 +0000 2015", -1),
        ("Thu Jan 01 00:00:00 +0000 0000", -1),
        ("Thu Jan  1 00:00:00 +0000 2015", -1),
        ("Thu Jan ٠1 00:00:00 +0000 2015", -1),
    ],
)
def test_v1_ms_parses_times_strictly(written: str, expected: int) -> None:
    assert v1_ms(written) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.250Z", 250),
        ("1970-01-01T05:30:00+05:30", 0),
        ("2024-02-30T00:00:00Z", -1),
        ("2024-01-26T06:30:05", -1),
        ("2024-01-26", -1),
        ("2024-W01-1T00:00:00Z", -1),
    ],
)
def test_v2_ms_parses_times_strictly(written: str, expected: int) -> None:
    assert v2_ms(written) == expected


@pytest.mark.parametrize("name", ["classic", "extended", "hidden"])
def test_real_samples_are_parsed(name: str) -> None:
    if not SAMPLES.is_dir():
        pytest.skip(f"real v1.1 payloads are not at {SAMPLES.name}/ next to the repository")
    paths = [path for path in sorted(SAMPLES.glob("*.json")) if name in path.name]
    assert paths
    for path in paths:
        raw = json.loads(path.read_bytes())
        found = parse(path.read_bytes())
        assert isinstance(found, Tweet)
        assert (str(found.id), str(found.author_id)) == (raw["id_str"], raw["user"]["id_str"])
        assert found.kind == ("quote" if raw["is_quote_status"] else "tweet")
        whole = raw.get("extended_tweet", {}).get("full_text") or raw.get("full_text") or raw["text"]
        assert found.text == whole
        expected = [(tag["text"], *tag["indices"]) for tag in raw["entities"]["hashtags"]]
        assert [row[1:] for row in uses(found)] == expected
