"""Files of a backup: every byte of a record comes back, and every damage is noticed."""

from __future__ import annotations

import gzip
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.backup.manifest import Segment
from streams.backup.segments import BackedUpRecord, SegmentWriter, check_file, read_segment
from streams.errors import CallerMistake
from streams.log.lines import read_lines

DATA = st.none() | st.binary(max_size=20) | st.text(max_size=10).map(str.encode)


def record(offset: int, key: bytes | None = b"k", value: bytes | None = b"v") -> SimpleNamespace:
    return SimpleNamespace(partition=0, offset=offset, timestamp=1_000 + offset, key=key, value=value)


def written(folder: Path, *records: SimpleNamespace, end: int = 100) -> Segment:
    writer = SegmentWriter(folder, "moderation", 0)
    for one in records:
        writer.write(one)
    return writer.finish(end)


@given(st.lists(st.tuples(DATA, DATA), min_size=1, max_size=8))
def test_records_come_back_byte_for_byte(tmp_path_factory, pairs):
    folder = tmp_path_factory.mktemp("backup")
    records = [record(3 * at, key, value) for at, (key, value) in enumerate(pairs)]
    segment = written(folder, *records)
    check_file(folder, segment.file, segment.sha256)
    back = [BackedUpRecord(one.offset, one.timestamp, one.key, one.value) for one in records]
    assert list(read_segment(folder, segment)) == back


def test_lines_are_those_of_dump(tmp_path):
    segment = written(tmp_path, record(4, b"k", b'{"a":1}'))
    with gzip.open(tmp_path / segment.file) as lines:
        [one] = read_lines(lines)
    assert (one.partition, one.offset, one.timestamp, one.key, one.value) == (0, 4, 1_004, b"k", b'{"a":1}')


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("at", [0, 20, -1])
def test_changed_byte_is_noticed(tmp_path, at):
    segment = written(tmp_path, record(1), record(2))
    flip(tmp_path / segment.file, at)
    with pytest.raises(CallerMistake, match=r"is damaged: its SHA-256 is .* the manifest states"):
        check_file(tmp_path, segment.file, segment.sha256)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(CallerMistake, match=r"moderation-x.gz is damaged: No such file"):
        check_file(tmp_path, "moderation-x.gz", "0" * 64)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"records": 3}, "it has 2 records, the manifest states 3"),
        ({"next_offset": 2}, "offset 2 is out of order"),
        ({"first_offset": 2}, "offset 1 is out of order"),
    ],
)
def test_file_that_contradicts_the_manifest_is_refused(tmp_path, change, why):
    segment = msgspec.structs.replace(written(tmp_path, record(1), record(2)), **change)
    with pytest.raises(CallerMistake, match=why):
        list(read_segment(tmp_path, segment))


def test_torn_or_foreign_file_is_refused(tmp_path):
    segment = written(tmp_path, record(1), record(2))
    path = tmp_path / segment.file
    whole = path.read_bytes()
    for data in (whole[:-9], b"no gzip", gzip.compress(b"{}\n"), gzip.compress(b"[\n")):
        path.write_bytes(data)
        with pytest.raises(CallerMistake, match="is damaged"):
            list(read_segment(tmp_path, segment))


def test_discarded_file_leaves_nothing(tmp_path):
    SegmentWriter(tmp_path, "audit", 0).discard()
    assert not list(tmp_path.iterdir())
