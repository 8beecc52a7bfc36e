"""Another number of shards: people's flags stand, the same tweets are counted again, new decisions rank above old."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from pathlib import Path

import pytest
import redis
from hushtag_client import keys
from typer.testing import CliRunner

from moderation.log.drafts import OverrideDraft
from moderation.log.service import ModerationService
from streams.cli.main import make_app
from streams.clock import now_ms
from streams.log.decisions import Decision, decode_record
from streams.naming import tag_of
from streams.settings import Settings
from tests.support.steady_tweets import POLICY, keep_tweeting, wait_until
from tests.support.workers import WorkerProcess, answer, environment, hushtag, json_lines, values

pytestmark = [pytest.mark.integration, pytest.mark.long, pytest.mark.timeout(900)]
RESHARD = ("reshard", "--shards", "2", "--actor", "asha", "--reason", "growth", "--yes", "--json")
Rows = dict[tuple[str, str, int], tuple[int, int]]
FIELD = keys.field("trends", "IN", "automated", "watched")


async def block(settings: Settings, tag: str) -> None:
    async with ModerationService(settings) as desk:
        await desk.override([OverrideDraft(tag_of(tag), "block", "*", ("trends",), "ann", "r", now_ms() + 3_600_000)])


def minute_rows(settings: Settings) -> Rows:
    """Run `hushtag panes` in this process: a command of its own takes a second to start."""
    result = CliRunner().invoke(make_app(), ["panes", "--json"], env=environment(settings))
    assert result.exit_code == 0, result.output
    found = json_lines(result.stdout_bytes)
    return {(row["hashtag"], row["country"], row["minute_ms"]): (row["tweets"], row["authors"]) for row in found}


def flags(settings: Settings) -> dict[str, str]:
    """Return the version of each register in Redis."""
    with redis.Redis.from_url(settings.redis_url) as server:
        return {name.decode(): json.loads(one)["version"] for name, one in server.hgetall(keys.REGISTERS).items()}


def test_reshard_counts_again_and_keeps_what_people_decided(topics: Settings, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY.replace("windows: [30s, 2m]", "windows: [30s, 1h]"))
    settings = topics.model_copy(update={"policy": policy, "session_timeout_seconds": 6.0})
    worker, stop = WorkerProcess(settings, tmp_path, "four").start().wait_ready(), threading.Event()
    feeder = threading.Thread(target=keep_tweeting, args=(settings, stop))
    feeder.start()
    asyncio.run(block(settings, "person"))
    try:
        wait_until(lambda: {FIELD, "trends|*|human|person"} <= flags(settings).keys())
        wait_until(lambda: minute_rows(settings))
        running = answer(settings, *RESHARD)
        assert running.returncode == 2 and b"1 workers still run: hushtag-" in running.stderr
        assert worker.running, "nothing was changed"
    finally:
        stop.set()
        feeder.join()
    assert worker.stop() == 0
    before, rows, people = flags(settings), minute_rows(settings), values(settings, "moderation")
    assert before[FIELD].startswith("0000.") and rows

    began = time.monotonic()
    done = json.loads(hushtag(settings, *RESHARD).splitlines()[-1])
    assert (done["shards_before"], done["shards"], done["incarnation"]) == (4, 2, 1)
    assert flags(settings) == before, "flags stand"
    assert values(settings, "moderation") == people

    halved = settings.model_copy(update={"shards": 2})
    second = WorkerProcess(halved, tmp_path, "two").start().wait_ready()
    again = threading.Event()
    feeder = threading.Thread(target=keep_tweeting, args=(settings, again))
    feeder.start()
    try:
        wait_until(lambda: rows.keys() <= minute_rows(halved).keys())
        counted = minute_rows(halved)
        assert {key: counted[key] for key in rows} == rows, "every tweet counts once, as before"
        wait_until(lambda: flags(halved)[FIELD].startswith("0001."))
        print(f"\nautomated again {time.monotonic() - began:.1f} s after the reshard began")
        assert flags(halved)["trends|*|human|person"] == before["trends|*|human|person"]
        decided = list(map(decode_record, values(halved, "suppression-decisions")))
        assert {one.version[:4] for one in decided if isinstance(one, Decision)} == {"0001"}
    finally:
        again.set()
        feeder.join()
        assert second.stop() == 0


def test_interrupted_reshard_can_be_repeated(topics: Settings, tmp_path: Path) -> None:
    """The topics of the shards were deleted, and the command ended before it created them."""
    from kafka import KafkaAdminClient

    admin = KafkaAdminClient(bootstrap_servers=topics.kafka)
    gone = [topics.topic(name) for name in ("hashtag-partials", "hashtag-evidence")]
    admin.delete_topics(gone)
    wait_until(lambda: not set(gone) & set(admin.list_topics()))
    for incarnation in (1, 2):
        done = json.loads(hushtag(topics, *RESHARD).splitlines()[-1])
        assert done["incarnation"] == incarnation
    counts = {one["name"]: len(one["partitions"]) for one in admin.describe_topics(gone)}
    admin.close()
    assert set(counts.values()) == {2}
    assert answer(topics.model_copy(update={"shards": 2}), "topics", "check").returncode == 0
