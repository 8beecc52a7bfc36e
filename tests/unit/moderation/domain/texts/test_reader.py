"""The reader of texts: audited first, compared by id, kept, and silent about deleted tweets."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.domain.texts.readings import TextReading, decode_reading, encode_reading
from moderation.domain.texts.shown_text import NO_POSITION, ShownText
from moderation.log.cipher import TextCipher, TextContent
from moderation.log.kept_texts import KeptTextFold
from streams.constants import HOUR_MS
from streams.errors import ContractError, DependencyAway
from streams.log.decisions import SampledAt
from streams.log.moderation import OtherRecord, decode_moderation
from streams.log.shown_texts import text_key, tweet_of
from tests.support.in_memory_log import InMemoryLog
from tests.support.in_memory_texts import InMemoryTexts, native_tweet
from tests.support.moderation_world import World

AT = {"17": SampledAt(2, 5, "en"), "18": SampledAt(0, 9, "hi")}


_CIPHER, _CONTENT = TextCipher("k" * 32), TextContent(text="first", lang="en")
_SEALED = _CIPHER.encrypt("17", _CONTENT)
_KEYS = st.one_of(
    st.none(), st.binary(max_size=22), st.from_regex(rb"[0-9]{18,21}", fullmatch=True), st.sampled_from([b"17", b"017"])
)
_VALUES = st.one_of(st.none(), st.binary(max_size=40), st.just(_SEALED), st.just(_SEALED[:-1] + b"x"))


def two_texts() -> World:
    return World(tweets=InMemoryTexts({(2, 5): native_tweet(17, "first"), (0, 9): native_tweet(18, "second")}))


def read(world: World, *ids: str, at: dict[str, SampledAt] = AT) -> list[ShownText]:
    """Read texts in a process that has read nothing before."""
    places = [at.get(one, NO_POSITION) for one in ids]
    reading = world.another().texts.read("tag", ids, places, actor="ann", purpose="appeal", case="case-1")
    return asyncio.run(reading)


def readings(world: World) -> list[TextReading]:
    records = [decode_moderation(one.value, one.key) for one in world.log.records]
    found = [decode_reading(one) for one in records if isinstance(one, OtherRecord)]
    return [one for one in found if one is not None]


def states(found: list[ShownText]) -> list[tuple[str, str, str]]:
    return [(one.id, one.state, one.text) for one in found]


def test_texts_are_read_by_position_in_order():
    assert states(read(two_texts(), "18", "17")) == [("18", "shown", "second"), ("17", "shown", "first")]


def test_another_tweet_at_the_position_shows_nothing():
    world = two_texts()
    swapped = {"17": AT["18"], "18": AT["17"]}
    assert states(read(world, "17", "18", at=swapped)) == [("17", "other", ""), ("18", "other", "")]
    assert not world.tweets.fold.kept, "what is not shown is not kept"


def test_deleted_tweet_shows_no_text():
    world = two_texts()
    world.tweets.write("17", None)
    assert states(read(world, "17", "18")) == [("17", "deleted", ""), ("18", "shown", "second")]
    assert set(world.tweets.fold.kept) == {"18"}


def test_kept_text_is_shown_once_source_lost_it():
    world = two_texts()
    read(world, "17")
    world.tweets.records.clear()
    ((one,),) = [read(world, "17")]
    assert (one.state, one.text, one.kept) == ("shown", "first", True)
    world.tweets.write("17", None)
    assert states(read(world, "17", "18")) == [("17", "deleted", ""), ("18", "gone", "")]


def test_unknown_position_shows_nothing():
    assert states(read(two_texts(), "19")) == [("19", "unknown", "")]


def test_each_reading_is_recorded_once_without_texts():
    world = two_texts()
    read(world, "17", "18")
    (one,) = readings(world)
    assert (one.actor, one.hashtag, one.tweets, one.reason, one.case) == (
        "ann",
        "tag",
        ("17", "18"),
        "appeal",
        "case-1",
    )
    assert b"first" not in world.log.records[0].value
    assert states(read(world, "17")) == [("17", "shown", "first")]
    assert len(readings(world)) == 1, "a text opened again within the shift is not recorded again"


def test_no_text_is_read_without_its_record(monkeypatch: pytest.MonkeyPatch):
    world = two_texts()

    async def away(positions: object) -> dict[object, object]:
        raise AssertionError("the source was read")

    def refuse(log: InMemoryLog, records: object) -> list[int]:
        raise DependencyAway("no broker")

    monkeypatch.setattr(world.tweets, "read", away)
    monkeypatch.setattr(InMemoryLog, "send", refuse)
    with pytest.raises(DependencyAway):
        read(world, "17")


def test_nothing_to_read_leaves_no_record():
    world = two_texts()
    assert read(world) == [] and not world.log.records


def test_deletion_is_final_in_the_fold():
    fold = KeptTextFold()
    for offset, value in enumerate([b"a", None, b"b"]):
        fold.apply(offset, text_key(17), value, 100)
    fold.apply(3, b"other", b"c", 100)
    assert (fold.kept, fold.is_deleted("17"), fold.is_deleted("18"), fold.next_offset) == ({}, True, False, 4)


def test_fold_forgets_texts_after_the_appeal_period():
    fold = KeptTextFold()
    fold.apply(0, text_key(17), b"a", 100)
    fold.apply(1, text_key(18), b"b", 200)
    fold.expire(150, 0)
    assert set(fold.kept) == {"18"}


def test_fold_forgets_deletions_by_the_hour():
    fold = KeptTextFold()
    for tweet, hour in (17, 0), (18, 1):
        fold.apply(hour, text_key(tweet), None, hour * HOUR_MS)
    fold.expire(0, HOUR_MS - 1)
    assert fold.is_deleted("17")
    fold.expire(0, HOUR_MS)
    assert (fold.is_deleted("17"), fold.is_deleted("18")) == (False, True)


def test_reading_under_another_key_is_refused():
    value, _ = encode_reading(TextReading(id="a", hashtag="tag", tweets=("1",), actor="ann", reason="r", at_ms=1))
    with pytest.raises(ContractError, match="bad_key"):
        decode_reading(OtherRecord("text_reading", b"texts:other|review|a|*", value))
    assert decode_reading(OtherRecord("order_note", b"", value)) is None


def test_key_of_another_record_names_no_tweet():
    keys = (None, b"", b"x", b"1" * 21, b"%d" % 2**63, b"017", b"\xd9\xa3", b"17", b"%d" % (2**63 - 1), b"0")
    assert [tweet_of(key) for key in keys] == [*[None] * 7, "17", str(2**63 - 1), "0"]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(_KEYS, _VALUES, st.sampled_from([-(2**63), -1, 0, 5, 2**63 - 1])), max_size=8))
def test_absurd_record_of_kept_texts_ends_no_reader(
    records: list[tuple[bytes | None, bytes | None, int]],
) -> None:
    """A value that is no text of its tweet replaces none, and only the tweet's key deletes it."""
    fold = KeptTextFold(accepts=_CIPHER.accepts)
    for offset, (key, value, log_ms) in enumerate([*records, (b"17", _SEALED, 5), *records]):
        fold.apply(offset, key, value, log_ms)
    is_deleted = (b"17", None) in [record[:2] for record in records]
    assert fold.is_deleted("17") is is_deleted and fold.next_offset == 2 * len(records) + 1
    assert set(fold.kept) == (set() if is_deleted else {"17"})
    assert all(_CIPHER.decrypt(tweet, value) == _CONTENT for tweet, (_, value) in fold.kept.items())
    fold.expire(0, 0)


def test_refused_value_is_counted() -> None:
    fold = KeptTextFold(accepts=_CIPHER.accepts)
    for offset, value in enumerate([_SEALED, b"", b"\x01" + b"x" * 60, _SEALED]):
        fold.apply(offset, b"17", value, 100)
    assert fold.refused == 2 and fold.kept["17"] == (100, _SEALED)
