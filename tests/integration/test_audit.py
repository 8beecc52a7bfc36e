"""The audit log on a real broker: exactly once despite kills, a single writer, and detected tampering."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import msgspec
import pytest
from aiokafka import AIOKafkaProducer
from kafka.admin import KafkaAdminClient
from kafka.structs import TopicPartition as KafkaPartition
from pydantic import SecretStr

from moderation.audit.chain import AuditEntry, Chain, decode_entry, encode_entry
from moderation.audit.heads import append_head, read_heads, signed, signer_of
from moderation.audit.inputs import AuditInput, SourcePosition
from moderation.audit.reading import read_topic
from moderation.audit.writer import AuditBroken, AuditWriter
from moderation.drafts import OverrideDraft
from moderation.fenced_writer import TakenOver
from moderation.service import ModerationService
from streams.clock import now_ms
from streams.errors import DependencyAway
from streams.log.decisions import Decision, ScopeDecision, encode_record, version_of
from streams.log.reading import LogReader, connection
from streams.log.topics import create_topics
from streams.naming import tag_of
from streams.settings import Settings
from tests.support.workers import free_port

pytestmark = pytest.mark.integration
KEY = "k" * 32


@pytest.fixture
def keyed(topics: Settings) -> Settings:
    return topics.model_copy(update={"audit_key": SecretStr(KEY)})


def draft(tag: str) -> OverrideDraft:
    return OverrideDraft(tag_of(tag), "block", "*", ("trends",), "ann", "r", now_ms() + 3_600_000)


async def send(settings: Settings, topic: str, partition: int, values: Sequence[bytes | None]) -> None:
    async with AIOKafkaProducer(bootstrap_servers=settings.kafka, linger_ms=5) as producer:
        for value in values:
            await producer.send(settings.topic(topic), value, key=b"k", partition=partition)
        await producer.flush()


async def raw(settings: Settings) -> list[bytes]:
    return [value or b"" async for _, value in read_topic(settings)]


async def end_of_the_log(settings: Settings) -> int:
    async with LogReader(connection(settings), settings.topic("audit")) as reader:
        return (await reader.bounds())[0].end


async def entries(settings: Settings) -> list[AuditEntry]:
    return [decode_entry(value) for value in await raw(settings)]


def sources(log: Sequence[AuditEntry]) -> list[tuple[str, int, int]]:
    return [(e.source.topic, e.source.partition, e.source.offset) for e in log]


def environment(settings: Settings) -> dict[str, str]:
    return os.environ | {
        "HUSHTAG_KAFKA": settings.kafka,
        "HUSHTAG_TOPIC_PREFIX": settings.topic_prefix,
        "HUSHTAG_AUDIT_KEY": KEY,
        "HUSHTAG_LOG_LEVEL": "warning",
    }


def command(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = [str(Path(sys.executable).parent / "hushtag"), "audit", *arguments]
    return subprocess.run(program, env=environment(settings), capture_output=True, text=True, timeout=120)


async def test_every_decision_is_logged_once(keyed: Settings, tmp_path: Path) -> None:
    heads = tmp_path / "heads"
    async with ModerationService(keyed) as desk:
        await desk.override([draft("one"), draft("two")])
        await send(keyed, "suppression-decisions", 2, [b'{"kind":"progress"}', b'{"kind":"decision"}', b"\xff"])
        await send(keyed, "policy", 0, [b'{"revision":"r"}', None])
        async with AuditWriter(keyed, heads) as writer:
            assert await writer.catch_up() == 6
            assert await writer.catch_up() == 0
            await desk.override([draft("three")])
            assert await writer.catch_up() == 1
            writer.export_head()
    async with AuditWriter(keyed, heads) as again:
        assert await again.catch_up() == 0
    log = await entries(keyed)
    assert sorted(sources(log)) == [
        *(("moderation", 0, offset) for offset in range(3)),
        ("policy", 0, 0),
        ("policy", 0, 1),
        ("suppression-decisions", 2, 1),
        ("suppression-decisions", 2, 2),
    ]
    result = await asyncio.to_thread(command, keyed, "verify", "--heads", str(heads))
    assert result.returncode == 0, result.stderr
    assert "all entries, 7" in result.stdout
    exported = await asyncio.to_thread(command, keyed, "export", "--kind", "override", "--tag", "#Three")
    assert [json.loads(line)["target"] for line in exported.stdout.splitlines()] == ["three"]


async def test_killed_writer_loses_and_repeats_nothing(keyed: Settings, tmp_path: Path) -> None:
    """The process is killed repeatedly while records arrive; each next one continues at the log's end."""
    heads, sent, killed = tmp_path / "heads", [0] * 4, 0
    program = [str(Path(sys.executable).parent / "hushtag"), "audit", "run", "--heads", str(heads)]

    async def produce() -> None:
        while killed < 4:
            partition = sum(sent) // 500 % 4
            values = [b'{"kind":"decision","hashtag":"t%d"}' % n for n in range(500)]
            await send(keyed, "suppression-decisions", partition, values)
            sent[partition] += len(values)
            await asyncio.sleep(0.3)

    async with asyncio.TaskGroup() as group:
        group.create_task(produce())
        while killed < 4:
            before = await end_of_the_log(keyed)
            process = subprocess.Popen(program, env=environment(keyed), stderr=subprocess.DEVNULL)
            try:
                while await end_of_the_log(keyed) == before:
                    assert process.poll() is None
                    await asyncio.sleep(0.02)
                await asyncio.sleep(0.13 * killed)
            finally:
                process.kill()
                await asyncio.to_thread(process.wait)
            killed += 1
    finished = await asyncio.to_thread(command, keyed, "run", "--once", "--heads", str(heads))
    assert finished.returncode == 0, finished.stderr
    log = await entries(keyed)
    assert sorted(sources(log)) == [("suppression-decisions", p, o) for p in range(4) for o in range(sent[p])]
    assert (await asyncio.to_thread(command, keyed, "verify", "--heads", str(heads))).returncode == 0


async def test_metrics_show_progress_and_a_broken_log(keyed: Settings, tmp_path: Path) -> None:
    heads, port = tmp_path / "heads", free_port()
    program = [str(Path(sys.executable).parent / "hushtag"), "audit", "run", "--heads", str(heads)]
    program += ["--metrics-port", str(port)]

    def fetched(path: str) -> tuple[int, str]:
        try:
            with urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def numbers() -> dict[str, float]:
        lines = [line.rsplit(" ", 1) for line in fetched("/metrics")[1].splitlines() if line.startswith("hushtag_")]
        return {name.removeprefix("hushtag_audit_"): float(value) for name, value in lines}

    async def until(holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(120):
            while not await asyncio.to_thread(holds):
                await asyncio.sleep(0.1)

    began = time.time()
    await send(keyed, "suppression-decisions", 1, [b'{"kind":"decision"}'] * 30)
    process = subprocess.Popen(program, env=environment(keyed), stderr=subprocess.DEVNULL)
    try:
        await until(lambda: fetched("/readyz")[0] == 200 and numbers().get("entries") == 30)
        await send(keyed, "policy", 0, [b'{"serial":1}'])
        await until(lambda: numbers().get("entries") == 31 and numbers().get('behind_records{topic="policy"}') == 0)
        metrics = await asyncio.to_thread(numbers)
        assert {name: value for name, value in metrics.items() if name.startswith(("behind", "lost"))} == {
            f'{what}{{topic="{topic}"}}': 0
            for what in ("behind_records", "lost_records_total")
            for topic in ("moderation", "policy", "suppression-decisions")
        }
        assert metrics["intact"] == 1
        assert began <= metrics["verified_timestamp_seconds"] <= metrics["caught_up_timestamp_seconds"] <= time.time()
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 60) == 0
    finally:
        process.kill()
        process.wait()
    assert [head.seq for _, head in read_heads(heads)][-1] == 30
    _, last = read_heads(heads)[-1]
    append_head(heads, signed(msgspec.structs.replace(last, seq=99), KEY.encode()))  # so there were entries 31 to 99
    process = subprocess.Popen(program, env=environment(keyed), stderr=subprocess.PIPE, text=True)
    try:
        await until(lambda: numbers().get("intact") == 0)
        status, answer = await asyncio.to_thread(fetched, "/readyz")
        assert status == 503 and "entry 31: cut off" in json.loads(answer)["reason"]
        process.send_signal(signal.SIGTERM)
        _, stderr = await asyncio.to_thread(process.communicate, None, 60)
        assert process.returncode == 3 and "entry 31: cut off" in stderr
    finally:
        process.kill()
        process.wait()
    assert len(await entries(keyed)) == 31


async def test_new_key_signs_the_head_again(keyed: Settings, tmp_path: Path) -> None:
    heads = tmp_path / "heads"
    await send(keyed, "policy", 0, [b'{"serial":1}'])
    async with AuditWriter(keyed, heads) as writer:
        await writer.catch_up()
        writer.export_head()
    turned = keyed.model_copy(update={"audit_key": SecretStr("n" * 32), "audit_retired_keys": SecretStr(KEY)})
    async with AuditWriter(turned, heads):
        pass
    assert [(head.seq, signer_of(head, (KEY.encode(), b"n" * 32))) for _, head in read_heads(heads)] == [(0, 0), (0, 1)]
    async with AuditWriter(turned, heads):
        pass
    assert len(read_heads(heads)) == 2
    with pytest.raises(AuditBroken, match="not signed with this key"):
        async with AuditWriter(turned.model_copy(update={"audit_retired_keys": SecretStr("")}), heads):
            pass


async def test_second_writer_fences_the_first(keyed: Settings, tmp_path: Path) -> None:
    async with AuditWriter(keyed, tmp_path / "heads") as first:
        await send(keyed, "policy", 0, [b'{"serial":1}'])
        await first.catch_up()
        async with AuditWriter(keyed, tmp_path / "heads") as second:
            await send(keyed, "policy", 0, [b'{"serial":2}'])
            with pytest.raises(TakenOver):
                await first.catch_up()
            assert await second.catch_up() == 1
    assert sources(await entries(keyed)) == [("policy", 0, 0), ("policy", 0, 1)]


async def test_lost_records_become_a_note(keyed: Settings, tmp_path: Path) -> None:
    await send(keyed, "suppression-decisions", 1, [b'{"kind":"decision"}'] * 10)
    await asyncio.to_thread(drop, keyed, 1, 6)
    async with AuditWriter(keyed, tmp_path / "heads") as writer:
        assert await writer.catch_up() == 5
    log = await entries(keyed)
    assert "offsets 0 to 5 were gone" in log[0].note
    assert [entry.source.offset for entry in log] == [5, 6, 7, 8, 9]


def drop(settings: Settings, partition: int, before: int) -> None:
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka)
    try:
        admin.delete_records({KafkaPartition(settings.topic("suppression-decisions"), partition): before})
    finally:
        admin.close()


async def test_report_counts_decisions_only_in_the_audit_log(keyed: Settings, tmp_path: Path) -> None:
    began_ms = now_ms()
    decisions = [
        Decision(
            hashtag=f"t{n}", display=f"T{n}", country="IN", version=version_of(n, n), tick_ms=n, settled_ms=n,
            decided_at_ms=began_ms + n, policy_revision="p", model_revision="m",
            rulings=(ScopeDecision(category="hate", surface="trends", action="suppress", since_ms=0,
                            expires_at_ms=began_ms + 60_000),),
        )
        for n in range(20)
    ]  # fmt: skip

    async def report() -> dict[str, Any]:
        today = datetime.fromtimestamp(began_ms / 1000, UTC).date().isoformat()
        program = [str(Path(sys.executable).parent / "hushtag"), "report", "--from", today, "--to", today, "--json"]
        ran = await asyncio.to_thread(
            subprocess.run, program, env=environment(keyed), capture_output=True, text=True, timeout=120
        )
        assert ran.returncode == 0, ran.stderr
        numbers = dict(json.loads(ran.stdout))
        del numbers["as_of_ms"]  # the moment of the command
        return numbers

    await send(keyed, "suppression-decisions", 0, [encode_record(one) for one in decisions[:10]])
    await send(keyed, "suppression-decisions", 1, [encode_record(one) for one in decisions[10:]])
    alone = await report()
    async with AuditWriter(keyed, tmp_path / "heads") as writer:
        await writer.catch_up()
    both = await report()
    await asyncio.to_thread(drop, keyed, 0, 8)
    await asyncio.to_thread(drop, keyed, 1, 10)
    aged = await report()
    assert alone == both == aged
    assert (aged["hashtags_suppressed_by_category"], aged["automated_decisions_lacking"]) == ({"hate": 20}, [])
    await send(keyed, "suppression-decisions", 1, [encode_record(decisions[0])] * 3)
    await asyncio.to_thread(drop, keyed, 1, 12)  # gone before the log had them
    assert [hole["to_ms"] for hole in (await report())["automated_decisions_lacking"]] != []


async def test_progress_removed_by_retention_is_no_loss(keyed: Settings, tmp_path: Path) -> None:
    await send(keyed, "suppression-decisions", 1, [b'{"kind":"progress"}'] * 10)
    async with AuditWriter(keyed, tmp_path / "heads") as writer:
        assert await writer.catch_up() == 0
        assert await writer.write(writer.checkpoints()) == 1
        writer.export_head()
    await asyncio.to_thread(drop, keyed, 1, 10)
    async with AuditWriter(keyed, tmp_path / "heads") as writer:
        assert await writer.catch_up() == 0
    [entry] = await entries(keyed)
    assert (entry.source.offset, entry.note.startswith("read up to here")) == (9, True)


TAMPERINGS: list[tuple[Callable[[list[bytes]], list[bytes]], int, str]] = [
    (lambda log: [*log[:3], log[3].replace(b"ann", b"ben"), *log[4:]], 3, "changed"),
    (lambda log: [*log[:3], *log[4:]], 3, "missing"),
    (lambda log: [*log[:3], log[4], log[3], *log[5:]], 3, "out of order"),
    (lambda log: log[:6], 6, "cut off"),
]


@pytest.mark.parametrize(("tamper", "seq", "what"), TAMPERINGS, ids=[what for _, _, what in TAMPERINGS])
async def test_tampering_is_detected(
    keyed: Settings, tmp_path: Path, tamper: Callable[[list[bytes]], list[bytes]], seq: int, what: str
) -> None:
    """An attacker with write access replaces the topic by a forged one; the heads stay unchanged."""
    heads = tmp_path / "heads"
    async with ModerationService(keyed) as desk:
        await desk.override([draft(f"t{n}") for n in range(8)])
    async with AuditWriter(keyed, heads) as writer:
        await writer.catch_up()
        writer.export_head()
    log = await raw(keyed)
    admin = KafkaAdminClient(bootstrap_servers=keyed.kafka)
    try:
        admin.delete_topics([keyed.topic("audit")])
    finally:
        admin.close()
    await asyncio.to_thread(remade, keyed)
    await send(keyed, "audit", 0, tamper(log))
    result = await asyncio.to_thread(command, keyed, "verify", "--heads", str(heads), "--json")
    report = json.loads(result.stdout)
    assert (result.returncode, report["bad"]["seq"], report["bad"]["what"]) == (3, seq, what)
    with pytest.raises(AuditBroken, match=f"entry {seq}: {what}"):
        async with AuditWriter(keyed, heads):
            pass


def remade(settings: Settings) -> None:
    """Create a topic once the broker has released its name."""
    deadline = time.monotonic() + 90
    while True:
        try:
            create_topics(settings)
            return
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


async def append_without_writer(settings: Settings, *inputs: AuditInput) -> None:
    """Append entries with correct hashes, as a program with write access can while no writer runs."""
    chain = Chain()
    for entry in await entries(settings):
        chain.apply(entry)
    await send(settings, "audit", 0, [encode_entry(entry) for entry in chain.extend(inputs)])


def decision_input(offset: int, value: bytes, log_time_ms: int = 1) -> AuditInput:
    return AuditInput(SourcePosition("suppression-decisions", 1, offset, log_time_ms), b"k", value)


async def test_writer_refuses_to_sign_a_foreign_tail(keyed: Settings, tmp_path: Path) -> None:
    heads = tmp_path / "heads"
    await send(keyed, "suppression-decisions", 1, [b'{"kind":"decision","n":0}'])
    async with AuditWriter(keyed, heads) as writer:
        await writer.catch_up()
        writer.export_head()
    await append_without_writer(keyed, decision_input(1, b'{"kind":"decision","n":"forged"}'))
    await send(keyed, "suppression-decisions", 1, [b'{"kind":"decision","n":1}'])
    with pytest.raises(
        AuditBroken, match=r"altered: suppression-decisions\[1\] offset 1, entry 1.*Nothing was signed"
    ) as error:
        async with AuditWriter(keyed, heads):
            pass
    assert "docs/audit.md" in error.value.fix
    assert [head.seq for _, head in read_heads(heads)] == [0]
    result = await asyncio.to_thread(command, keyed, "verify", "--heads", str(heads), "--sources", "--json")
    report = json.loads(result.stdout)
    assert (result.returncode, report["ok"], report["bad"]) == (3, True, None)
    assert [(one["kind"], one["offset"], one["entry"]) for one in report["sources"]["differences"]] == [
        ("altered", 1, 1)
    ]


async def test_writer_refuses_an_entry_beyond_its_source(keyed: Settings, tmp_path: Path) -> None:
    """The entry moves the read position, so the true record at that offset would never be logged."""
    await send(keyed, "suppression-decisions", 1, [b'{"kind":"decision","n":0}'])
    await append_without_writer(keyed, decision_input(5, b'{"kind":"decision"}'))
    with pytest.raises(AuditBroken, match=r"2 records; the first: missing: .*offset 0"):
        async with AuditWriter(keyed, tmp_path / "heads"):
            pass
    assert not (tmp_path / "heads").exists()


async def test_writer_signs_its_own_tail_after_a_kill(keyed: Settings, tmp_path: Path) -> None:
    heads = tmp_path / "heads"
    progress, made = b'{"kind":"progress"}', b'{"kind":"decision"}'
    await send(keyed, "suppression-decisions", 1, [made] * 4)
    await asyncio.to_thread(drop, keyed, 1, 2)
    async with ModerationService(keyed) as desk:
        await desk.override([draft("one")])
    async with AuditWriter(keyed, heads) as writer:
        await send(keyed, "suppression-decisions", 1, [progress, made, progress])
        await writer.catch_up()
        await writer.write(writer.checkpoints())
    assert not heads.exists(), "killed before the first head"
    assert [entry.note[:7] for entry in await entries(keyed) if entry.note] == ["lost: o", "read up"]
    async with AuditWriter(keyed, heads) as again:
        assert await again.catch_up() == 0
    assert [head.seq for _, head in read_heads(heads)] == [len(await entries(keyed)) - 1]
    result = await asyncio.to_thread(command, keyed, "verify", "--heads", str(heads), "--sources")
    assert result.returncode == 0 and "0 records differ" in result.stdout, result.stdout


@pytest.mark.long
async def test_unsigned_entries_without_sources_need_consent(keyed: Settings, tmp_path: Path) -> None:
    heads = tmp_path / "heads"
    await send(keyed, "suppression-decisions", 1, [b'{"kind":"decision"}'] * 3)
    async with AuditWriter(keyed, heads) as writer:
        await writer.catch_up()
    await asyncio.to_thread(drop, keyed, 1, 2)
    with pytest.raises(AuditBroken, match="2 unsigned entries, the first is 0, cannot be compared") as error:
        async with AuditWriter(keyed, heads):
            pass
    assert "--sign-unchecked" in error.value.fix
    ran = await asyncio.to_thread(command, keyed, "run", "--once", "--sign-unchecked", "--heads", str(heads))
    assert ran.returncode == 0, ran.stderr
    assert [head.seq for _, head in read_heads(heads)] == [2]


async def test_running_writer_finds_a_foreign_tail(keyed: Settings, tmp_path: Path) -> None:
    await send(keyed, "suppression-decisions", 1, [b'{"kind":"decision"}'])
    async with AuditWriter(keyed, tmp_path / "heads") as writer:
        await writer.catch_up()
        await writer.verify()
        await append_without_writer(keyed, decision_input(1, b'{"kind":"decision"}'))
        with pytest.raises(AuditBroken, match="entry 1: added"):
            await writer.verify()


async def test_missing_broker_is_reported(keyed: Settings, tmp_path: Path) -> None:
    away = keyed.model_copy(update={"kafka": "127.0.0.1:1"})
    with pytest.raises(DependencyAway):
        async with AuditWriter(away, tmp_path / "heads"):
            pass
