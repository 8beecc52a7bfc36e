"""Records of the judges' topics that cannot be read: which ones stop a shard, and why."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.counting.keys import Tags
from streams.counting.retractions import Retractions
from streams.errors import ContractError
from streams.log.author_sketches import AuthorSketch, ReceivedSketch, encode_received_sketch
from streams.log.corrections import encode_corrections
from streams.log.decisions import StoppedShard, encode_record
from streams.log.frames import Framed
from streams.log.panes import decode_pane_record, encode_pane, pane_records
from streams.log.partials import decode_partial, encode_partial
from streams.log.positions import RecordPosition
from streams.log.topic_specs import DECISIONS, PANES, PARTIALS
from streams.log.unreadable import UnreadableRecord, fault_in, read_value, sha256_of
from streams.windows.corrections import Corrections
from tests.support.block_counts import BlockCount, Entry, flush
from tests.support.decisions import decision
from tests.support.panes import build
from tests.support.shells import NOW_MS, Kept

COUNTED = flush([BlockCount("a", "IN", 7, 2, [Entry(9, 8, 100, 0, "A", "text")])])
SKETCH = AuthorSketch("a", "*", 10_000, 20_000, 5, b"\x01" + b"\0" * 7)
STOPPED = StoppedShard(shard=0, topic=PARTIALS, partition=0, offset=3, reason="empty")


def pane() -> bytes:
    tags = Tags()
    entries = [Entry(9, 8, 100, 0, "A", "text 1"), Entry(10, 7, 100, 0, "A", "text 2")]
    (value,) = encode_pane(build({("a", "IN"): (2, entries)}, tags, 3), 0, tags)
    return value


@pytest.mark.parametrize("topic", [PARTIALS, PANES, DECISIONS])
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "empty"),
        (b"", "empty"),
        (b"{", "unreadable"),
        (b"f\xc1", "unreadable"),
        (b"\x93", "unreadable"),
        (b"r\xc1", "unreadable"),
        (b"s\xc1", "unreadable"),
    ],
)
def test_foreign_record_cannot_be_read(topic: str, value: bytes | None, reason: str) -> None:
    fault = fault_in(topic, 0, Kept(0, NOW_MS, None, value))
    assert fault is not None and fault.reason == reason and fault.fix


@pytest.mark.parametrize(
    ("topic", "value"),
    [
        (PARTIALS, encode_partial(COUNTED)),
        (PARTIALS, encode_partial(flush())),
        (PARTIALS, encode_partial(SKETCH)),
        (PANES, pane()),
        (PANES, b"r" + msgspec.msgpack.encode(Retractions(["a"], b"\2\0", *[b"\7" + b"\0" * 7] * 3))),
        (PANES, encode_corrections(Corrections("new", "one", ["a"], b"12345678", b"\0" * 8))),
        (PANES, encode_received_sketch(ReceivedSketch(SKETCH, 10_000))),
        (DECISIONS, encode_record(decision(1, ("abuse", "trends", "suppress", 9)))),
        (DECISIONS, encode_record(STOPPED)),
    ],
)
def test_record_of_each_kind_can_be_read(topic: str, value: bytes) -> None:
    assert fault_in(topic, 0, Kept(0, NOW_MS, None, value)) is None


@pytest.mark.parametrize("version", ["", "x", "0000.0000000000000000001.00000000001000x"])
def test_decision_with_another_form_of_version_cannot_be_read(version: str) -> None:
    value = encode_record(replace(decision(1, ("abuse", "trends", "suppress", 9)), version=version))
    fault = fault_in(DECISIONS, 0, Kept(0, NOW_MS, None, value))
    assert fault is not None and fault.reason == "unreadable"


def test_malformed_corrections_stop_no_shard() -> None:
    """The judge passes over them, since no count rests on them."""
    bad = Kept(0, NOW_MS, None, b"c\xc1")
    assert fault_in(PARTIALS, 0, bad) is None and fault_in(PANES, 0, bad) is not None


@pytest.mark.parametrize(
    "changes",
    [{"countries": b"1"}, {"panes": b""}, {"blocks": b"1" * 9}, {"counts": b"12"}, {"sizes": b"\x02\0\0\0"},
     {"author": b"1" * 16}, {"tweet": b""}, {"age_days": b"1"}, {"flags": b""}, {"displays": b"A"},
     {"texts": b"one\ntwo\n"}, {"texts": b"one\ntwo"}, {"hashtags": b""}, {"hashtags": b"a\nb\n"}],
)  # fmt: skip
def test_damaged_columns_of_counts_are_refused(changes: dict[str, object]) -> None:
    """A part of a record must never be counted."""
    bad = encode_partial(msgspec.structs.replace(COUNTED, **changes))
    with pytest.raises(msgspec.ValidationError, match="differ in length"):
        decode_partial(bad)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"displays": b"\xff\n"}, "not UTF-8"),  # a pane of it could not be read
        ({"texts": b"\xff\n"}, "not UTF-8"),
        ({"countries": b"\xff\xff"}, "country's code"),
        ({"countries": b"\xa6\x02"}, "country's code"),
        ({"countries": b"\0\0"}, "country's code"),
        ({"blocks": b"\xff" * 8}, "do not ascend"),
    ],
)
def test_values_that_no_reader_can_count_are_refused(changes: dict[str, object], why: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=why):
        decode_partial(encode_partial(msgspec.structs.replace(COUNTED, **changes)))


@pytest.mark.parametrize("hashtags", [b"evil", b"evil\n", b"\n"])
def test_names_without_counts_are_refused(hashtags: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        decode_partial(encode_partial(replace(flush(), hashtags=hashtags)))


def test_descending_blocks_are_refused() -> None:
    of_blocks = flush([BlockCount("a", "IN", 7, 2, [], block) for block in (3, 5)])
    swapped = replace(of_blocks, blocks=of_blocks.blocks[8:] + of_blocks.blocks[:8])
    assert decode_partial(encode_partial(of_blocks)) == of_blocks
    with pytest.raises(msgspec.ValidationError, match="do not ascend"):
        decode_partial(encode_partial(swapped))


@given(
    st.lists(
        st.builds(BlockCount, st.sampled_from(["a", "ab", "b", "#é"]), st.sampled_from(["", "IN", "US"]),
                  st.integers(0, 3), st.just(1), st.just([]), st.integers(0, 3)),
        min_size=1, max_size=8,
    )
)  # fmt: skip
def test_repeated_counts_are_refused(counts: list[BlockCount]) -> None:
    """The pass compares each count with those of earlier records only."""
    record, distinct = flush(counts), len({(one.hashtag, one.country, one.pane, one.block) for one in counts})
    if distinct == len(counts):
        assert decode_partial(encode_partial(record)) == record
    else:
        with pytest.raises(msgspec.ValidationError, match="two are of the same"):
            decode_partial(encode_partial(record))


def test_country_of_no_code_in_a_pane_is_refused() -> None:
    """Its key would be of another hashtag."""
    for country in (b"\xff\xff", b"\0\0"):
        bad = msgspec.msgpack.encode(replace(decode_pane_record(pane()), countries=country))
        with pytest.raises(msgspec.ValidationError):
            decode_pane_record(bad)


@pytest.mark.parametrize("hashtags", [b"\n", b"\na", b"a\nb", b"\xff\n", b"\xed\xa0\x80\n"])
def test_damaged_names_of_hashtags_are_refused(hashtags: bytes) -> None:
    bad = encode_partial(msgspec.structs.replace(COUNTED, hashtags=hashtags))
    with pytest.raises(msgspec.ValidationError, match="not lines of UTF-8"):
        decode_partial(bad)


@pytest.mark.parametrize(
    "changes",
    [{"spans": b""}, {"countries": b"1"}, {"counts": Framed(0, 1, b"")}, {"counts": Framed(0, 9, b"123456789")},
     {"counts": Framed(2**63, 0, b"")}, {"sizes": Framed(0, 0, b"")}, {"sizes": Framed(-1, 0, b"")}, {"author": b"1"},
     {"tweet": Framed(0, 1, b"123")}, {"scores": b"1"}, {"copy": b""}, {"columns": -1}, {"columns": 2},
     {"hashtags": b"a"}, {"displays": b"\n\n"}, {"differing": b"\1\0\0\0"},
     {"differing": b"\1\0\0\0", "other_displays": b"B\n"}],
)  # fmt: skip
def test_damaged_columns_of_a_pane_are_refused(changes: dict[str, object]) -> None:
    bad = msgspec.msgpack.encode(msgspec.structs.replace(decode_pane_record(pane()), **changes))
    with pytest.raises(msgspec.ValidationError, match=r"differ in (length|number)"):
        decode_pane_record(bad)
    assert len(list(pane_records([bad, None, b"", b"\x93", pane()]))) == 1, "a view leaves them out"


def test_unreadable_record_names_its_position_and_the_command() -> None:
    with pytest.raises(ContractError) as caught:
        read_value(decode_partial, b"?")
    record = UnreadableRecord(RecordPosition(PARTIALS, 3, 12), b"?", caught.value)
    assert str(record).startswith("hashtag-partials[3] at 12 cannot be read: unreadable: ")
    assert record.fix == "hushtag skip hashtag-partials 3 12 --reason TEXT"
    assert record.sha256 == sha256_of(b"?") != sha256_of(None) == sha256_of(b"")
