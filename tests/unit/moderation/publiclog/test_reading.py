"""Reading of the log: batches checked beside the loop, a checkpoint that the log did not sign, and its witnesses."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import pytest

from moderation.publiclog.checkpoint_topic import CheckpointRecords
from moderation.publiclog.entries import AuditEntry, LogEnd
from moderation.publiclog.faults import AuditBroken
from moderation.publiclog.inputs import AuditInput, SourcePosition
from moderation.publiclog.joined_records import JoinedRecord
from moderation.publiclog.reading import LogState, log_state, read_batches, read_page
from moderation.publiclog.rows import AuditFilter
from moderation.publiclog.state import PublishedCheckpoint
from moderation.publiclog.tlog.checkpoint import Checkpoint, sign_checkpoint
from moderation.publiclog.tlog.cosignature import cosign
from moderation.publiclog.tlog.notes import NoteSignature
from moderation.publiclog.topic_verification import entry_of
from streams.settings import Settings
from tests.support.public_log import LOG_KEY, NEW_LOG_KEY, WITNESS_KEYS, with_keys

ENTRIES = LogEnd().extend(AuditInput(SourcePosition("moderation", 0, n, n), b"k", b"{}") for n in range(7))
WITNESSES = ", ".join(f"{key.public_key} http://127.0.0.1:1" for key in WITNESS_KEYS[:2])


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """Serve ENTRIES in batches of three; return the threads that check entries."""
    found: set[int] = set()

    async def read_joined(settings: Settings, first: int = 0) -> AsyncGenerator[list[JoinedRecord], None]:
        for start in range(first, len(ENTRIES), 3):
            yield [_joined(one) for one in ENTRIES[start : start + 3]]

    def checked(one: JoinedRecord, topic: str) -> AuditEntry:
        found.add(threading.get_ident())
        return entry_of(one, topic)

    monkeypatch.setattr("moderation.publiclog.reading.read_joined", read_joined)
    monkeypatch.setattr("moderation.publiclog.reading.entry_of", checked)
    return found


def _joined(one: AuditEntry) -> JoinedRecord:
    return JoinedRecord(one.number, str(one.number).encode(), one.leaf, one.opening)


def batches_of(first: int = 0, end: int | None = None) -> list[list[int]]:
    async def read() -> list[list[int]]:
        async with aclosing(read_batches(Settings(), first, end)) as batches:
            return [[one.number for one in batch] async for batch in batches]

    return asyncio.run(read())


def test_entries_are_checked_beside_the_loop(threads: set[int]) -> None:
    assert batches_of() == [[0, 1, 2], [3, 4, 5], [6]]
    assert threads and threading.get_ident() not in threads


@pytest.mark.usefixtures("threads")
def test_reading_stops_at_its_end() -> None:
    assert batches_of(end=4) == [[0, 1, 2], [3]]
    assert batches_of(first=2, end=7) == [[2, 3, 4], [5, 6]]


@pytest.mark.usefixtures("threads")
def test_topic_shorter_than_the_checkpoint_is_cut_off() -> None:
    with pytest.raises(AuditBroken, match="entry 7: cut off: a checkpoint covers 9 entries"):
        batches_of(end=9)


@pytest.mark.usefixtures("threads")
def test_page_ends_before_its_next_match() -> None:
    rows, following = asyncio.run(read_page(Settings(), AuditFilter(from_ms=2), 0, 2))
    assert ([row.seq for row in rows], following) == ([2, 3], 4)
    assert asyncio.run(read_page(Settings(), AuditFilter(from_ms=6), 0, 2))[1] is None


def published(*lines: NoteSignature, size: int = 7) -> PublishedCheckpoint:
    note = sign_checkpoint(Checkpoint(LOG_KEY.name, size, bytes(32)), [LOG_KEY]).with_signatures(lines)
    return PublishedCheckpoint(size=size, checkpoint=note.encode(), at_ms=1, missing=("w3.example",))


def state_of(newest: PublishedCheckpoint, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> LogState:
    async def read_checkpoints(settings: Settings) -> CheckpointRecords:
        return CheckpointRecords(newest=newest)

    async def entries(settings: Settings) -> int:
        return 7

    monkeypatch.setattr("moderation.publiclog.reading.read_checkpoints", read_checkpoints)
    monkeypatch.setattr("moderation.publiclog.reading._entries", entries)
    return asyncio.run(log_state(settings))


def test_state_lists_only_cosignatures_that_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    text = published().checkpoint.partition("\n\n")[0] + "\n"
    names: Sequence[str] = [key.name for key in WITNESS_KEYS]
    junk = NoteSignature(names[1], WITNESS_KEYS[1].public_key.key_id, bytes(72))
    newest = published(cosign(text, WITNESS_KEYS[0], 5), junk, NoteSignature("stranger.example", b"1234", bytes(72)))
    found = state_of(newest, with_keys(Settings(), witnesses=WITNESSES), monkeypatch).published
    assert found is not None
    assert (found.size, found.cosigned_by, found.missing) == (7, (names[0],), (names[1],))
    unset = state_of(newest, with_keys(Settings()), monkeypatch).published
    assert unset is not None
    assert (unset.cosigned_by, unset.missing) == ((), ("w3.example",))


def test_checkpoint_that_the_log_did_not_sign_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    note = sign_checkpoint(Checkpoint(LOG_KEY.name, 9, bytes(32)), [NEW_LOG_KEY]).encode()
    forged = PublishedCheckpoint(size=9, checkpoint=note, at_ms=1)
    with pytest.raises(AuditBroken, match="forged checkpoint"):
        state_of(forged, with_keys(Settings()), monkeypatch)
