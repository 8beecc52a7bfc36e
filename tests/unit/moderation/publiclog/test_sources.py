"""Records of the sources as they enter the audit log."""

from __future__ import annotations

import hashlib
import json

import pytest

from moderation.publiclog.entries import LogEnd
from moderation.publiclog.inputs import MAX_RECORD_BYTES, AuditInput, SourcePosition, too_large_note
from moderation.publiclog.sources import audit_input, is_kept, loss_of, lost_records


def test_only_progress_is_left_out() -> None:
    assert not is_kept("suppression-decisions", b'{"kind":"progress","shard":1}')
    for value in (b'{"kind":"decision"}', b"{}", b"[1]", b"\xff", b'{"kind":5}', None):
        assert is_kept("suppression-decisions", value)
    assert is_kept("moderation", b'{"kind":"progress"}')


@pytest.mark.parametrize("kind", ["speaker", "speaker_details", "order_targets"])
def test_record_that_lists_people_is_kept_as_hash(kind: str) -> None:
    value = json.dumps({"kind": kind, "account": "no-hex", "name": "Name", "actor": "lee"}).encode()
    source = SourcePosition("moderation", 0, 1, 1)
    one = audit_input(source, b"account:no-hex|registry|speaker|*", value)
    [entry] = LogEnd().extend([one])
    assert not any(word in entry.opening.encode() for word in (b"no-hex", b"Name"))  # salts are random digits
    assert hashlib.sha256(value).hexdigest() in one.note and f"{kind} by lee" in one.note
    for whole in (b'{"kind":"override"}', b"\xff", b'{"kind":7}'):
        assert audit_input(source, b"k", whole) == AuditInput(source, b"k", whole)
    assert audit_input(source, b"k", None) == AuditInput(source, b"k", None)


def test_decision_is_kept_without_positions_and_highest_tweets() -> None:
    evidence = {"tweets": 9, "sampled": ["17"], "sampled_from": 64, "sampled_at": [[3, 777, "hi"]]}
    evidence |= {"highest": ["18"], "highest_at": [[3, 888, "hi"]]}
    record = {"kind": "decision", "rulings": [{"evidence": evidence}, {"evidence": None}, {}], "hashtag": "t"}
    source = SourcePosition("suppression-decisions", 0, 1, 1)
    kept = audit_input(source, b"k", json.dumps(record).encode())
    evidence = {"tweets": 9, "sampled": ["17"], "sampled_from": 64}
    assert json.loads(kept.value or b"") == record | {"rulings": [{"evidence": evidence}, {"evidence": None}, {}]}
    for broken in (b'{"sampled_at"', b'["sampled_at"]', b'{"sampled_at":1}', b'{"sampled_at":1,"rulings":[7]}', b"{}"):
        assert audit_input(source, b"k", broken).value == broken
    elsewhere = json.dumps(record).encode()
    assert audit_input(SourcePosition("moderation", 0, 1, 1), b"k", elsewhere).value == elsewhere


@pytest.mark.parametrize("topic", ["moderation", "policy", "suppression-decisions"])
def test_record_above_limit_is_kept_as_hash(topic: str) -> None:
    source = SourcePosition(topic, 0, 1, 1)
    for size, kept in ((MAX_RECORD_BYTES, True), (MAX_RECORD_BYTES + 1, False)):
        value = b"x" * size
        one = audit_input(source, b"k", value)
        assert one == (AuditInput(source, b"k", value) if kept else AuditInput(source, note=too_large_note(value)))


def test_lost_records_become_a_note() -> None:
    one = lost_records("moderation", 0, 3, 8)
    assert loss_of(one.note) == (3, 7) and one.source.offset == 7
    end = LogEnd()
    end.extend([one])
    assert end.next_offsets["moderation", 0] == 8


def test_record_with_long_key_fits_into_its_topic() -> None:
    """The worst key and value are of control characters, of which JSON makes six bytes each."""
    keys = [b"\x01" * 200_000, b"\x02" * 200_000]
    source = SourcePosition("moderation", 0, 7, 1)
    notes = [audit_input(source, key, b"{}") for key in keys]
    assert all(one.key is None and "a key of 200000 bytes" in one.note for one in notes)
    assert notes[0].note != notes[1].note
    longest = audit_input(source, b"\x01" * MAX_RECORD_BYTES, b"\x01" * MAX_RECORD_BYTES)
    assert longest.key is not None and longest.value is not None
    for one in (*notes, longest):
        [entry] = LogEnd().extend([one])
        assert len(entry.opening.encode()) < 1024 * 1024
