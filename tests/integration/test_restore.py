"""The drill: back up, lose the cluster, restore into a fresh one, start a worker."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis
from aiokafka import AIOKafkaProducer
from click.testing import Result
from hushtag_client import keys
from kafka import KafkaAdminClient, KafkaProducer
from typer.testing import CliRunner

from models import artefact
from moderation.log.drafts import OverrideDraft, UndoDraft
from moderation.log.service import ModerationService
from moderation.publiclog.process import run_writer
from streams.cli.main import make_app
from streams.clock import now_ms
from streams.errors import CallerMistake
from streams.flags.moderation_fold import ModerationFold
from streams.log.decisions import Decision, decode_record, encode_record, version_of
from streams.log.fillers import is_filler
from streams.log.models import revision_of
from streams.log.moderation import decode_moderation
from streams.log.policies import PolicyRecord, WorkerReport, encode_policy_record
from streams.log.reading import LogReader, connection
from streams.naming import tag_of
from streams.policy import parse_policy
from streams.settings import Settings
from tests.support import public_log
from tests.support.public_log import with_keys
from tests.support.steady_tweets import HARSH, POLICY
from tests.support.workers import WorkerProcess, environment
from tests.support.worlds import eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]
HOUR_MS = 3_600_000
ORDER = [
    "--authority", "Ministry of Examples", "--country", "IN", "--legal-basis", "IT Act 2000, s. 69A", "--reference",
    "EX/7", "--issued", "2021-01-31", "--received", "2021-01-31T12:00", "--deadline", "+48h", "--actor", "ann",
]  # fmt: skip
WHO = ("--actor", "asha", "--reason", "the cluster is lost")
Hushtag = Callable[..., Result]
Record = tuple[int, int, bytes | None, bytes | None]


@pytest.fixture
def keyed(topics: Settings, tmp_path: Path) -> Settings:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    return with_keys(topics).model_copy(update={"policy": policy})


@pytest.fixture
def hushtag(keyed: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hushtag:
    """Run commands with the settings of this test; errors are raised, not printed."""
    for name, value in environment(keyed).items():
        if name.startswith("HUSHTAG_"):
            monkeypatch.setenv(name, value)
    for name, value in public_log.environment(keyed).items():
        if name.startswith("HUSHTAG_AUDIT"):
            monkeypatch.setenv(name, value)

    def run(*arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(make_app(), [*arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    return run


def records(settings: Settings, topic: str) -> list[Record]:
    """Read a topic without its fillers."""

    async def read() -> list[Record]:
        async with LogReader(connection(settings), settings.topic(topic), committed_only=True) as reader:
            return [
                (one.offset, one.timestamp, one.key, one.value)
                async for batch in reader.to_end() for one in batch if not is_filler(one.key, one.value)
            ]  # fmt: skip

    return asyncio.run(read())


def registers(settings: Settings) -> dict[str, str]:
    """Fold people's decisions: version of each register by its field."""
    fold = ModerationFold(max_broker_skew_ms=500)
    for offset, _, key, value in records(settings, "moderation"):
        fold.apply(decode_moderation(value, key), offset, now_ms())
    return {one.field: one.version for one in fold.registers()}


def put_policy_live(settings: Settings) -> None:
    """Append a policy and its model as a worker does, after a report, so that its offset is not 0."""
    data, policy = artefact.ARTEFACT_PATH.read_bytes(), parse_policy(POLICY.encode(), "policy")
    record = PolicyRecord(
        revision=policy.revision, serial=1, policy=policy.canonical, model_revision=revision_of(data), from_tick_ms=0,
        proposed_at_ms=1, proposed_by="w1", text=POLICY, before=-1,
    )  # fmt: skip
    producer = KafkaProducer(bootstrap_servers=settings.kafka, max_request_size=4 * 1024 * 1024)
    producer.send(settings.topic("models"), data, key=revision_of(data).encode(), partition=0)
    report = WorkerReport(
        worker="w1", file="policy.yaml", revision="", verdict="bad", why="", at_ms=1, began_hours=24
    )  # fmt: skip
    producer.send(settings.topic("policy"), encode_policy_record(report), key=b"worker|w1", partition=0)
    producer.send(settings.topic("policy"), encode_policy_record(record), key=b"p1", partition=0)
    producer.close()


async def append_with_a_hole(settings: Settings) -> None:
    """Append a record that no fold knows; the end of its transaction takes an offset, as compaction would leave it."""
    name = f"{settings.topic_prefix}hole"
    async with AIOKafkaProducer(**connection(settings), transactional_id=name) as producer, producer.transaction():
        await producer.send(settings.topic("moderation"), b'{"kind":"note"}', key=b"hole", partition=0)


async def append_decision(settings: Settings, tag: str) -> None:
    """Append an automated decision that ends nothing, as a judge does."""
    at_ms = now_ms()
    decision = Decision(
        hashtag=tag, display=tag, country="*", rulings=(), version=version_of(1, at_ms), tick_ms=at_ms,
        settled_ms=at_ms, decided_at_ms=at_ms, policy_revision="p", model_revision="m",
    )  # fmt: skip
    async with AIOKafkaProducer(**connection(settings)) as producer:
        await producer.send_and_wait(settings.topic("suppression-decisions"), encode_record(decision), partition=0)


async def block(settings: Settings, *tags: str) -> None:
    async with ModerationService(settings) as desk:
        at_ms = now_ms() + HOUR_MS
        await desk.override([OverrideDraft(tag_of(tag), "block", "*", ("trends",), "ann", "r", at_ms) for tag in tags])


def lose_cluster(settings: Settings) -> None:
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka)
    ours = [name for name in admin.list_topics() if name.startswith(settings.topic_prefix)]
    admin.delete_topics(ours)
    deadline = time.monotonic() + 60
    while any(name.startswith(settings.topic_prefix) for name in admin.list_topics()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    admin.close()


def tweet_harm(settings: Settings) -> None:
    """Send forty harmful tweets under one hashtag."""
    producer, at_ms = KafkaProducer(bootstrap_servers=settings.kafka), now_ms()
    for number in range(40):
        tweet = {
            "id": str(at_ms * 1000 + number), "author_id": str(number + 1), "created_at_ms": at_ms, "country": "IN",
            "text": f"{HARSH} {number % 7} #Watched",
        }  # fmt: skip
        producer.send(settings.topic("tweets"), json.dumps(tweet).encode(), partition=number % 4)
    producer.close()


@pytest.mark.long
def test_restored_cluster_keeps_people_policy_models_and_audit(
    keyed: Settings, hushtag: Hushtag, tmp_path: Path
) -> None:
    folder = tmp_path / "backup"
    put_policy_live(keyed)
    asyncio.run(block(keyed, "first", "second"))
    asyncio.run(append_with_a_hole(keyed))
    (tmp_path / "order.csv").write_text("target\n#Ordered\n", "utf-8")
    taken = hushtag("orders", "intake", str(tmp_path / "order.csv"), *ORDER, "--json").stdout.splitlines()
    order = next(row["order"] for row in map(json.loads, taken) if "order" in row)
    for step in (("acknowledge",), ("review",), ("decide", "reduced", "--all"), ("final",)):
        hushtag("orders", step[0], order, *step[1:], "-r", "incitement", "--actor", "ann", "--wait", "0")
    asyncio.run(block(keyed, "third"))
    for tag in ("one", "two"):
        asyncio.run(append_decision(keyed, tag))
    assert asyncio.run(run_writer(keyed, None)) > 8
    before = {name: records(keyed, name) for name in ("moderation", "policy", "models", "audit", "audit-openings")}
    flags = registers(keyed)
    assert len(flags) >= 4 and any("|legal|" in field for field in flags)

    made = json.loads(hushtag("backup", "--into", str(folder), "--json").stdout)
    assert made["records"]["audit"] == len(before["audit"])
    with pytest.raises(CallerMistake, match="the cluster is not fresh"):
        hushtag("restore", str(folder), *WHO)
    assert records(keyed, "moderation") == before["moderation"], "nothing was written"

    lose_cluster(keyed)
    with redis.Redis.from_url(keyed.redis_url) as server:
        server.hset(keys.REGISTERS, "trends|*|human|newer", b'{"version":"0000.0000000000000000099.000000000000000"}')
        with pytest.raises(CallerMistake, match="Redis has 1 flags"):
            hushtag("restore", str(folder), *WHO)
        done = json.loads(hushtag("restore", str(folder), *WHO, "--clear-flags", "--json").stdout)
        assert server.hlen(keys.REGISTERS) == 0
    assert done["incarnation"] == 1 and done["fillers"] >= 1
    print(f"\nrestored in {done['seconds']:.1f} s")
    assert records(keyed, "moderation") == before["moderation"], "equal offsets, times, keys and values"
    assert records(keyed, "policy")[0] == before["policy"][1], "the report is left out, the policy keeps its offset"
    for name in ("audit", "audit-openings"):
        assert [one[2:] for one in records(keyed, name)] == [one[2:] for one in before[name]]
    assert [one[2:] for one in records(keyed, "models")] == [one[2:] for one in before["models"]]
    assert registers(keyed) == flags

    async def undo() -> str:
        """Undo the last decision from before: its version is still that of the scope."""
        async with ModerationService(keyed) as desk:
            draft = UndoDraft(tag_of("third"), country="*", surfaces=None, actor="ann", reason="r")
            return (await desk.undo(draft)).record.edits

    assert asyncio.run(undo()) in flags.values()
    asyncio.run(append_decision(keyed, "after"))
    asyncio.run(run_writer(keyed, None))
    logged = [json.loads(line) for line in hushtag("audit", "export", "--tag", "after").stdout.splitlines()]
    assert [row["source"].rpartition("@")[2] for row in logged] == ["0"], (
        "the first decision of the new topic is logged under its own offset"
    )
    assert json.loads(hushtag("audit", "verify", "--sources", "--json").stdout)["ok"]

    worker = WorkerProcess(keyed, tmp_path).start()
    try:
        worker.wait_ready()
        with redis.Redis.from_url(keyed.redis_url) as server:
            field = keys.field("trends", "IN", "automated", "watched").encode()

            def stands() -> bool:
                found = {
                    name.decode(): json.loads(value)["version"]
                    for name, value in server.hgetall(keys.REGISTERS).items()
                }
                return all(found.get(name) == version for name, version in flags.items() if "third" not in name)

            eventually(stands, timeout_seconds=20)
            tweet_harm(keyed)
            eventually(lambda: server.hexists(keys.REGISTERS, field), timeout_seconds=20)
            assert json.loads(server.hget(keys.REGISTERS, field))["version"].startswith("0001.")
    finally:
        assert worker.stop() == 0
    live = [decode_record(value or b"") for *_, value in records(keyed, "suppression-decisions")]
    versions = {one.version[:4] for one in live if isinstance(one, Decision) and one.hashtag == "watched"}
    assert versions == {"0001"}
    assert [
        one
        for one in records(keyed, "policy")
        if one[2] not in (b"p1", b"incarnation") and b"worker|" not in (one[2] or b"")
    ] == []


def test_damaged_backup_is_refused_before_anything_is_written(
    keyed: Settings, hushtag: Hushtag, tmp_path: Path
) -> None:
    folder: Any = tmp_path / "backup"
    put_policy_live(keyed)
    hushtag("backup", "--into", str(folder), "--json")
    [file] = folder.glob("models-*.gz")
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(bytes(data))
    with pytest.raises(CallerMistake, match=r"models-.* is damaged: its SHA-256 is"):
        hushtag("restore", str(folder), *WHO)
