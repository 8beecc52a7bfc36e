"""The audit log on a real broker: exactly once despite kills, a single writer, and detected tampering."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from pydantic import SecretStr

from devkit.stack.ports import free_port
from moderation.domain.appeals.fold import appeal_fold_of
from moderation.domain.restrictions.collection import decision_restrictions
from moderation.log.fenced_writer import TakenOver
from moderation.log.service import ModerationService
from moderation.publiclog.checkpoint_topic import read_checkpoints
from moderation.publiclog.entries import AuditEntry
from moderation.publiclog.faults import AuditBroken
from moderation.publiclog.keys import log_keys
from moderation.publiclog.reading import log_state
from moderation.publiclog.state import STATE_KEY, open_state
from moderation.publiclog.writer import AuditWriter
from streams.clock import now_ms
from streams.errors import EXIT_CALLER, DependencyAway
from streams.log.decisions import Decision, ScopeDecision, encode_record, version_of
from streams.settings import Settings
from tests.support.public_log import (
    HUSHTAG,
    LOG_KEY,
    NEW_LOG_KEY,
    append_without_writer,
    command,
    decision_input,
    draft,
    drop_decisions,
    end_of_the_log,
    entries,
    environment,
    raw,
    replace_topic,
    send,
    send_pairs,
    with_keys,
)

pytestmark = pytest.mark.integration
Pair = tuple[bytes | None, bytes | None]


@pytest.fixture
def keyed(topics: Settings) -> Settings:
    return with_keys(topics)


def sources(log: Sequence[AuditEntry]) -> list[tuple[str, int, int]]:
    found = [entry.input for entry in log]
    return [(one.source.topic, one.source.partition, one.source.offset) for one in found if one is not None]


async def signed_size(settings: Settings) -> int:
    signed = (await log_state(settings)).signed
    return 0 if signed is None else signed.size


async def test_every_decision_is_logged_once(keyed: Settings) -> None:
    async with ModerationService(keyed) as desk:
        await desk.override([draft("one"), draft("two")])
        await send(keyed, "suppression-decisions", 2, [b'{"kind":"progress"}', b'{"kind":"decision"}', b"\xff"])
        await send(keyed, "policy", 0, [b'{"revision":"r"}', None])
        async with AuditWriter(keyed) as writer:
            assert await writer.catch_up() == 6
            assert await writer.catch_up() == 0
            await desk.override([draft("three")])
            assert await writer.catch_up() == 1
            await writer.sign()
    async with AuditWriter(keyed) as again:
        assert await again.catch_up() == 0
    log = await entries(keyed)
    assert [entry.number for entry in log] == list(range(7))
    assert sorted(sources(log)) == [
        *(("moderation", 0, offset) for offset in range(3)),
        ("policy", 0, 0),
        ("policy", 0, 1),
        ("suppression-decisions", 2, 1),
        ("suppression-decisions", 2, 2),
    ]
    result = await asyncio.to_thread(command, keyed, "verify")
    assert result.returncode == 0, result.stderr
    assert "all entries, 7" in result.stdout
    exported = await asyncio.to_thread(command, keyed, "export", "--kind", "override", "--tag", "#Three")
    assert [json.loads(line)["target"] for line in exported.stdout.splitlines()] == ["three"]


async def test_killed_writer_loses_and_repeats_nothing(keyed: Settings) -> None:
    """The process is killed repeatedly while records arrive; each next one continues at the log's end."""
    sent, killed = [0] * 4, 0

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
            process = subprocess.Popen([HUSHTAG, "audit", "run"], env=environment(keyed), stderr=subprocess.DEVNULL)
            try:
                while await end_of_the_log(keyed) == before:
                    assert process.poll() is None
                    await asyncio.sleep(0.02)
                await asyncio.sleep(0.13 * killed)
            finally:
                process.kill()
                await asyncio.to_thread(process.wait)
            killed += 1
    finished = await asyncio.to_thread(command, keyed, "run", "--once")
    assert finished.returncode == 0, finished.stderr
    log = await entries(keyed)
    assert sorted(sources(log)) == [("suppression-decisions", p, o) for p in range(4) for o in range(sent[p])]
    verified = await asyncio.to_thread(command, keyed, "verify", "--sources")
    assert verified.returncode == 0, verified.stdout


async def test_metrics_show_progress_and_a_broken_log(keyed: Settings) -> None:
    port = free_port()
    program = [HUSHTAG, "audit", "run", "--metrics-port", str(port)]

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
    process = subprocess.Popen(program, env=environment(keyed), stderr=subprocess.DEVNULL, text=True)
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
    assert await signed_size(keyed) == 31
    await replace_topic(keyed, "audit", (await raw(keyed, "audit"))[:29])
    process = subprocess.Popen(program, env=environment(keyed), stderr=subprocess.PIPE, text=True)
    try:
        await until(lambda: numbers().get("intact") == 0)
        status, answer = await asyncio.to_thread(fetched, "/readyz")
        assert status == 503 and "entry 30: cut off" in json.loads(answer)["reason"]
        process.send_signal(signal.SIGTERM)
        _, stderr = await asyncio.to_thread(process.communicate, None, 60)
        assert process.returncode == 3 and "entry 30: cut off" in stderr
    finally:
        process.kill()
        process.wait()
    assert await signed_size(keyed) == 31


async def test_new_key_signs_beside_the_old_one(keyed: Settings) -> None:
    await send(keyed, "policy", 0, [b'{"serial":1}'])
    async with AuditWriter(keyed) as writer:
        await writer.catch_up()
        await writer.sign()
    new = {"audit_key": SecretStr(NEW_LOG_KEY.encode()), "audit_log_key": ""}
    both = keyed.model_copy(update=new | {"audit_other_keys": SecretStr(LOG_KEY.encode())})
    with pytest.raises(AuditBroken, match="not signed by a key"):
        async with AuditWriter(keyed.model_copy(update=new)):
            pass
    async with AuditWriter(both):
        pass
    state = (await read_checkpoints(keyed)).state
    assert state is not None
    signed_by = open_state(state, log_keys(both), "t").signed_by
    assert signed_by == {LOG_KEY.public_key.key_id, NEW_LOG_KEY.public_key.key_id}
    async with AuditWriter(keyed.model_copy(update=new)):
        pass


async def test_second_writer_fences_the_first(keyed: Settings) -> None:
    async with AuditWriter(keyed) as first:
        await send(keyed, "policy", 0, [b'{"serial":1}'])
        await first.catch_up()
        async with AuditWriter(keyed) as second:
            await send(keyed, "policy", 0, [b'{"serial":2}'])
            with pytest.raises(TakenOver):
                await first.catch_up()
            assert await second.catch_up() == 1
    assert sources(await entries(keyed)) == [("policy", 0, 0), ("policy", 0, 1)]


async def test_lost_records_become_a_note(keyed: Settings) -> None:
    await send(keyed, "suppression-decisions", 1, [b'{"kind":"decision"}'] * 10)
    await asyncio.to_thread(drop_decisions, keyed, 1, 6)
    async with AuditWriter(keyed) as writer:
        assert await writer.catch_up() == 5
    log = await entries(keyed)
    assert "offsets 0 to 5 were gone" in str(log[0].opening.value("note"))
    assert [offset for _, _, offset in sources(log)] == [5, 6, 7, 8, 9]


async def test_report_counts_decisions_only_in_the_audit_log(keyed: Settings) -> None:
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
        program = [HUSHTAG, "report", "--from", today, "--to", today, "--json"]
        ran = await asyncio.to_thread(
            subprocess.run, program, env=environment(keyed), capture_output=True, text=True, timeout=120
        )
        assert ran.returncode == 0, ran.stderr
        numbers = dict(json.loads(ran.stdout))
        del numbers["as_of_ms"]  # the moment of the command
        numbers.pop("log", None)
        return numbers

    await send(keyed, "suppression-decisions", 0, [encode_record(one) for one in decisions[:10]])
    await send(keyed, "suppression-decisions", 1, [encode_record(one) for one in decisions[10:]])
    alone = await report()
    async with AuditWriter(keyed) as writer:
        await writer.catch_up()
        await writer.sign()
    both = await report()
    await asyncio.to_thread(drop_decisions, keyed, 0, 8)
    await asyncio.to_thread(drop_decisions, keyed, 1, 10)
    aged = await report()
    assert alone == both == aged
    assert (aged["hashtags_suppressed_by_category"], aged["automated_decisions_lacking"]) == ({"hate": 20}, [])
    await send(keyed, "suppression-decisions", 1, [encode_record(decisions[0])] * 3)
    await asyncio.to_thread(drop_decisions, keyed, 1, 12)  # gone before the log had them
    assert [hole["to_ms"] for hole in (await report())["automated_decisions_lacking"]] != []


async def test_appeal_finds_a_decision_that_left_its_topic(keyed: Settings) -> None:
    at_ms = now_ms()
    ruling = ScopeDecision(
        category="hate", surface="trends", action="suppress", since_ms=at_ms, expires_at_ms=at_ms + 1
    )
    decided = Decision(
        hashtag="rumour", display="Rumour", country="IN", version=version_of(1, 1), tick_ms=1, settled_ms=1,
        decided_at_ms=at_ms, policy_revision="p", model_revision="m", rulings=(ruling,),
    )  # fmt: skip
    [restriction] = decision_restrictions(decided)
    await send(keyed, "suppression-decisions", 0, [encode_record(decided)])
    async with AuditWriter(keyed) as writer:
        await writer.catch_up()
        await writer.sign()
    await asyncio.to_thread(drop_decisions, keyed, 0, 1)
    for reference, exit_code in ((restriction.reference, 0), ("hushtag-" + "0" * 24, EXIT_CALLER)):
        program = [HUSHTAG, "appeal", "file", reference, "-r", "it is a film", "--actor", "clerk"]
        ran = await asyncio.to_thread(
            subprocess.run, program, env=environment(keyed), capture_output=True, text=True, timeout=120
        )
        assert ran.returncode == exit_code, ran.stderr
    async with ModerationService(keyed) as desk:
        await desk.refresh()
        [status] = appeal_fold_of(desk.view).appeals.values()
    assert (status.appeal.hashtag, status.appeal.case) == ("rumour", restriction.reference)


async def test_progress_removed_by_retention_is_no_loss(keyed: Settings) -> None:
    await send(keyed, "suppression-decisions", 1, [b'{"kind":"progress"}'] * 10)
    async with AuditWriter(keyed) as writer:
        assert await writer.catch_up() == 0
        assert await writer.write(writer.checkpoints()) == 1
        await writer.sign()
    await asyncio.to_thread(drop_decisions, keyed, 1, 10)
    async with AuditWriter(keyed) as writer:
        assert await writer.catch_up() == 0
    [entry] = await entries(keyed)
    assert (sources([entry])[0][2], str(entry.opening.value("note")).startswith("read up to here")) == (9, True)


TAMPERINGS: list[tuple[str, Callable[[list[Pair]], list[Pair]], int, str, bool]] = [
    ("audit", lambda log: [*log[:3], (log[3][0], log[4][1]), *log[4:]], 3, "changed", False),
    ("audit", lambda log: [*log[:3], *log[4:]], 3, "missing", False),
    ("audit", lambda log: [*log[:3], log[4], log[3], *log[5:]], 3, "out of order", False),
    ("audit", lambda log: log[:6], 6, "cut off", True),
    ("audit-openings", lambda log: [*log[:3], (log[3][0], log[4][1]), *log[4:]], 3, "changed", False),
    ("audit-openings", lambda log: [*log[:3], *log[4:]], 3, "missing", False),
    ("audit-openings", lambda log: [*log, (log[3][0], None)], 3, "missing", False),
    ("audit-checkpoints", lambda log: [], 0, "", True),
]


@pytest.mark.parametrize(
    ("topic", "tamper", "number", "what", "stops"), TAMPERINGS, ids=[f"{row[0]} {row[3]}" for row in TAMPERINGS]
)
async def test_tampering_of_topics_is_detected(
    keyed: Settings, topic: str, tamper: Callable[[list[Pair]], list[Pair]], number: int, what: str, stops: bool
) -> None:
    """An attacker with write access replaces a topic by a forged one."""
    async with ModerationService(keyed) as desk:
        await desk.override([draft(f"t{n}") for n in range(8)])
    async with AuditWriter(keyed) as writer:
        await writer.catch_up()
        await writer.sign()
    await replace_topic(keyed, topic, tamper(await raw(keyed, topic)))
    if what:
        result = await asyncio.to_thread(command, keyed, "verify", "--json")
        report = json.loads(result.stdout)
        assert (result.returncode, report["bad"]["number"], report["bad"]["what"]) == (3, number, what), report
    if topic == "audit-checkpoints":
        return
    if stops:
        with pytest.raises(AuditBroken, match=what):
            async with AuditWriter(keyed):
                pass
        return
    async with AuditWriter(keyed) as again:
        with pytest.raises(AuditBroken, match=f"(entry {number}: {what})|(changed)"):
            await again.verify()


async def test_forged_state_of_the_writer_is_refused(keyed: Settings) -> None:
    """A later read position would let the writer pass over records."""
    await send(keyed, "policy", 0, [b'{"serial":1}'])
    async with AuditWriter(keyed) as writer:
        await writer.catch_up()
        await writer.sign()
    state = json.loads((await read_checkpoints(keyed)).state or b"")
    forged = json.dumps(state | {"positions": [["policy", 0, 5]]}, sort_keys=True, separators=(",", ":"))
    await send_pairs(keyed, "audit-checkpoints", 0, [(STATE_KEY, forged.encode())])
    with pytest.raises(AuditBroken, match="its seal does not fit"):
        async with AuditWriter(keyed):
            pass


async def test_writer_refuses_to_sign_a_foreign_tail(keyed: Settings) -> None:
    await send(keyed, "suppression-decisions", 1, [b'{"kind":"decision","n":0}'])
    async with AuditWriter(keyed) as writer:
        await writer.catch_up()
        await writer.sign()
    await append_without_writer(keyed, decision_input(1, b'{"kind":"decision","n":"forged"}'))
    await send(keyed, "suppression-decisions", 1, [b'{"kind":"decision","n":1}'])
    with pytest.raises(
        AuditBroken, match=r"altered: suppression-decisions\[1\] offset 1, entry 1.*Nothing was signed"
    ) as error:
        async with AuditWriter(keyed):
            pass
    assert "docs/audit.md" in error.value.fix
    assert await signed_size(keyed) == 1
    result = await asyncio.to_thread(command, keyed, "verify", "--sources", "--json")
    report = json.loads(result.stdout)
    assert (result.returncode, report["ok"], report["bad"]) == (3, True, None)
    assert [(one["kind"], one["offset"], one["entry"]) for one in report["sources"]["differences"]] == [
        ("altered", 1, 1)
    ]


async def test_writer_refuses_an_entry_beyond_its_source(keyed: Settings) -> None:
    """The entry moves the read position, so the true record at that offset would never be logged."""
    await send(keyed, "suppression-decisions", 1, [b'{"kind":"decision","n":0}'])
    await append_without_writer(keyed, decision_input(5, b'{"kind":"decision"}'))
    with pytest.raises(AuditBroken, match=r"2 records; the first: missing: .*offset 0"):
        async with AuditWriter(keyed):
            pass
    assert await signed_size(keyed) == 0


async def test_writer_signs_its_own_tail_after_a_kill(keyed: Settings) -> None:
    progress, made = b'{"kind":"progress"}', b'{"kind":"decision"}'
    await send(keyed, "suppression-decisions", 1, [made] * 4)
    await asyncio.to_thread(drop_decisions, keyed, 1, 2)
    async with ModerationService(keyed) as desk:
        await desk.override([draft("one")])
    async with AuditWriter(keyed) as writer:
        await send(keyed, "suppression-decisions", 1, [progress, made, progress])
        await writer.catch_up()
        await writer.write(writer.checkpoints())
    assert await signed_size(keyed) == 0, "killed before the first signature"
    notes = [str(entry.opening.value("note") or "") for entry in await entries(keyed)]
    assert [note[:7] for note in notes if note] == ["lost: o", "read up"]
    async with AuditWriter(keyed) as again:
        assert await again.catch_up() == 0
    assert await signed_size(keyed) == len(notes)
    result = await asyncio.to_thread(command, keyed, "verify", "--sources")
    assert result.returncode == 0 and "0 records differ" in result.stdout, result.stdout


@pytest.mark.long
async def test_unsigned_entries_without_sources_need_consent(keyed: Settings) -> None:
    await send(keyed, "suppression-decisions", 1, [b'{"kind":"decision"}'] * 3)
    async with AuditWriter(keyed) as writer:
        await writer.catch_up()
    await asyncio.to_thread(drop_decisions, keyed, 1, 2)
    with pytest.raises(AuditBroken, match="2 unsigned entries, the first is 0, cannot be compared") as error:
        async with AuditWriter(keyed):
            pass
    assert "--sign-unchecked" in error.value.fix
    ran = await asyncio.to_thread(command, keyed, "run", "--once", "--sign-unchecked")
    assert ran.returncode == 0, ran.stderr
    assert await signed_size(keyed) == 3


async def test_running_writer_finds_a_foreign_tail(keyed: Settings) -> None:
    await send(keyed, "suppression-decisions", 1, [b'{"kind":"decision"}'])
    async with AuditWriter(keyed) as writer:
        await writer.catch_up()
        await writer.sign()
        await writer.verify()
        await append_without_writer(keyed, decision_input(1, b'{"kind":"decision"}'))
        with pytest.raises(AuditBroken, match="entry 1: added"):
            await writer.verify()


async def test_missing_broker_is_reported(keyed: Settings) -> None:
    away = keyed.model_copy(update={"kafka": "127.0.0.1:1"})
    with pytest.raises(DependencyAway):
        async with AuditWriter(away):
            pass


async def test_erased_entry_stays_in_the_tree(keyed: Settings) -> None:
    async with ModerationService(keyed) as desk:
        await desk.override([draft("one"), draft("two")])
    async with AuditWriter(keyed) as writer:
        await writer.catch_up()
        await writer.sign()
    ran = await asyncio.to_thread(command, keyed, "erase", "1", "--reason", "a court's order", "--actor", "lee")
    assert ran.returncode == 0, ran.stderr
    async with AuditWriter(keyed) as writer:
        assert await writer.catch_up() == 1
        await writer.sign()
    log = await entries(keyed)
    assert [entry.is_erased for entry in log] == [False, True, False]
    assert log[1].counted.type.startswith("override/") and log[1].counted.period
    assert [str(value) for key, value in await raw(keyed, "audit-openings") if key == b"1"][-1] == "None"
    exported = await asyncio.to_thread(command, keyed, "export")
    rows = [json.loads(line) for line in exported.stdout.splitlines()]
    assert [row["kind"] for row in rows] == ["override", "erased", "audit_erasure"]
    assert (rows[2]["actor"], rows[2]["reason"]) == ("lee", "a court's order")
    verified = await asyncio.to_thread(command, keyed, "verify", "--sources")
    assert verified.returncode == 0 and "all entries, 3" in verified.stdout, verified.stdout
    again = await asyncio.to_thread(command, keyed, "erase", "1", "--reason", "again", "--actor", "lee")
    assert again.returncode == 2 and "erased already" in again.stderr
