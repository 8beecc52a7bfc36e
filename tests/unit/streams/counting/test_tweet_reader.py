# ruff: noqa: I001  # constants in rows, not one a line
"""Both readers of native payloads: for any bytes, the columns are what the parser reads."""

from __future__ import annotations

import json
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.counting.keys import COUNTRY_BITS, country_code
from streams.counting.origins import language_code
from streams.counting.records import RecordColumns, SourceRow
from streams.counting.spellings import SpellingTable
from streams.counting.tweet_reader import _line, read_tweets
from streams.errors import ContractError
from streams.events.grammar import canonical
from streams.events.parse import parse
from streams.events.tweet import Tweet
from streams.events.tweet_columns import (
    AUTHOR, CREATED, END_HOST, END_TAG, FAST, FIRST_TAG, IN_COUNTRY, IN_LANGUAGE, NO_TWEET, PARSED, RETWEET, SPELLING,
    STATUS, TEXT_BEGIN, TEXT_END, TWEET, YOUNG_SINCE,
)  # fmt: skip
from tests.support.native_payloads import SPELLINGS, bytes_of, encoded
from tests.support.payloads import V1
from tests.support.v1_payloads import v1_of

NOW_MS = 1_767_960_000_000
ORDINARY = {
    "id": "5", "author_id": "6", "created_at_ms": NOW_MS, "text": "rain #Monsoon", "lang": "en", "country": "IN",
    "author_created_at_ms": NOW_MS - 1, "hashtags": ["Monsoon"],
}  # fmt: skip
PLAIN_V1 = {**V1, "text": "songs #FarmersProtest"}
"""With an ampersand the parser would read it."""


def in_columns(values: list[bytes | None], spellings: SpellingTable) -> tuple[list[Any], list[int]]:
    """Return what the columns say of each payload, and the status of each row."""
    records = RecordColumns.of([SourceRow(at, NOW_MS, None, value) for at, value in enumerate(values)])
    read = read_tweets(records, spellings)
    others = dict(read.others)
    found: list[Any] = []
    for number, row in enumerate(read.fields.tolist()):
        if row[STATUS] == NO_TWEET:
            event = others.pop(number)
            found.append((event.reason, event.field, event.value) if isinstance(event, ContractError) else event)
            continue
        source = read.parsed if row[STATUS] == PARSED else records.data
        text = source[row[TEXT_BEGIN] : row[TEXT_END]]
        for begin, end, *_ in read.spans[row[END_TAG] : row[END_HOST]].tolist():
            text += b"\x1f" + records.data[begin:end]
        tags: dict[bytes, bytes] = {}
        for spelling in read.spans[row[FIRST_TAG] : row[END_TAG], SPELLING].tolist():
            form = int(spellings.forms[spelling])
            if form >= 0:
                tags.setdefault(text_of(spellings, form), text_of(spellings, spelling))
        kept = (TWEET, AUTHOR, CREATED, YOUNG_SINCE, IN_LANGUAGE, IN_COUNTRY, RETWEET)
        found.append(([row[column] for column in kept], text, tags))
    assert not others
    return found, read.fields[:, STATUS].tolist()


def text_of(spellings: SpellingTable, number: int) -> bytes:
    return spellings.names.lines_of(np.array([number << COUNTRY_BITS]))[:-1]


def by_parser(value: bytes | None) -> Any:
    try:
        event = parse(value)
    except ContractError as error:
        return error.reason, error.field, error.value
    if not isinstance(event, Tweet):
        return event
    born_ms = -1 if event.author_created_at_ms is None else event.author_created_at_ms
    codes = language_code(event.lang), country_code(event.country)
    numbers = [event.id, event.author_id, event.created_at_ms, born_ms, *codes, event.kind == "retweet"]
    return numbers, _line(event), {use.hashtag.encode(): use.display.encode() for use in event.hashtags}


@given(st.integers(0, 2**64), st.integers(1, 40))
@settings(max_examples=120, deadline=None)
def test_columns_equal_the_parser_for_any_payloads(seed: int, n: int) -> None:
    rng = random.Random(seed)
    spellings = SpellingTable()
    for _ in range(2):  # the second batch meets known spellings
        values = [bytes_of(rng, at, NOW_MS) for at in range(n)]
        found, _ = in_columns(values, spellings)
        for value, one in zip(values, found, strict=True):
            assert one == by_parser(value), value


@given(st.integers(0, 2**64), st.integers(1, 40))
@settings(max_examples=80, deadline=None)
def test_columns_equal_the_parser_for_any_v1_payloads(seed: int, n: int) -> None:
    rng = random.Random(seed)
    spellings = SpellingTable()
    for _ in range(2):
        values = [encoded(rng, v1_of(rng, at)) for at in range(n)]
        found, _ = in_columns(values, spellings)
        for value, one in zip(values, found, strict=True):
            assert one == by_parser(value), value


@given(st.binary(max_size=80), st.integers(0, 200))
@settings(max_examples=200, deadline=None)
def test_columns_equal_the_parser_for_any_inserted_bytes(inserted: bytes, at: int) -> None:
    value = json.dumps(ORDINARY, separators=(",", ":")).encode()
    value = value[:at] + inserted + value[at:]
    assert in_columns([value], SpellingTable())[0] == [by_parser(value)]


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"id": 5, "created_at_ms": str(NOW_MS)},
        {"hashtags": None, "text": "the #Monsoon, and #rain"},
        {"hashtags": None, "text": "no tag"},
        {"hashtags": ["Monsoon", "#monsoon", "किसान"], "text": "मानसून"},
        {"urls": ["https://example.com/a?b", "http://t.example"]},
        {"retweet_of": {"text": "an original #one", "lang": "hi", "id": "9"}, "text": "RT"},
        {"quote_of": {"text": "quoted"}, "kind": "quote", "source": "web", "sensitive": False, "replies": 5},
        {"lang": None, "country": None, "author_created_at_ms": None},
        {"text": "é" * 400},
    ],
)
def test_ordinary_payloads_take_the_compiled_way(changed: dict[str, Any]) -> None:
    value = json.dumps({**ORDINARY, **changed}, ensure_ascii=False).encode()
    found, statuses = in_columns([value], SpellingTable())
    assert statuses == [FAST]
    assert found == [by_parser(value)]


@pytest.mark.parametrize("ordinary", [ORDINARY, PLAIN_V1, {**PLAIN_V1, "retweeted_status": PLAIN_V1}])
def test_escaped_language_is_read_by_the_parser(ordinary: dict[str, Any]) -> None:
    plain = json.dumps(ordinary)
    values = [plain.encode(), plain.replace('"lang": "en"', '"lang": "\\u0068i"').encode()]
    found, statuses = in_columns(values, SpellingTable())
    assert statuses == [FAST, PARSED]
    assert found == [by_parser(value) for value in values] and language_code("hi") in found[1][0]


@pytest.mark.parametrize(
    "payload",
    [
        {**ORDINARY, "retweet_of": {"lang": "en"}},
        {**PLAIN_V1, "extended_tweet": {}},
        {**PLAIN_V1, "entities": {"hashtags": [{"text": "a"}, {"indices": [1, 2]}]}},
        {**PLAIN_V1, "retweeted_status": {"text": "b", "entities": {"hashtags": [{}]}}},
    ],
)
def test_payload_without_a_required_member_is_refused(payload: dict[str, Any]) -> None:
    value = json.dumps(payload).encode()
    found, statuses = in_columns([value], SpellingTable())
    assert statuses == [NO_TWEET]
    assert found == [by_parser(value)] and found[0][0] == "missing_field"


@pytest.mark.parametrize(
    "odd",
    [
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xc0\x80",
        b"\xe0\x80\x80",
        b"\x80",
        b"\\ud800",
        b"\\q",
        b"\\u12g4",
        b"\n",
    ],
)
@pytest.mark.parametrize("member", [b'"text": "', b'"note": "'])
def test_broken_string_is_refused(odd: bytes, member: bytes) -> None:
    value = json.dumps({**ORDINARY, "note": "skipped"}).encode().replace(member, member + odd)
    found, statuses = in_columns([value], SpellingTable())
    assert statuses == [NO_TWEET]
    assert found == [by_parser(value)]


@pytest.mark.parametrize("n", [0, 1, 100, 101])
def test_many_hashtags_are_cut_as_the_parser_cuts_them(n: int) -> None:
    value = json.dumps({**ORDINARY, "hashtags": [f"tag{at}" for at in range(n)]}).encode()
    assert in_columns([value], SpellingTable())[0] == [by_parser(value)]


def test_spans_without_room_leave_rows_to_the_parser() -> None:
    values = [json.dumps({**ORDINARY, "hashtags": [f"t{row}x{at}" for at in range(90)]}).encode() for row in range(40)]
    found, statuses = in_columns(values, SpellingTable())
    assert {FAST, PARSED} == set(statuses)
    assert found == [by_parser(value) for value in values]


@given(
    st.lists(
        st.sampled_from([*SPELLINGS, "aa", "Aa", "É", "c d", "ǆ", "\u212a_"])
        | st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=9),
        max_size=40,
    )
)
@settings(max_examples=150, deadline=None)
def test_normal_forms_are_canonical(displays: list[str]) -> None:
    spellings = SpellingTable()
    for names in (displays, displays[::-1]):  # the second time all are known
        numbers = spellings.number("".join([f"{name}\n" for name in names]).encode(), len(names))
        for name, number in zip(names, numbers.tolist(), strict=True):
            form = int(spellings.forms[number])
            assert text_of(spellings, number).decode() == name
            assert ("" if form < 0 else text_of(spellings, form).decode()) == canonical(name)
