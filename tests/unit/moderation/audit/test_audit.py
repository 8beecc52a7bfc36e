"""Tests of the audit log: chain, verification, heads, sources, rows and commands."""

from __future__ import annotations

import hashlib
import json
import random
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer
from click.testing import Result
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from moderation.audit import chain as chain_module
from moderation.audit import cli
from moderation.audit.chain import (
    GENESIS,
    AuditInput,
    Chain,
    SourcePosition,
    canonical,
    decode_entry,
    encode_entry,
    hash_of,
    record_bytes,
)
from moderation.audit.heads import SignedHead, append_head, is_genuine, keys_of, read_heads, signed
from moderation.audit.metrics import AuditMetrics
from moderation.audit.process import AuditReadiness
from moderation.audit.rows import AuditFilter, row_of
from moderation.audit.sources import audit_input, is_kept, lost_records
from moderation.audit.verify import Verification, VerificationResult
from streams.constants import HOUR_MS
from streams.errors import CallerMistake, ContractError, SettingsError
from streams.log.decisions import LanguageCoverage, LanguageTexts, encode_record

KEY = b"k" * 32
TOPIC = "x.audit"

input_lists = st.lists(
    st.tuples(
        st.sampled_from(["moderation", "policy", "suppression-decisions"]),
        st.integers(0, 3),
        st.none() | st.binary(max_size=20) | st.text(max_size=20).map(str.encode),
        st.none() | st.binary(max_size=40) | st.text(max_size=40).map(str.encode),
    ),
    min_size=1,
    max_size=12,
)


def inputs_of(drawn: Sequence[tuple[str, int, bytes | None, bytes | None]]) -> list[AuditInput]:
    return [AuditInput(SourcePosition(t, p, 10 * i, i), key, value) for i, (t, p, key, value) in enumerate(drawn)]


def log_of(count: int) -> list[bytes]:
    records = [json.dumps({"kind": "override", "reason": f"r{i}", "action": "block"}).encode() for i in range(count)]
    inputs = [
        AuditInput(SourcePosition("moderation", 0, i, 1_000 + i), b"k%d" % i, record)
        for i, record in enumerate(records)
    ]
    return [encode_entry(entry) for entry in Chain().extend(inputs)]


def head_of(log: Sequence[bytes], seq: int, **changes: Any) -> SignedHead:
    fields = {"topic": TOPIC, "seq": seq, "hash": decode_entry(log[seq]).hash, "at_ms": 5} | changes
    return signed(SignedHead(**fields), KEY)


def verify(
    log: Sequence[bytes | None], heads: Sequence[SignedHead] = (), keys: Sequence[bytes] = (KEY,)
) -> VerificationResult:
    verification = Verification(TOPIC, list(enumerate(heads, 1)), keys)
    for offset, value in enumerate(log):
        verification.apply(offset, value)
    return verification.result()


def plainly(log: Sequence[bytes]) -> bool:
    """Reference: check the chain with the standard library alone."""
    before = "0" * 64
    for seq, line in enumerate(log):
        entry = json.loads(line)
        claimed = entry.pop("hash")
        text = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        if (entry["seq"], entry["prev"], claimed) != (seq, before, hashlib.sha256(text.encode()).hexdigest()):
            return False
        before = claimed
    return True


@given(input_lists)
def test_chain_verifies_and_keeps_every_byte(
    drawn: list[tuple[str, int, bytes | None, bytes | None]],
) -> None:
    inputs = inputs_of(drawn)
    entries = Chain().extend(inputs)
    log = [encode_entry(entry) for entry in entries]
    verdict = verify(log, [head_of(log, len(log) - 1)])
    assert (verdict.fault, verdict.entries, verdict.head) == (None, len(inputs), entries[-1].hash)
    assert [record_bytes(decode_entry(line)) for line in log] == [one.value for one in inputs]
    assert plainly(log)


@given(input_lists, st.randoms(use_true_random=False))
def test_chain_is_independent_of_batches_and_repeats(
    drawn: list[tuple[str, int, bytes | None, bytes | None]], dice: random.Random
) -> None:
    inputs = inputs_of(drawn)
    at_once = Chain().extend(inputs)
    chain, stepwise, position = Chain(), [], 0
    while position < len(inputs):
        start, position = dice.randint(0, position), dice.randint(position + 1, len(inputs))
        stepwise += chain.extend(inputs[start:position])  # from somewhere before: a source that was read again
    assert stepwise == at_once


@given(st.data())
def test_verify_finds_any_changed_byte(data: st.DataObject) -> None:
    log = log_of(6)
    seq = data.draw(st.integers(0, 5))
    at = data.draw(st.integers(0, len(log[seq]) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda b: b != log[seq][at]))
    log[seq] = log[seq][:at] + bytes([byte]) + log[seq][at + 1 :]
    fault = verify(log).fault
    assert fault is not None and fault.seq == seq
    assert not _still_plain(log)


def _still_plain(log: list[bytes]) -> bool:
    try:
        return plainly(log)
    except (ValueError, KeyError, AttributeError, TypeError):
        return False


def rewritten(line: bytes, prev: str | None = None, **changes: Any) -> bytes:
    """Forge an entry with a recomputed hash."""
    entry = msgspec.structs.replace(decode_entry(line), **changes)
    entry = msgspec.structs.replace(entry, prev=entry.prev if prev is None else prev)
    return encode_entry(msgspec.structs.replace(entry, hash=hash_of(entry)))


def rewritten_from(log: Sequence[bytes], seq: int) -> list[bytes]:
    """Change the entry `seq` and chain all later entries to it."""
    forged, before = list(log[:seq]), decode_entry(log[seq]).prev
    for number, line in enumerate(log[seq:]):
        forged.append(rewritten(line, before, **({"record": "nothing happened"} if number == 0 else {})))
        before = decode_entry(forged[-1]).hash
    return forged


TAMPERINGS: list[tuple[str, Callable[[list[bytes]], list[bytes]], int, str]] = [
    ("changed", lambda log: [*log[:3], log[3].replace(b"r3", b"r9"), *log[4:]], 3, "changed"),
    ("changed, hash recomputed", lambda log: [*log[:3], rewritten(log[3], record="x"), *log[4:]], 3, "changed"),
    ("changed, chain recomputed", lambda log: rewritten_from(log, 3), 5, "changed"),  # the first head after it shows it
    ("dropped", lambda log: [*log[:3], *log[4:]], 3, "missing"),
    ("three dropped", lambda log: [*log[:3], *log[6:]], 3, "missing"),
    ("first dropped", lambda log: log[1:], 0, "missing"),
    ("swapped", lambda log: [*log[:3], log[4], log[3], *log[5:]], 3, "out of order"),
    ("moved to the end", lambda log: [*log[:3], *log[4:], log[3]], 3, "out of order"),
    ("repeated", lambda log: [*log[:4], log[2], *log[4:]], 2, "repeated"),
    ("last cut off", lambda log: log[:-1], 9, "cut off"),
    ("half cut off", lambda log: log[:5], 5, "cut off"),
    ("all cut off", lambda log: [], 0, "cut off"),
    ("foreign record", lambda log: [*log[:3], b"{}", *log[3:]], 3, "not an entry"),
    ("written with spaces", lambda log: [*log[:3], log[3].replace(b",", b", ", 1), *log[4:]], 3, "not an entry"),
    ("a field more", lambda log: [*log[:3], log[3][:-1] + b',"x":1}', *log[4:]], 3, "not an entry"),
]  # fmt: skip


@pytest.mark.parametrize(("tamper", "seq", "what"), [row[1:] for row in TAMPERINGS], ids=[row[0] for row in TAMPERINGS])
def test_verify_names_tampered_entry(tamper: Callable[[list[bytes]], list[bytes]], seq: int, what: str) -> None:
    log = log_of(10)
    heads = [head_of(log, 0), head_of(log, 5), head_of(log, 9)]
    assert verify(log, heads).fault is None
    fault = verify(tamper(log), heads).fault
    assert fault is not None
    assert (fault.seq, fault.what) == (seq, what)


def test_verify_without_heads_misses_cut_off_end() -> None:
    assert verify(log_of(10)[:5]).fault is None


def test_verify_names_the_first_fault() -> None:
    log = log_of(10)
    log[7] = log[7].replace(b"r7", b"r0")
    assert verify([*log[:2], *log[3:]]).fault.seq == 2  # type: ignore[union-attr]


def test_verify_finds_repeated_source_record() -> None:
    chain = Chain()
    [first] = chain.extend([AuditInput(SourcePosition("moderation", 0, 7, 1), b"k", b"v")])
    chain.next_offsets.clear()
    [second] = chain.extend([AuditInput(SourcePosition("moderation", 0, 7, 1), b"k", b"v")])
    fault = verify([encode_entry(first), encode_entry(second)]).fault
    assert fault is not None and (fault.seq, fault.what) == (1, "repeated")


@pytest.mark.parametrize(
    ("forge", "word"),
    [
        (lambda head: msgspec.structs.replace(head, hash="f" * 64), "not signed"),
        (lambda head: msgspec.structs.replace(head, seq=3), "not signed"),
        (lambda head: signed(head, b"another key that is long"), "not signed"),
        (lambda head: signed(msgspec.structs.replace(head, topic="audit"), KEY), "names topic 'audit'"),
    ],
)
def test_verify_finds_forged_head(forge: Callable[[SignedHead], SignedHead], word: str) -> None:
    log = log_of(4)
    fault = verify(log, [head_of(log, 1), forge(head_of(log, 2))]).fault
    assert fault is not None and fault.what == "forged head"
    assert word in fault.detail and "line 2" in fault.detail


def test_metrics_raise_no_alert_at_start() -> None:
    metrics = AuditMetrics()
    metrics.set_started(5_000)
    values = {name: metrics.registry.get_sample_value(f"hushtag_audit_{name}") for name in (
        "intact", "caught_up_timestamp_seconds", "verified_timestamp_seconds")}  # fmt: skip
    assert values == {"intact": 1, "caught_up_timestamp_seconds": 5, "verified_timestamp_seconds": 5}
    readiness = AuditReadiness(metrics)
    assert "verified" in readiness.problem()
    metrics.set_caught_up(6_000)
    assert readiness.problem() == ""


def test_readiness_has_reason_before_metric_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = AuditMetrics()
    metrics.set_started(5_000)
    readiness, found = AuditReadiness(metrics), []
    monkeypatch.setattr(metrics.intact, "set", lambda value: found.append((value, readiness.problem())))
    readiness.mark_broken("entry 3: changed")
    assert found == [(0, "entry 3: changed")]


def test_retired_key_is_valid_only_for_its_own_heads() -> None:
    """The old key stays valid for the heads that it signed, and for no later ones."""
    old, new, log = b"o" * 32, b"n" * 32, log_of(6)
    resign = [signed(head_of(log, 2), old), signed(head_of(log, 2), new), signed(head_of(log, 5), new)]
    assert verify(log, resign, (old, new)).fault is None
    assert verify(rewritten_from(log, 1), resign, (old, new)).fault.seq == 2  # type: ignore[union-attr]
    stolen = [*resign[:2], signed(head_of(rewritten_from(log, 3), 5), old)]
    fault = verify(rewritten_from(log, 3), stolen, (old, new)).fault
    assert fault is not None and (fault.what, "had retired" in fault.detail) == ("forged head", True)
    fault = verify(log, resign, (new,)).fault  # the old key is missing
    assert fault is not None and "not signed with this key" in fault.detail


def test_keys_of_refuses_bad_keys() -> None:
    assert keys_of("b" * 16, f" {'a' * 16}, ,") == (b"a" * 16, b"b" * 16)
    for secret, retired, word in (
        ("", "", "not set"), ("short", "", "KEY is shorter"), ("b" * 16, "a", "RETIRED_KEYS is shorter"),
        ("b" * 16, "b" * 16, "twice"),
    ):  # fmt: skip
        with pytest.raises(SettingsError, match=word):
            keys_of(secret, retired)


def test_verify_finds_contradicting_heads() -> None:
    """The log was rewritten with the key after a head had been exported."""
    log = log_of(4)
    rewritten_log = rewritten_from(log, 0)
    fault = verify(rewritten_log, [head_of(log, 2), head_of(rewritten_log, 2)]).fault
    assert fault is not None and "contradicts" in fault.detail


def test_large_record_is_kept_as_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain_module, "MAX_ENTRY_BYTES", 600)
    value = b"\x00" * 200  # six characters each in JSON
    [entry] = Chain().extend([AuditInput(SourcePosition("moderation", 0, 1, 1), b"k", value)])
    assert entry.record is None and hashlib.sha256(value).hexdigest() in entry.note
    assert verify([encode_entry(entry)]).fault is None


def test_canonical_form_is_stable() -> None:
    """External verifiers depend on it."""
    [entry] = Chain().extend(
        [AuditInput(SourcePosition("moderation", 0, 7, 1), "क".encode(), b'{"a":"\\u0007/\x7f\n"}')]
    )
    assert entry.prev == GENESIS
    assert canonical(entry).decode() == (
        '{"encoding":"utf-8","key":"क","note":"","prev":"'
        + "0" * 64
        + '","record":"{\\"a\\":\\"\\\\u0007/\x7f\\n\\"}",'
        '"seq":0,"source":{"log_time_ms":1,"offset":7,"partition":0,"topic":"moderation"}}'
    )


def test_heads_file_survives_crash_during_write(tmp_path: Path) -> None:
    path, log = tmp_path / "heads", log_of(3)
    append_head(path, head_of(log, 1))
    append_head(path, head_of(log, 2))
    with path.open("ab") as file:
        file.write(b'{"topic":"x.au')
    heads = read_heads(path)
    assert [(line, head.seq) for line, head in heads] == [(1, 1), (2, 2)]
    assert all(is_genuine(head, KEY) for _, head in heads)
    append_head(path, head_of(log, 2))
    assert [(line, head.seq) for line, head in read_heads(path)] == [(1, 1), (2, 2), (4, 2)]
    path.write_bytes(b"{}\n")
    with pytest.raises(CallerMistake, match="line 1 is not a head"):
        read_heads(path)


def test_only_progress_is_left_out() -> None:
    assert not is_kept("suppression-decisions", b'{"kind":"progress","shard":1}')
    for value in (b'{"kind":"decision"}', b"{}", b"[1]", b"\xff", b'{"kind":5}', None):
        assert is_kept("suppression-decisions", value)
    assert is_kept("moderation", b'{"kind":"progress"}')


@pytest.mark.parametrize("kind", ["speaker", "speaker_details", "order_targets"])
def test_record_that_lists_people_is_kept_as_hash(kind: str) -> None:
    value = json.dumps({"kind": kind, "account": "1001", "name": "Name", "actor": "lee"}).encode()
    source = SourcePosition("moderation", 0, 1, 1)
    [entry] = Chain().extend([audit_input(source, b"account:1001|registry|speaker|*", value)])
    line = encode_entry(entry)
    assert not any(word in line for word in (b"1001", b"Name"))
    assert hashlib.sha256(value).hexdigest() in entry.note and f"{kind} by lee" in entry.note
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


def test_lost_records_become_a_note() -> None:
    chain = Chain()
    [entry] = chain.extend([lost_records("moderation", 0, 3, 8)])
    assert entry.source.offset == 7 and "3 to 7" in row_of(entry).reason
    assert chain.next_offsets["moderation", 0] == 8


# --- rows --------------------------------------------------------------------------------------------------------


def entry_of(value: bytes | None, topic: str = "moderation", at_ms: int = 0) -> Any:
    return Chain().extend([AuditInput(SourcePosition(topic, 0, 1, at_ms), b"key", value)])[0]


def test_row_of_override() -> None:
    record = {
        "kind": "override", "action": "block", "hashtag": "tag", "country": "IN", "actor": "ann", "reason": "r",
    }  # fmt: skip
    row = row_of(entry_of(json.dumps(record).encode(), at_ms=1_500))
    assert (row.kind, row.action, row.target, row.country, row.actor, row.reason) == (
        "override", "block", "tag", "IN", "ann", "r",
    )  # fmt: skip
    assert row.at == "1970-01-01T00:00:01.500+00:00"
    assert row.source == "moderation[0]@1"


@pytest.mark.parametrize(
    ("record", "action", "target"),
    [
        ({"kind": "review_verdict", "verdict": "uphold", "case": "c", "hashtag": "t"}, "uphold", "t"),
        ({"kind": "order_ruling", "outcome": "withheld", "order": "IN-1"}, "withheld", "IN-1"),
        ({"kind": "order_step", "to": "final", "order": "IN-1"}, "final", "IN-1"),
        ({"kind": "speaker", "account": "7"}, "speaker", "7"),
        ({"kind": "case_claim", "case": "c", "hashtag": "t", "take_over": True}, "take over", "t"),
        ({"kind": "case_claim", "case": "c", "hashtag": "t", "take_over": False}, "case_claim", "t"),
        ({"kind": "case_escalation", "case": "c", "hashtag": "t", "team": "legal"}, "legal", "t"),
        ({"kind": "case_note", "case": "c", "hashtag": "t"}, "case_note", "t"),
        ({"kind": "case_skip", "case": "c", "hashtag": "t", "why": "language"}, "language", "t"),
        ({"kind": "text_reading", "case": "c", "hashtag": "t"}, "text_reading", "t"),
    ],
)
def test_row_of_other_kinds(record: dict[str, str], action: str, target: str) -> None:
    row = row_of(entry_of(json.dumps(record).encode()))
    assert (row.kind, row.action, row.target) == (record["kind"], action, target)


def test_row_of_automated_decision() -> None:
    reasons = [{"signal": "harmful_share_lower", "value": 0.41, "threshold": 0.35}]
    rulings = [{"category": "hate", "surface": "trends", "action": "suppress", "reasons": reasons}]
    record = {"kind": "decision", "hashtag": "tag", "country": "*", "actor": "hushtag", "rulings": rulings}
    row = row_of(entry_of(json.dumps(record).encode(), "suppression-decisions"))
    assert (row.action, row.target) == ("suppress", "tag")
    assert row.reason == "hate on trends: suppress (harmful_share_lower 0.41 past 0.35)"


def test_row_of_coverage_has_texts_read_by_language() -> None:
    coverage = LanguageCoverage(
        shard=3, from_ms=HOUR_MS, to_ms=2 * HOUR_MS,
        languages=(LanguageTexts("en", 12, 12), LanguageTexts("ta", 4, 0)),
    )  # fmt: skip
    assert is_kept("suppression-decisions", encode_record(coverage))
    row = row_of(entry_of(encode_record(coverage), "suppression-decisions"))
    assert (row.kind, row.action, row.target, row.actor) == ("coverage", "count", "shard 3", "hushtag")
    assert row.reason == "texts read in the hour from 1970-01-01T01:00:00.000+00:00: 12 of 12 in en, 0 of 4 in ta"
    for value in (b'{"kind":"coverage"}', b'{"kind":"coverage","from_ms":1e99,"languages":[[1],7,{}]}',
                  b'{"kind":"coverage","from_ms":99999999999999999999,"languages":7}'):  # fmt: skip
        assert row_of(entry_of(value, "suppression-decisions")).reason == "texts read in the hour from ?: none"


def test_row_of_discount_has_its_weight() -> None:
    reasons = [{"signal": "coordinated_share_lower", "value": 0.84, "threshold": 0.35}]
    ruling = {"category": "hate", "surface": "trends", "action": "discount", "weight": 0.34, "reasons": reasons}
    record = {"kind": "decision", "hashtag": "tag", "country": "*", "actor": "hushtag", "rulings": [ruling]}
    row = row_of(entry_of(json.dumps(record).encode(), "suppression-decisions"))
    assert row.action == "discount"
    assert row.reason == "hate on trends: discount to 0.34 (coordinated_share_lower 0.84 past 0.35)"


def test_row_of_policy() -> None:
    row = row_of(entry_of(b'{"revision":"abc","serial":4,"proposed_by":"w1"}', "policy"))
    assert (row.kind, row.target, row.actor) == ("policy", "serial 4, revision abc", "w1")
    applied = {
        "revision": "abc", "serial": 4, "proposed_by": "w1", "actor": "asha", "reason": "a campaign",
        "changes": ["abuse: suppress_at 0.5 → 0.4", "never_suppress: with x"],
    }  # fmt: skip
    row = row_of(entry_of(json.dumps(applied).encode(), "policy"))
    assert (row.actor, row.reason) == ("asha", "a campaign: abuse: suppress_at 0.5 → 0.4; never_suppress: with x")
    applied |= {"model_revision": "new", "model_change": {"before": "old", "actor": "ann", "reason": "better"}}
    row = row_of(entry_of(json.dumps(applied).encode(), "policy"))
    assert (row.action, row.target) == ("model", "serial 4, revision abc")
    assert (row.actor, row.reason) == ("ann", "better: model old → new"), (
        "the actor of the model change, not of the policy"
    )


def test_worker_reports_on_policy_files_are_left_out() -> None:
    assert is_kept("policy", b'{"revision":"abc","serial":4,"policy":"{}","proposed_by":"w1"}')
    assert not is_kept(
        "policy", b'{"worker":"w1","file":"policy.yaml","revision":"abc","verdict":"same","why":"","at_ms":1}'
    )
    assert is_kept("policy", b"not JSON") and is_kept("policy", None)


names = st.sampled_from(["kind", "rulings", "reasons", "actor", "hashtag"])
plain = st.recursive(
    st.none() | st.text() | st.integers() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner) | st.dictionaries(names, inner),
)


@given(
    st.binary() | plain.map(lambda value: json.dumps(value).encode()),
    st.sampled_from(["moderation", "policy", "suppression-decisions"]),
)
def test_row_of_never_fails(value: bytes, topic: str) -> None:
    row = row_of(entry_of(value, topic))
    assert row.hash and all(isinstance(cell, str | int) for cell in row.as_dict().values())


@pytest.mark.parametrize(
    ("fields", "matches"),
    [
        ({}, True),
        ({"kind": "override"}, True),
        ({"kind": "undo"}, False),
        ({"target": "tag"}, True),
        ({"actor": "ben"}, False),
        ({"country": "IN"}, True),
        ({"from_ms": 100}, True),
        ({"from_ms": 101}, False),
        ({"to_ms": 100}, False),
        ({"to_ms": 101}, True),
    ],
)  # fmt: skip
def test_filter_matches(fields: dict[str, Any], matches: bool) -> None:
    entry = entry_of(b'{"kind":"override","hashtag":"tag","actor":"ann","country":"IN"}', at_ms=100)
    assert AuditFilter(**fields).matches(entry, row_of(entry)) is matches


# --- the commands on an export -----------------------------------------------------------------------------------


@pytest.fixture
def hushtag(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    for name in ("HUSHTAG_AUDIT_HEADS", "HUSHTAG_TOPIC_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HUSHTAG_AUDIT_KEY", KEY.decode())
    monkeypatch.setenv("HUSHTAG_TOPIC_PREFIX", "x.")
    app = typer.Typer()
    cli.register(app)
    return lambda *arguments: CliRunner().invoke(app, ["audit", *arguments])


@pytest.fixture
def copied(tmp_path: Path) -> tuple[Path, Path]:
    log = log_of(5)
    (tmp_path / "log").write_bytes(b"".join(line + b"\n" for line in log))
    append_head(tmp_path / "heads", head_of(log, 4))
    return tmp_path / "log", tmp_path / "heads"


def test_verify_command_on_export(hushtag: Callable[..., Result], copied: tuple[Path, Path]) -> None:
    log, heads = copied
    result = hushtag("verify", "--file", str(log), "--heads", str(heads))
    assert (result.exit_code, "all entries, 5" in result.stdout) == (0, True)
    log.write_bytes(log.read_bytes().replace(b"r2", b"r3"))
    result = hushtag("verify", "--file", str(log), "--heads", str(heads), "--json")
    shown = json.loads(result.stdout)
    assert (result.exit_code, shown["ok"], shown["bad"]["seq"], shown["bad"]["what"]) == (
        3,
        False,
        2,
        "changed",
    )
    assert "entry 2: changed" in hushtag("verify", "--file", str(log), "--chain-only").stdout


def test_verify_command_needs_heads_and_key(
    hushtag: Callable[..., Result], copied: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    log, heads = copied
    assert isinstance(hushtag("verify", "--file", str(log)).exception, CallerMistake)
    monkeypatch.setenv("HUSHTAG_AUDIT_KEY", "short")
    error = hushtag("verify", "--file", str(log), "--heads", str(heads)).exception
    assert isinstance(error, SettingsError) and "shorter" in str(error)


def test_export_command_on_export(hushtag: Callable[..., Result], copied: tuple[Path, Path]) -> None:
    log, _ = copied
    rows = [json.loads(line) for line in hushtag("export", "--file", str(log)).stdout.splitlines()]
    assert [(row["seq"], row["reason"]) for row in rows] == [(i, f"r{i}") for i in range(5)]
    table = hushtag("export", "--file", str(log), "--format", "csv", "--from", "1970-01-01T00:00:01.003Z").stdout
    assert [line.split(",")[0] for line in table.splitlines()] == ["seq", "3", "4"]
    formula = AuditInput(SourcePosition("moderation", 0, 1, 1), b"k", b'{"kind":"override","reason":"=1+1"}')
    log.with_name("formula").write_bytes(encode_entry(Chain().extend([formula])[0]) + b"\n")
    shown = hushtag("export", "--file", str(log.with_name("formula")), "--format", "csv").stdout
    assert ",'=1+1," in shown
    assert hushtag("export", "--file", str(log), "--format", "raw").stdout_bytes == log.read_bytes()
    assert isinstance(hushtag("export", "--format", "raw", "--kind", "undo").exception, CallerMistake)
    assert isinstance(hushtag("export", "--from", "yesterday").exception, CallerMistake)


def test_documented_verifier_works(copied: tuple[Path, Path]) -> None:
    log, _ = copied
    [program] = re.findall(r"```python\n(.*?)```", Path("docs/audit.md").read_text(), re.DOTALL)

    def run() -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([sys.executable, "-c", program], input=log.read_bytes(), capture_output=True)

    assert run().stdout.decode().split() == ["head", decode_entry(log_of(5)[4]).hash]
    log.write_bytes(log.read_bytes().replace(b"r2", b"r3"))
    assert run().stderr.decode().strip() == "entry 2 is not as it was written"


def test_decode_entry_refuses_tombstone() -> None:
    with pytest.raises(ContractError, match="not_an_entry"):
        decode_entry(None)


def test_decisions_begin_again_after_a_new_incarnation() -> None:
    """The topics of the shards were created again: their offsets begin at 0, and the log goes on."""

    def one(topic: str, offset: int, key: bytes | None = None) -> AuditInput:
        return AuditInput(SourcePosition(topic, 0, offset, 1), key, b"{}")

    inputs = [
        one("suppression-decisions", 41), one("policy", 7), one("moderation", 5),
        one("policy", 8, b"incarnation"), one("suppression-decisions", 0), one("suppression-decisions", 1),
    ]  # fmt: skip
    log = [encode_entry(entry) for entry in Chain().extend(inputs)]
    assert len(log) == 6 and verify(log).fault is None
    assert not Chain().extend([one("policy", 7, b"incarnation"), one("policy", 7)])[1:], "the policy goes on"
    without = [encode_entry(entry) for entry in Chain().extend([*inputs[:3], *inputs[4:]])]
    assert len(without) == 3, "without the record, a lower offset is a repeat"


def test_row_of_new_incarnation() -> None:
    record = {
        "incarnation": 2,
        "why": "restore",
        "shards": 8,
        "at_ms": 1,
        "actor": "asha",
        "reason": "the cluster burnt",
    }
    row = row_of(entry_of(msgspec.json.encode(record), "policy"))
    assert (row.kind, row.action, row.target, row.actor, row.reason) == (
        "incarnation", "restore", "incarnation 2, 8 shards", "asha", "the cluster burnt"
    )  # fmt: skip
