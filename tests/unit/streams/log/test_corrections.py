"""Records of corrections: there and back, cut to size, and refused where they are none."""

from __future__ import annotations

from unittest.mock import patch

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.share import Scale
from streams.counting.keys import COUNTRY_BITS, Tags
from streams.errors import ContractError
from streams.log.corrections import are_corrections, decode_corrections, encode_corrections, encode_rows
from streams.log.lines import LogRecord
from streams.log.panes import pane_records
from streams.log.partials import corrections_in, decode_partial, encode_partial
from streams.log.shard_log import read_shard_log
from streams.log.skips import SkipIndex
from streams.windows.corrections import CorrectionRows, Corrections, correction_rows_of
from tests.support.block_counts import flush

SCALE = Scale(np.full((3, 2, 4), 0.5), np.zeros((3, 2, 3))).to_bytes()
GOOD = Corrections("new", "one", ["a", "b"], np.array([1, 2], "<i8").tobytes(), np.zeros((2, 3), "<f4").tobytes())
NAMES = ["a", "b", "हिन्दी", "é"]
ROW = st.tuples(st.sampled_from(NAMES), st.integers(1, 2**62), st.integers(0, 9), st.sampled_from([0, 1]))


def test_record_round_trip() -> None:
    value = encode_partial(GOOD)
    assert value == encode_corrections(GOOD) and are_corrections(value)
    assert decode_partial(value) == GOOD == decode_corrections(value)
    assert list(pane_records([value])) == [], "it is no pane"


@given(st.lists(ROW, max_size=20), st.sampled_from([40, 200, 1 << 20]))
def test_applied_rows_round_trip_for_any_owner(rows: list[tuple[str, int, int, int]], most: int) -> None:
    def written(names: list[str], order: list[int]) -> list[bytes]:
        tags = Tags()
        tags.of(names)
        chosen = [rows[at] for at in order]
        of = CorrectionRows(
            tags.of([name for name, *_ in chosen]), *(np.array([row[at] for row in chosen], np.int64) for at in (1, 2)),
            np.array([row[3] for row in chosen], np.int64),
            np.array([[row[1] % 7 / 7, -0.5] for row in chosen], np.float32).reshape(-1, 2),
        )  # fmt: skip
        with patch("streams.log.corrections.MAX_BYTES", most):
            return list(encode_rows(of, tags, [("old", "one", b""), ("new", "one", SCALE)]))

    unique = list({(name, tweet): at for at, (name, tweet, *_) in enumerate(rows)}.values())
    one, other = written(NAMES, unique), written(NAMES[::-1], unique[::-1])
    assert one == other
    tags, back = Tags(), set()
    for record in map(decode_corrections, one):
        assert record.model_revision == "one" and record.scale == (SCALE if record.revision == "new" else b"")
        found = correction_rows_of(record, tags, 0)
        for at in range(len(found)):
            name = tags.name(int(found.tags[at]) << COUNTRY_BITS)
            back.add((name, int(found.tweets[at]), int(found.received[at]), ["old", "new"].index(record.revision)))
            np.testing.assert_allclose(found.differences[at], [found.tweets[at] % 7 / 7, -0.5], rtol=1e-6)
    assert back == {rows[at] for at in unique}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("hashtags", []),
        ("hashtags", ["a", ""]),
        ("tweets", b"1234567"),
        ("received", b"1"),
        ("differences", b""),
        ("differences", b"12345"),
        ("differences", np.array([0, 0, 0, 0, 0, 1.5], "<f4").tobytes()),
        ("differences", np.array([0, 0, 0, 0, 0, np.nan], "<f4").tobytes()),
        ("differences", np.array([0, 0, 0, 0, 0, -np.inf], "<f4").tobytes()),
        ("scale", b"1234567"),
        ("scale", Scale(np.zeros((1, 2, 4)), np.zeros((1, 2, 3))).to_bytes()),
        ("scale", np.full(21, np.nan).tobytes()),
    ],
)
def test_mismatched_column_is_refused_by_field(field: str, value: object) -> None:
    bad = encode_corrections(msgspec.structs.replace(GOOD, **{field: value}))
    with pytest.raises(ContractError) as caught:
        decode_partial(bad)
    assert (caught.value.reason, caught.value.field) == ("bad_correction", field)
    assert caught.value.fix


@pytest.mark.parametrize("value", [b"c", b"c\xc1", b"c" + msgspec.msgpack.encode([1, 2]), b"c\xff" * 99])
def test_malformed_record_is_refused(value: bytes) -> None:
    with pytest.raises(ContractError):
        decode_partial(value)


def test_corrections_count_from_the_pane_after_the_watermark() -> None:
    log = [
        GOOD, flush(watermark_ms=25_000), GOOD, flush(watermark_ms=9_000, source=1, sources=2), GOOD,
        flush(watermark_ms=30_000), GOOD,
    ]  # fmt: skip
    values = [encode_partial(one) for one in log]
    values.insert(2, b"c\xc1")
    records = [LogRecord(0, offset, 0, None, value) for offset, value in enumerate(values)]
    assert list(corrections_in(read_shard_log(records, 0, SkipIndex()))) == [(0, GOOD), (2, GOOD), (2, GOOD), (3, GOOD)]
