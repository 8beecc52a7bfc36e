"""Crowds from a real evidence topic: read once, then followed."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from aiokafka import AIOKafkaProducer

from moderation.domain.crowd.crowd import LONGEST_MS, RECENT_MS
from moderation.domain.crowd.follower import CrowdFollower
from streams.clock import now_ms
from streams.constants import MINUTE_MS
from streams.log.evidence import EvidenceRecord, encode_evidence_record
from streams.log.reading import connection
from streams.log.topic_specs import EVIDENCE
from streams.settings import Settings
from tests.support.in_memory_crowds import crowd_record

pytestmark = pytest.mark.integration
TAGS = ("one", "two")


async def write(settings: Settings, *records: EvidenceRecord) -> None:
    async with AIOKafkaProducer(**connection(settings)) as sender:
        for one in records:
            await sender.send_and_wait(
                settings.topic(EVIDENCE), encode_evidence_record(one), partition=one.shard, timestamp_ms=one.tick_ms
            )


async def test_follower_reads_the_past_once_and_follows(topics: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("moderation.domain.crowd.follower._FRESH_SECONDS", 0.0)
    now = now_ms() // MINUTE_MS * MINUTE_MS
    rows = {(tag, "*"): (90, 40, 30) for tag in TAGS}
    early, older, recent = now - LONGEST_MS - MINUTE_MS, now - RECENT_MS - MINUTE_MS, now - MINUTE_MS
    since_ms = older - MINUTE_MS
    await write(topics, crowd_record(early, rows), crowd_record(older, rows), crowd_record(recent, rows, shard=1))

    async def open_hashtags() -> Collection[str]:
        return {"one"}

    async with CrowdFollower(topics, open_hashtags) as follower:
        found = await follower.read("one", "*", since_ms)
        assert found.complete and [one.at_ms for one in found.points] == [older, recent]
        assert [one.at_ms for one in (await follower.read("two", "*", since_ms)).points] == [recent]
        assert sorted(follower._fold._minutes) == [older, recent], "nothing is kept of what no crowd covers"
        await write(topics, crowd_record(now, rows))
        found = await follower.read("two", "*", since_ms)
        assert ([one.at_ms for one in found.points], found.newest_ms) == ([recent, now], now)
