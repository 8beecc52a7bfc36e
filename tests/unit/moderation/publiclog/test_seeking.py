"""Find records by number in topics with gaps, and read leaves with their openings."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.publiclog import joined_records
from moderation.publiclog.entries import AuditEntry, LogEnd
from moderation.publiclog.faults import AuditBroken
from moderation.publiclog.inputs import AuditInput, SourcePosition
from moderation.publiclog.seeking import number_of_key, seek_number
from streams.settings import Settings
from tests.support.shells import Kept, Reader, Topics

SETTINGS = Settings(topic_prefix="x.")
LEAVES, OPENINGS, ERASURES = "x.audit", "x.audit-openings", "x.audit-erasures"


def key(number: int) -> bytes:
    return str(number).encode()


def topics_of(entries: Sequence[AuditEntry], erased: Sequence[int] = ()) -> Topics:
    made = Topics()
    for name in (LEAVES, OPENINGS, ERASURES):
        made.logs[name, 0] = []
    for entry in entries:
        made.append(LEAVES, 0, entry.leaf, key=key(entry.number))
        made.append(OPENINGS, 0, entry.opening.encode(), key=key(entry.number))
    for number in erased:
        made.append(OPENINGS, 0, None, key=key(number))
        made.append(ERASURES, 0, entries[number].opening.erased().encode(), key=key(number))
    return made


def entries_of(count: int) -> list[AuditEntry]:
    return LogEnd().extend([AuditInput(SourcePosition("policy", 0, n, n), b"k", b"r%d" % n) for n in range(count)])


async def read(first: int = 0) -> list[tuple[int | None, bool]]:
    async with aclosing(joined_records.read_joined(SETTINGS, first)) as batches:
        return [(number_of_key(one.key), one.opening is not None) async for batch in batches for one in batch]


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=40), st.integers(0, 45))
async def test_seek_finds_the_first_record_from_a_number(gaps: list[tuple[int, bool]], wanted: int) -> None:
    """Gaps of transactions before each record, and tombstones in its place."""
    topics, offset, valued = Topics(), 0, list[tuple[int, int]]()
    log: list[Kept] = []
    for number, (gap, is_tombstone) in enumerate(gaps):
        offset += gap
        log.append(Kept(offset, 0, key(number), None if is_tombstone else b"v"))
        if not is_tombstone:
            valued.append((offset, number))
        offset += 1
    topics.logs["x.audit", 0] = log
    found = await seek_number(Reader(topics, "x.audit"), wanted)  # type: ignore[arg-type]
    assert [number for at, number in valued if at >= found] == [number for _, number in valued if number >= wanted]


@pytest.mark.parametrize("text", [b"", b"01", b"-1", b"1.0", b"9" * 17, "١".encode()])
def test_other_spelling_is_no_number(text: bytes) -> None:
    assert number_of_key(text) is None


async def test_key_that_is_no_number_is_reported() -> None:
    topics = topics_of(entries_of(3))
    topics.append(LEAVES, 0, b"x", key=b"k")
    with pytest.raises(AuditBroken, match="not an entry"):
        await seek_number(Reader(topics, LEAVES), 9)  # type: ignore[arg-type]


async def test_each_leaf_has_its_opening(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joined_records, "LogReader", topics_of(entries_of(9), erased=[2, 7]).reader)
    assert await read() == [(number, True) for number in range(9)]
    assert await read(6) == [(6, True), (7, True), (8, True)]


async def test_erased_entry_opens_type_and_period_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joined_records, "LogReader", topics_of(entries_of(3), erased=[1]).reader)
    async with aclosing(joined_records.read_joined(SETTINGS)) as batches:
        openings = [one.opening async for batch in batches for one in batch]
    assert [opening is not None and None in opening.salts for opening in openings] == [False, True, False]


async def test_removed_and_repeated_openings_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    topics = topics_of(entries_of(4))
    monkeypatch.setattr(joined_records, "LogReader", topics.reader)
    del topics.logs[OPENINGS, 0][1]
    assert await read() == [(0, True), (1, False), (2, True), (3, True)]
    topics.append(OPENINGS, 0, None, key=key(2))
    with pytest.raises(AuditBroken, match="no erasure was logged"):
        await read()


async def test_opening_with_erased_fields_needs_an_erasure(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = entries_of(2)
    topics = topics_of(entries[:1])
    topics.append(LEAVES, 0, entries[1].leaf, key=key(1))
    topics.append(OPENINGS, 0, entries[1].opening.erased().encode(), key=key(1))
    monkeypatch.setattr(joined_records, "LogReader", topics.reader)
    assert await read() == [(0, True), (1, False)]
