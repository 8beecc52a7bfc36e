"""Verification of leaves and openings: the first entry that is wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.publiclog.disclosure import FIELDS, leaf_of, make_opening
from moderation.publiclog.entries import AuditEntry, LogEnd
from moderation.publiclog.faults import AuditBroken
from moderation.publiclog.inputs import AuditInput, SourcePosition
from moderation.publiclog.joined_records import JoinedRecord
from moderation.publiclog.tlog.checkpoint import Checkpoint
from moderation.publiclog.tlog.compact_range import CompactRange
from moderation.publiclog.tlog.hashing import leaf_hash
from moderation.publiclog.topic_verification import entry_of
from moderation.publiclog.verification import Verification, VerificationResult, opening_fault

Log = list[tuple[bytes | None, bytes | None]]


def entries_of(count: int) -> list[AuditEntry]:
    return LogEnd().extend([AuditInput(SourcePosition("policy", 0, n, n), b"k", b"r%d" % n) for n in range(count)])


def log_of(entries: Sequence[AuditEntry]) -> Log:
    return [(str(entry.number).encode(), entry.leaf) for entry in entries]


def checkpoint_of(entries: Sequence[AuditEntry], size: int) -> tuple[str, Checkpoint]:
    tree = CompactRange()
    tree.extend([leaf_hash(entry.leaf) for entry in entries[:size]])
    return f"checkpoint {size}", Checkpoint("log", size, tree.root())


def verify(log: Log, checkpoints: Sequence[tuple[str, Checkpoint]] = ()) -> VerificationResult:
    verification = Verification(checkpoints)
    for offset, (key, leaf) in enumerate(log):
        verification.apply(offset, key, leaf)
    return verification.result()


def changed(pair: tuple[bytes | None, bytes | None]) -> tuple[bytes | None, bytes | None]:
    assert pair[1] is not None
    return pair[0], pair[1][:-1] + bytes([pair[1][-1] ^ 1])


TAMPERINGS: list[tuple[str, Callable[[Log], Log], int, str]] = [
    ("leaf changed", lambda log: [*log[:3], changed(log[3]), *log[4:]], 1, "changed"),
    ("dropped", lambda log: [*log[:3], *log[4:]], 3, "missing"),
    ("three dropped", lambda log: [*log[:3], *log[6:]], 3, "missing"),
    ("first dropped", lambda log: log[1:], 0, "missing"),
    ("swapped", lambda log: [*log[:3], log[4], log[3], *log[5:]], 3, "out of order"),
    ("moved to the end", lambda log: [*log[:3], *log[4:], log[3]], 3, "out of order"),
    ("repeated", lambda log: [*log[:4], log[2], *log[4:]], 2, "repeated"),
    ("last cut off", lambda log: log[:-1], 9, "cut off"),
    ("all cut off", lambda log: [], 0, "cut off"),
    ("foreign record", lambda log: [*log[:3], (b"k", b"{}"), *log[3:]], 3, "not an entry"),
    ("number with a zero", lambda log: [*log[:3], (b"03", log[3][1]), *log[4:]], 3, "not an entry"),
    ("tombstone", lambda log: [*log[:3], (b"3", None), *log[4:]], 3, "not an entry"),
]


@pytest.mark.parametrize(
    ("tamper", "number", "what"), [row[1:] for row in TAMPERINGS], ids=[row[0] for row in TAMPERINGS]
)
def test_verify_names_tampered_entry(tamper: Callable[[Log], Log], number: int, what: str) -> None:
    entries = entries_of(10)
    checkpoints = [checkpoint_of(entries, size) for size in (1, 6, 10)]
    log = log_of(entries)
    sound = verify(log, checkpoints)
    assert (sound.fault, sound.entries, sound.checkpoints) == (None, 10, 3)
    fault = verify(tamper(log), checkpoints).fault
    assert fault is not None and (fault.number, fault.what) == (number, what)


@given(st.integers(0, 9), st.integers(1, 10))
def test_changed_leaf_is_found_at_the_next_checkpoint(number: int, size: int) -> None:
    entries = entries_of(10)
    log = log_of(entries)
    log[number] = changed(log[number])
    fault = verify(log, [checkpoint_of(entries, size)]).fault
    assert (fault is not None) is (number < size)


def test_verify_without_checkpoints_misses_cut_off_end() -> None:
    assert verify(log_of(entries_of(10))[:5]).fault is None


def test_contradicting_checkpoints_are_found() -> None:
    entries, other = entries_of(4), entries_of(4)
    fault = verify(log_of(entries), [checkpoint_of(entries, 3), checkpoint_of(other, 3)]).fault
    assert fault is not None and fault.what == "changed"


@pytest.mark.parametrize(("name", "value"), [("type", "note"), ("period", None), ("hashtag", "x"), ("action", "allow")])
def test_field_must_follow_from_the_record(name: str, value: str | None) -> None:
    """Source, time, key, record and note are true, and leaf and opening fit."""
    [entry] = entries_of(1)
    values = dict(zip(FIELDS, entry.opening.values, strict=True))
    assert entry_of(JoinedRecord(0, b"0", entry.leaf, entry.opening)).input == entry.input
    forged = make_opening(values | {name: value})
    with pytest.raises(AuditBroken, match=f"entry 0: changed: the field {name} does not follow"):
        entry_of(JoinedRecord(0, b"0", leaf_of(forged), forged))


def test_erased_entry_is_read_without_its_record() -> None:
    [entry] = entries_of(1)
    assert entry_of(JoinedRecord(0, b"0", entry.leaf, entry.opening.erased())).input is None


def test_opening_must_fit_its_leaf() -> None:
    [entry] = entries_of(1)
    assert opening_fault(0, entry.leaf, entry.opening, 0) is None
    assert opening_fault(0, entry.leaf, entry.opening.erased(), 0) is None
    missing = opening_fault(0, entry.leaf, None, 0)
    assert missing is not None and missing.what == "missing"
    other = opening_fault(0, entry.leaf, make_opening({"type": "x"}), 0)
    assert other is not None and other.what == "changed"
