"""The audit log: whatever is done to it, the first entry that is not as it was written is named."""

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
    Chain,
    Heard,
    Source,
    canonical,
    decode_entry,
    encode_entry,
    hash_of,
    record_bytes,
)
from moderation.audit.heads import Head, append_head, is_genuine, keys_of, read_heads, signed
from moderation.audit.keep import State
from moderation.audit.metrics import AuditMetrics
from moderation.audit.sources import is_kept, kept, lost_records
from moderation.audit.verify import Verdict, Verification
from moderation.audit.words import Wanted, row_of
from streams.errors import CallerMistake, ContractError, SettingsError

KEY = b"k" * 32
TOPIC = "x.audit"

heards = st.lists(
    st.tuples(
        st.sampled_from(["moderation", "policy", "suppression-decisions"]),
        st.integers(0, 3),
        st.none() | st.binary(max_size=20) | st.text(max_size=20).map(str.encode),
        st.none() | st.binary(max_size=40) | st.text(max_size=40).map(str.encode),
    ),
    min_size=1,
    max_size=12,
)


def heard_of(drawn: Sequence[tuple[str, int, bytes | None, bytes | None]]) -> list[Heard]:
    return [Heard(Source(t, p, 10 * i, i), key, value) for i, (t, p, key, value) in enumerate(drawn)]


def log_of(count: int) -> list[bytes]:
    records = [json.dumps({"kind": "override", "reason": f"r{i}", "action": "block"}).encode() for i in range(count)]
    heard = [Heard(Source("moderation", 0, i, 1_000 + i), b"k%d" % i, record) for i, record in enumerate(records)]
    return [encode_entry(entry) for entry in Chain().extend(heard)]


def head_of(log: Sequence[bytes], seq: int, **changes: Any) -> Head:
    fields = {"topic": TOPIC, "seq": seq, "hash": decode_entry(log[seq]).hash, "at_ms": 5} | changes
    return signed(Head(**fields), KEY)


def verify(log: Sequence[bytes | None], heads: Sequence[Head] = (), keys: Sequence[bytes] = (KEY,)) -> Verdict:
    verification = Verification(TOPIC, list(enumerate(heads, 1)), keys)
    for offset, value in enumerate(log):
        verification.hear(offset, value)
    return verification.verdict()


def plainly(log: Sequence[bytes]) -> bool:
    """The obvious way, with the standard library alone: is this an unbroken chain?"""
    before = "0" * 64
    for seq, line in enumerate(log):
        entry = json.loads(line)
        claimed = entry.pop("hash")
        text = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        if (entry["seq"], entry["prev"], claimed) != (seq, before, hashlib.sha256(text.encode()).hexdigest()):
            return False
        before = claimed
    return True


@given(heards)
def test_what_is_chained_verifies_and_keeps_every_byte(
    drawn: list[tuple[str, int, bytes | None, bytes | None]],
) -> None:
    heard = heard_of(drawn)
    entries = Chain().extend(heard)
    log = [encode_entry(entry) for entry in entries]
    verdict = verify(log, [head_of(log, len(log) - 1)])
    assert (verdict.bad, verdict.entries, verdict.head) == (None, len(heard), entries[-1].hash)
    assert [record_bytes(decode_entry(line)) for line in log] == [one.value for one in heard]
    assert plainly(log)


@given(heards, st.randoms(use_true_random=False))
def test_however_it_was_batched_and_repeated_the_log_is_the_same(
    drawn: list[tuple[str, int, bytes | None, bytes | None]], dice: random.Random
) -> None:
    heard = heard_of(drawn)
    at_once = Chain().extend(heard)
    chain, stepwise, position = Chain(), [], 0
    while position < len(heard):
        start, position = dice.randint(0, position), dice.randint(position + 1, len(heard))
        stepwise += chain.extend(heard[start:position])  # from somewhere before: a source that was read again
    assert stepwise == at_once


@given(st.data())
def test_any_changed_byte_is_found_at_its_entry(data: st.DataObject) -> None:
    log = log_of(6)
    seq = data.draw(st.integers(0, 5))
    at = data.draw(st.integers(0, len(log[seq]) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda b: b != log[seq][at]))
    log[seq] = log[seq][:at] + bytes([byte]) + log[seq][at + 1 :]
    bad = verify(log).bad
    assert bad is not None and bad.seq == seq
    assert not _still_plain(log)


def _still_plain(log: list[bytes]) -> bool:
    try:
        return plainly(log)
    except (ValueError, KeyError, AttributeError, TypeError):
        return False


def rewritten(line: bytes, prev: str | None = None, **changes: Any) -> bytes:
    """An entry forged by someone who knows how the hash is made."""
    entry = msgspec.structs.replace(decode_entry(line), **changes)
    entry = msgspec.structs.replace(entry, prev=entry.prev if prev is None else prev)
    return encode_entry(msgspec.structs.replace(entry, hash=hash_of(entry)))


def rewritten_from(log: Sequence[bytes], seq: int) -> list[bytes]:
    """Changed at `seq`, and everything after it tied to it anew."""
    forged, before = list(log[:seq]), decode_entry(log[seq]).prev
    for number, line in enumerate(log[seq:]):
        forged.append(rewritten(line, before, **({"record": "nothing happened"} if number == 0 else {})))
        before = decode_entry(forged[-1]).hash
    return forged


TAMPERINGS: list[tuple[str, Callable[[list[bytes]], list[bytes]], int, str]] = [
    ("changed", lambda log: [*log[:3], log[3].replace(b"r3", b"r9"), *log[4:]], 3, "changed"),
    ("changed, hash made anew", lambda log: [*log[:3], rewritten(log[3], record="x"), *log[4:]], 3, "changed"),
    ("changed, all made anew", lambda log: rewritten_from(log, 3), 5, "changed"),  # the first head after it tells
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
def test_tampering_is_found_and_the_entry_named(
    tamper: Callable[[list[bytes]], list[bytes]], seq: int, what: str
) -> None:
    log = log_of(10)
    heads = [head_of(log, 0), head_of(log, 5), head_of(log, 9)]
    assert verify(log, heads).bad is None
    bad = verify(tamper(log), heads).bad
    assert bad is not None
    assert (bad.seq, bad.what) == (seq, what)


def test_without_heads_a_cut_off_end_cannot_be_found() -> None:
    assert verify(log_of(10)[:5]).bad is None


def test_the_first_of_two_is_named() -> None:
    log = log_of(10)
    log[7] = log[7].replace(b"r7", b"r0")
    assert verify([*log[:2], *log[3:]]).bad.seq == 2  # type: ignore[union-attr]


def test_a_source_record_that_is_there_twice_is_found() -> None:
    chain = Chain()
    [first] = chain.extend([Heard(Source("moderation", 0, 7, 1), b"k", b"v")])
    chain.next_offsets.clear()
    [second] = chain.extend([Heard(Source("moderation", 0, 7, 1), b"k", b"v")])
    bad = verify([encode_entry(first), encode_entry(second)]).bad
    assert bad is not None and (bad.seq, bad.what) == (1, "repeated")


@pytest.mark.parametrize(
    ("forge", "word"),
    [
        (lambda head: msgspec.structs.replace(head, hash="f" * 64), "not signed"),
        (lambda head: msgspec.structs.replace(head, seq=3), "not signed"),
        (lambda head: signed(head, b"another key that is long"), "not signed"),
        (lambda head: signed(msgspec.structs.replace(head, topic="audit"), KEY), "speaks of topic 'audit'"),
    ],
)
def test_a_forged_head_is_found(forge: Callable[[Head], Head], word: str) -> None:
    log = log_of(4)
    bad = verify(log, [head_of(log, 1), forge(head_of(log, 2))]).bad
    assert bad is not None and bad.what == "forged head"
    assert word in bad.detail and "line 2" in bad.detail


def test_a_writer_that_has_just_started_wakes_nobody() -> None:
    metrics = AuditMetrics()
    metrics.set_started(5_000)
    told = {name: metrics.registry.get_sample_value(f"hushtag_audit_{name}") for name in (
        "intact", "caught_up_timestamp_seconds", "verified_timestamp_seconds")}  # fmt: skip
    assert told == {"intact": 1, "caught_up_timestamp_seconds": 5, "verified_timestamp_seconds": 5}
    state = State(metrics)
    assert "verified" in state.why_not_ready()
    metrics.set_caught_up(6_000)
    assert state.why_not_ready() == ""


def test_whoever_is_woken_by_a_broken_log_finds_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = AuditMetrics()
    metrics.set_started(5_000)
    state, found = State(metrics), []
    monkeypatch.setattr(metrics.intact, "set", lambda value: found.append((value, state.why_not_ready())))
    state.mark_broken("entry 3: changed")
    assert found == [(0, "entry 3: changed")]


def test_keys_retire_in_order() -> None:
    """A new key signs on; the old one stays good for what it signed, and for nothing that came after."""
    old, new, log = b"o" * 32, b"n" * 32, log_of(6)
    resign = [signed(head_of(log, 2), old), signed(head_of(log, 2), new), signed(head_of(log, 5), new)]
    assert verify(log, resign, (old, new)).bad is None
    assert verify(rewritten_from(log, 1), resign, (old, new)).bad.seq == 2  # type: ignore[union-attr]
    stolen = [*resign[:2], signed(head_of(rewritten_from(log, 3), 5), old)]
    bad = verify(rewritten_from(log, 3), stolen, (old, new)).bad
    assert bad is not None and (bad.what, "had retired" in bad.detail) == ("forged head", True)
    bad = verify(log, resign, (new,)).bad  # whoever forgets the old key hears of it
    assert bad is not None and "not signed with this key" in bad.detail


def test_keys_of_the_environment() -> None:
    assert keys_of("b" * 16, f" {'a' * 16}, ,") == (b"a" * 16, b"b" * 16)
    for secret, retired, word in (
        ("", "", "not set"), ("short", "", "KEY is shorter"), ("b" * 16, "a", "RETIRED_KEYS is shorter"),
        ("b" * 16, "b" * 16, "twice"),
    ):  # fmt: skip
        with pytest.raises(SettingsError, match=word):
            keys_of(secret, retired)


def test_two_heads_that_contradict_each_other_are_found() -> None:
    """A log that was written anew, with the key, after its head had been exported."""
    log = log_of(4)
    anew = rewritten_from(log, 0)
    bad = verify(anew, [head_of(log, 2), head_of(anew, 2)]).bad
    assert bad is not None and "contradicts" in bad.detail


def test_a_large_record_is_kept_as_its_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain_module, "MAX_ENTRY_BYTES", 600)
    value = b"\x00" * 200  # six characters each in JSON
    [entry] = Chain().extend([Heard(Source("moderation", 0, 1, 1), b"k", value)])
    assert entry.record is None and hashlib.sha256(value).hexdigest() in entry.note
    assert verify([encode_entry(entry)]).bad is None


def test_the_canonical_form_is_pinned() -> None:
    """Whoever wrote a verifier of their own relies on it."""
    [entry] = Chain().extend([Heard(Source("moderation", 0, 7, 1), "क".encode(), b'{"a":"\\u0007/\x7f\n"}')])
    assert entry.prev == GENESIS
    assert canonical(entry).decode() == (
        '{"encoding":"utf-8","key":"क","note":"","prev":"'
        + "0" * 64
        + '","record":"{\\"a\\":\\"\\\\u0007/\x7f\\n\\"}",'
        '"seq":0,"source":{"log_time_ms":1,"offset":7,"partition":0,"topic":"moderation"}}'
    )


def test_heads_survive_their_file_and_a_crash_while_writing(tmp_path: Path) -> None:
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


def test_progress_is_not_kept_everything_else_is() -> None:
    assert not is_kept("suppression-decisions", b'{"kind":"progress","shard":1}')
    for value in (b'{"kind":"decision"}', b"{}", b"[1]", b"\xff", b'{"kind":5}', None):
        assert is_kept("suppression-decisions", value)
    assert is_kept("moderation", b'{"kind":"progress"}')


@pytest.mark.parametrize("kind", ["speaker", "speaker_details", "order_targets"])
def test_what_names_people_is_kept_as_its_hash(kind: str) -> None:
    value = json.dumps({"kind": kind, "account": "1001", "name": "Name", "actor": "lee"}).encode()
    source = Source("moderation", 0, 1, 1)
    [entry] = Chain().extend([kept(source, b"account:1001|registry|speaker|*", value)])
    line = encode_entry(entry)
    assert not any(word in line for word in (b"1001", b"Name"))
    assert hashlib.sha256(value).hexdigest() in entry.note and f"{kind} by lee" in entry.note
    for whole in (b'{"kind":"override"}', b"\xff", b'{"kind":7}'):
        assert kept(source, b"k", whole) == Heard(source, b"k", whole)
    assert kept(source, b"k", None) == Heard(source, b"k", None)


def test_what_was_lost_is_said_in_the_log() -> None:
    chain = Chain()
    [entry] = chain.extend([lost_records("moderation", 0, 3, 8)])
    assert entry.source.offset == 7 and "3 to 7" in row_of(entry).reason
    assert chain.next_offsets["moderation", 0] == 8


# --- in words ----------------------------------------------------------------------------------------------------


def entry_of(value: bytes | None, topic: str = "moderation", at_ms: int = 0) -> Any:
    return Chain().extend([Heard(Source(topic, 0, 1, at_ms), b"key", value)])[0]


def test_a_person_s_record_in_words() -> None:
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
    ],
)
def test_other_kinds_in_words(record: dict[str, str], action: str, target: str) -> None:
    row = row_of(entry_of(json.dumps(record).encode()))
    assert (row.kind, row.action, row.target) == (record["kind"], action, target)


def test_an_automated_decision_in_words() -> None:
    reasons = [{"signal": "harmful_share_lower", "value": 0.41, "threshold": 0.35}]
    rulings = [{"category": "hate", "surface": "trends", "action": "suppress", "reasons": reasons}]
    record = {"kind": "decision", "hashtag": "tag", "country": "*", "actor": "hushtag", "rulings": rulings}
    row = row_of(entry_of(json.dumps(record).encode(), "suppression-decisions"))
    assert (row.action, row.target) == ("suppress", "tag")
    assert row.reason == "hate on trends: suppress (harmful_share_lower 0.41 past 0.35)"


def test_a_policy_in_words() -> None:
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
    assert (row.actor, row.reason) == ("ann", "better: model old → new"), "not who put the policy live"


def test_what_workers_report_of_their_files_is_no_decision() -> None:
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
def test_anything_can_be_told(value: bytes, topic: str) -> None:
    row = row_of(entry_of(value, topic))
    assert row.hash and all(isinstance(cell, str | int) for cell in row.as_dict().values())


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [
        (Wanted(), True), (Wanted(kind="override"), True), (Wanted(kind="undo"), False), (Wanted(target="tag"), True),
        (Wanted(actor="ben"), False), (Wanted(country="IN"), True), (Wanted(from_ms=100), True),
        (Wanted(from_ms=101), False), (Wanted(to_ms=100), False), (Wanted(to_ms=101), True),
    ],
)  # fmt: skip
def test_filters(wanted: Wanted, taken: bool) -> None:
    entry = entry_of(b'{"kind":"override","hashtag":"tag","actor":"ann","country":"IN"}', at_ms=100)
    assert wanted.takes(entry, row_of(entry)) is taken


# --- the commands, on a copy in a file ---------------------------------------------------------------------------


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


def test_verify_a_copy(hushtag: Callable[..., Result], copied: tuple[Path, Path]) -> None:
    log, heads = copied
    result = hushtag("verify", "--file", str(log), "--heads", str(heads))
    assert (result.exit_code, "all entries, 5" in result.stdout) == (0, True)
    log.write_bytes(log.read_bytes().replace(b"r2", b"r3"))
    result = hushtag("verify", "--file", str(log), "--heads", str(heads), "--json")
    told = json.loads(result.stdout)
    assert (result.exit_code, told["ok"], told["bad"]["seq"], told["bad"]["what"]) == (3, False, 2, "changed")
    assert "entry 2: changed" in hushtag("verify", "--file", str(log), "--chain-only").stdout


def test_verify_wants_heads_and_a_key(
    hushtag: Callable[..., Result], copied: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    log, heads = copied
    assert isinstance(hushtag("verify", "--file", str(log)).exception, CallerMistake)
    monkeypatch.setenv("HUSHTAG_AUDIT_KEY", "short")
    error = hushtag("verify", "--file", str(log), "--heads", str(heads)).exception
    assert isinstance(error, SettingsError) and "shorter" in str(error)


def test_export_a_copy(hushtag: Callable[..., Result], copied: tuple[Path, Path]) -> None:
    log, _ = copied
    rows = [json.loads(line) for line in hushtag("export", "--file", str(log)).stdout.splitlines()]
    assert [(row["seq"], row["reason"]) for row in rows] == [(i, f"r{i}") for i in range(5)]
    table = hushtag("export", "--file", str(log), "--format", "csv", "--from", "1970-01-01T00:00:01.003Z").stdout
    assert [line.split(",")[0] for line in table.splitlines()] == ["seq", "3", "4"]
    formula = Heard(Source("moderation", 0, 1, 1), b"k", b'{"kind":"override","reason":"=1+1"}')
    log.with_name("formula").write_bytes(encode_entry(Chain().extend([formula])[0]) + b"\n")
    told = hushtag("export", "--file", str(log.with_name("formula")), "--format", "csv").stdout
    assert ",'=1+1," in told
    assert hushtag("export", "--file", str(log), "--format", "raw").stdout_bytes == log.read_bytes()
    assert isinstance(hushtag("export", "--format", "raw", "--kind", "undo").exception, CallerMistake)
    assert isinstance(hushtag("export", "--from", "yesterday").exception, CallerMistake)


def test_the_verifier_in_the_documentation_works(copied: tuple[Path, Path]) -> None:
    log, _ = copied
    [program] = re.findall(r"```python\n(.*?)```", Path("docs/audit.md").read_text(), re.DOTALL)

    def run() -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([sys.executable, "-c", program], input=log.read_bytes(), capture_output=True)

    assert run().stdout.decode().split() == ["head", decode_entry(log_of(5)[4]).hash]
    log.write_bytes(log.read_bytes().replace(b"r2", b"r3"))
    assert run().stderr.decode().strip() == "entry 2 is not as it was written"


def test_decoding_says_what_is_wrong() -> None:
    with pytest.raises(ContractError, match="not_an_entry"):
        decode_entry(None)
