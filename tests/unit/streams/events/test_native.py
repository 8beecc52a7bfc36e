"""Native payloads, control messages, and errors for bad records."""

from __future__ import annotations

import json
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.errors import ContractError
from streams.events.fields import END_MS, MAX_ID
from streams.events.parse import parse
from streams.events.tweet import Control, HashtagUse, Tweet
from streams.events.uses import located
from tests.support.paths import ROOT
from tests.support.payloads import BAD, DELETION, NATIVE, NOTICES, changed, encoded

SCHEMA = json.loads((ROOT / "config" / "native-tweet.schema.json").read_text(encoding="utf-8"))
DOCS = ROOT / "docs" / "native-payload.md"


def tweet(**fields: Any) -> Tweet:
    found = parse(encoded(changed(NATIVE, **fields)))
    assert isinstance(found, Tweet)
    return found


def test_native_tweet_is_parsed() -> None:
    farmers = HashtagUse("farmersprotest", "FarmersProtest", 21, 36)
    kisan = HashtagUse("किसान", "किसान", 37, 43)
    assert tweet() == Tweet(
        "tweet",
        1790000000000000001,
        42,
        1_700_000_000_123,
        "IN",
        NATIVE["text"],
        "en",
        (farmers, kisan),
        1_300_000_000_000,
    )
    only = {"id": 7, "author_id": 8, "created_at_ms": 0, "text": ""}
    assert parse(encoded(only)) == Tweet("tweet", 7, 8, 0, "", "", "", (), None)
    absent = dict.fromkeys(("lang", "country", "author_created_at_ms", "hashtags", "retweet_of", "quote_of", "kind"))
    assert parse(encoded({**only, **absent})) == parse(encoded(only))


def test_listed_hashtags_override_text() -> None:
    listed = ["#किसान", "KISAN", "किसान", "", "#", "two words", "a#b", "\u200d", "x" * 281, "kisan"]
    found = tweet(hashtags=listed).hashtags
    assert [(use.display, use.start, use.end) for use in found] == [("किसान", -1, -1), ("KISAN", -1, -1)]
    assert [(use.display, use.start, use.end) for use in located(found, NATIVE["text"])] == [
        ("किसान", 37, 43),
        ("KISAN", -1, -1),
    ]
    assert tweet(hashtags=[]).hashtags == ()


def test_listed_hashtag_is_located_after_longer_one() -> None:
    text = "#farmers ＃किसानों #किसान #farm"
    found = located(tweet(text=text, hashtags=["farm", "किसान", "किसानों"]).hashtags, text)
    assert [(use.start, use.end) for use in found] == [(25, 30), (18, 24), (9, 17)]


def test_retweet_and_quote_kinds() -> None:
    other = changed(NATIVE, id="5", author_id="6", text="#Original", lang="hi", country="US")
    retweet = tweet(retweet_of=other, quote_of=other, text="")
    assert (retweet.kind, retweet.id, retweet.author_id, retweet.country) == ("retweet", 1790000000000000001, 42, "IN")
    assert (retweet.text, retweet.lang, [use.hashtag for use in retweet.hashtags]) == ("#Original", "hi", ["original"])
    assert [use.hashtag for use in tweet(retweet_of={"text": "", "hashtags": ["X"]}).hashtags] == ["x"]
    quote = tweet(quote_of=other, text="no #own")
    assert (quote.kind, [use.hashtag for use in quote.hashtags]) == ("quote", ["own"])


def test_unknown_fields_are_skipped() -> None:
    unknown = {"user": 5, "data": "x", "entities": [], "delete": {}, "created_at": 7, "id_str": {}, "full_text": 1}
    assert tweet(**unknown) == tweet()
    assert parse(encoded({**unknown, **NATIVE, "limit": 0})) == tweet()
    assert tweet(kind="reply") == tweet()
    assert parse(encoded({"padding": "x" * 2000, **NATIVE})) == tweet()


def test_numbers_are_accepted_as_strings() -> None:
    assert tweet(id=1790000000000000001, author_id=42, created_at_ms="1700000000123") == tweet()


def test_native_deletion_is_parsed() -> None:
    hashtags = (HashtagUse("farmersprotest", "FarmersProtest", -1, -1), HashtagUse("किसान", "किसान", -1, -1))
    expected = Control("delete", 1790000000000000001, 42, "IN", 1_700_000_000_123, hashtags, exact=True)
    assert parse(encoded(DELETION)) == expected
    assert parse(encoded({**DELETION, "text": "whatever"})) == expected
    assert parse(encoded({"kind": "delete", "id": 9})) == Control("delete", 9, None, "", None, ())


@pytest.mark.parametrize(
    ("more", "exact"),
    [
        ({"hashtags": ["a"], "created_at_ms": 5}, True),
        ({"hashtags": [], "created_at_ms": 5}, True),
        ({"hashtags": ["a"]}, False),
        ({"created_at_ms": 5, "country": "IN"}, False),
        ({"hashtags": None, "created_at_ms": 5}, False),
    ],
)
def test_deletion_with_time_and_hashtags_is_exact(more: dict[str, Any], exact: bool) -> None:
    found = parse(encoded({"kind": "delete", "id": "9", **more}))
    assert isinstance(found, Control)
    assert found.exact is exact


@pytest.mark.parametrize(
    ("codes", "countries", "country"),
    [
        (["DE"], ("DE",), "DE"),
        (["in", "AR", "IN"], ("AR", "IN"), ""),
        (["XX"], ("*",), ""),
        (["XY", "BR"], ("*",), "BR"),
        ([], (), ""),
        (None, (), ""),
    ],
)
@pytest.mark.parametrize("what", ["status_withheld", "user_withheld", "withheld"])
def test_withholding_lists_countries(
    what: str, codes: list[str] | None, countries: tuple[str, ...], country: str
) -> None:
    found = parse(encoded({what: {"id": 12, "withheld_in_countries": codes}}))
    assert isinstance(found, Control)
    assert (found.countries, found.country) == (countries, country)


@pytest.mark.parametrize(
    ("notice", "expected"),
    list(
        zip(
            NOTICES,
            [
                ("delete", 12, 3, ""),
                ("limit", None, None, ""),
                ("withheld", 12, 3, "DE"),
                ("withheld", None, 3, ""),
                ("unknown_control", None, None, ""),
                ("unknown_control", None, None, ""),
                ("unknown_control", None, None, ""),
                ("delete", 12, 3, ""),
                ("delete", 12, 3, ""),
                ("withheld", 12, 3, "BR"),
                ("withheld", None, 3, ""),
                ("unknown_control", None, None, ""),
                ("unknown_control", None, None, ""),
                ("unknown_control", None, None, ""),
            ],
            strict=True,
        )
    ),
    ids=[json.dumps(notice)[:40] for notice in NOTICES],
)
def test_control_messages_have_kinds(notice: dict[str, Any], expected: tuple[str, int | None, int | None, str]) -> None:
    found = parse(encoded(notice))
    assert isinstance(found, Control)
    assert (found.kind, found.id, found.author_id, found.country) == expected
    assert (found.created_at_ms, found.hashtags) == (None, ())


@pytest.mark.parametrize(
    ("value", "reason", "field"), BAD, ids=[f"{reason} {field} {i}" for i, (_, reason, field) in enumerate(BAD)]
)
def test_bad_record_names_reason_field_and_fix(value: bytes | None, reason: str, field: str) -> None:
    with pytest.raises(ContractError) as caught:
        parse(value)
    assert (caught.value.reason, caught.value.field) == (reason, field)
    assert caught.value.fix
    str(caught.value).encode()


def test_escaped_surrogate_pairs_are_accepted() -> None:
    assert tweet(text="\U0001f69c").text == "\U0001f69c"
    assert tweet(text="\\ud800").text == "\\ud800"


def test_parse_accepts_times_from_1970_to_9999() -> None:
    for time_ms in (0, 4_102_444_800_000, END_MS - 1):
        assert tweet(created_at_ms=time_ms).created_at_ms == time_ms


def test_every_reason_is_documented() -> None:
    documented = DOCS.read_text(encoding="utf-8")
    for reason in {reason for _, reason, _ in BAD} | {"too_large", "too_deep"}:
        assert f"| `{reason}` |" in documented


def test_examples_in_the_documentation_are_read() -> None:
    blocks = DOCS.read_text(encoding="utf-8").split("```json\n")[1:]
    kinds = [parse(block.split("```")[0].encode()).kind for block in blocks]
    assert kinds == ["tweet", "retweet", "delete"]


validator = jsonschema.Draft202012Validator(SCHEMA)


def accepted(payload: Any) -> bool:
    """Return whether `parse` accepts the payload as a tweet or a deletion."""
    try:
        return parse(encoded(payload)).kind != "unknown_control"
    except ContractError:
        return False


def test_schema_accepts_valid_payloads() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for payload in (NATIVE, DELETION, changed(NATIVE, retweet_of=NATIVE), changed(NATIVE, quote_of=NATIVE)):
        validator.validate(payload)
        assert accepted(payload)


@pytest.mark.parametrize(
    "number", [0, 9, 10**17, 10**18, 8 * 10**18, MAX_ID - 1, MAX_ID, MAX_ID + 1, MAX_ID + 10, 10**19 - 1, 10**19, -1]
)
def test_schema_limits_ids(number: int) -> None:
    for payload in (changed(NATIVE, id=number), changed(NATIVE, id=str(number))):
        assert validator.is_valid(payload) == accepted(payload) == (0 <= number <= MAX_ID)


@given(st.integers(0, 10**19 - 1))
@settings(deadline=None)
def test_schema_id_pattern_equals_numeric_range(number: int) -> None:
    assert validator.is_valid(changed(NATIVE, id=str(number))) == (number <= MAX_ID)


values = (
    st.none()
    | st.booleans()
    | st.integers(-10, END_MS + 10)
    | st.sampled_from(
        [1.5, "", "7", "-7", "abc", "IN", "in", "IND", "I1", [], ["a"], [1], {}, {"text": "#a"}, {"text": 5}]
    )
)
payloads = st.builds(
    lambda base, fields: {**base, **fields},
    st.sampled_from([NATIVE, DELETION, {}]),
    st.dictionaries(st.sampled_from([*NATIVE, "hashtags", "retweet_of", "quote_of", "other"]), values, max_size=3),
)


@settings(deadline=None)
@given(payloads, st.sampled_from([*NATIVE, "kind", "other"]))
def test_schema_agrees_with_parse(payload: dict[str, Any], left_out: str) -> None:
    payload = {name: value for name, value in payload.items() if name != left_out}
    text_times = any(isinstance(payload.get(name), str) for name in ("created_at_ms", "author_created_at_ms"))
    if validator.is_valid(payload):
        assert accepted(payload)
    elif not text_times:  # parse is lenient to numbers in strings, the schema is not
        assert not accepted(payload)
