"""A foreign decision in a shard's partition, as of a worker paused past its session, is adopted and withdrawn."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from kafka import KafkaProducer
from msgspec.structs import replace

from streams.log.decisions import Decision, Progress, ScopeDecision, decode_record, encode_record, version_of
from streams.log.reading import connection, read_to_end
from streams.settings import Settings
from tests.support.workers import WorkerProcess

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]


def decisions(settings: Settings, shard: int) -> list[Decision | Progress]:
    """Read the records of a shard's decisions."""

    async def read() -> list[bytes]:
        batches = read_to_end(connection(settings), settings.topic("suppression-decisions"), shard)
        return [record.value async for batch in batches for record in batch]

    return [decode_record(value) for value in asyncio.run(read())]


@pytest.mark.long
def test_early_decision_of_a_zombie_is_withdrawn(topics: Settings, tmp_path: Path):
    worker = WorkerProcess(topics, tmp_path).start().wait_ready()
    try:
        deadline, settled = time.monotonic() + 90, list[Progress]()
        while not settled:
            assert time.monotonic() < deadline, worker.tail()
            settled = [one for one in decisions(topics, 2) if isinstance(one, Progress)]
            time.sleep(0.2)
        position, tick_ms = settled[-1].position, settled[-1].settled_ms + 10_000
        ruling = ScopeDecision(
            category="hateful_conduct", surface="trends", action="suppress", since_ms=tick_ms,
            expires_at_ms=tick_ms + 3_600_000, provisional=True,
        )  # fmt: skip
        foreign = Decision(
            hashtag="ghost", display="Ghost", country="*", rulings=(ruling,), version=version_of(position + 1, tick_ms),
            tick_ms=tick_ms, settled_ms=settled[-1].settled_ms, decided_at_ms=tick_ms, policy_revision="",
            model_revision="", provisional=True,
        )  # fmt: skip
        with KafkaProducer(bootstrap_servers=topics.kafka) as producer:
            name = topics.topic("suppression-decisions")
            sent_ms = producer.send(name, encode_record(foreign), key=b"ghost|*", partition=2).get(60).timestamp
        answers: list[Decision] = []
        while not answers:
            assert time.monotonic() < deadline + 60, worker.tail()
            found = [one for one in decisions(topics, 2) if isinstance(one, Decision)]
            answers = [one for one in found if one.hashtag == "ghost" and one.version > foreign.version]
            time.sleep(0.2)
        withdrawn = replace(ruling, action="clear", since_ms=answers[0].tick_ms, expires_at_ms=0)
        assert answers[0].rulings == (withdrawn,)
        assert answers[0].tick_ms <= sent_ms + 20_000, "at the next tick"
        assert worker.metric("hushtag_foreign_decisions_total") == 1
    finally:
        worker.kill()
