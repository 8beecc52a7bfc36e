"""`hushtag explain` against a real broker and a real Redis."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
import typer
from aiokafka import AIOKafkaProducer
from typer.testing import CliRunner

from moderation.cli import overrides as cli
from streams.cli import explain
from streams.clock import now_ms
from streams.constants import PANE_MS
from streams.errors import SettingsError
from streams.flags.decision_fold import DecisionFold
from streams.flags.lookup import FlagLookup
from streams.flags.redis_store import RedisFlagStore
from streams.log.decisions import Decision, DecisionReason, Progress, ScopeDecision, encode_record, version_of
from streams.log.reading import connection
from streams.settings import Settings

pytestmark = pytest.mark.integration


def decision(tag: str, number: int, country: str) -> Decision:
    at_ms = now_ms()
    ruling = ScopeDecision(
        category="abuse", surface="trends", action="suppress", since_ms=at_ms, expires_at_ms=at_ms + 600_000,
        reasons=(DecisionReason("harmful_share_lower", 0.5, 0.4),),
    )  # fmt: skip
    return Decision(
        hashtag=tag, display=tag.title(), country=country, rulings=(ruling,), version=version_of(number, 1), tick_ms=1,
        settled_ms=1, decided_at_ms=at_ms, policy_revision="p", model_revision="m",
    )  # fmt: skip


async def write(settings: Settings, decisions: list[Decision]) -> None:
    topic = settings.topic("suppression-decisions")
    progress = Progress(shard=0, settled_ms=PANE_MS, position=0, replay_offset=0, activations=[])
    async with AIOKafkaProducer(**connection(settings), acks="all") as sender:
        for number, record in enumerate([*decisions, progress]):
            await sender.send_and_wait(topic, encode_record(record), partition=number % settings.shards)


async def publish(settings: Settings, decisions: list[Decision]) -> None:
    fold = DecisionFold(longest_expiry_ms=1, max_broker_skew_ms=0)
    store = RedisFlagStore(settings.redis_url, partitions=settings.shards)
    for record in decisions:
        fold.apply(record)
    await store.reconcile("0", fold.registers())
    await store.close()


def run(settings: Settings, *arguments: str, **environment: str) -> tuple[int, Any, str]:
    app = typer.Typer()
    explain.register(app)
    cli.register(app)
    env = {
        "HUSHTAG_KAFKA": settings.kafka,
        "HUSHTAG_REDIS_URL": settings.redis_url,
        "HUSHTAG_TOPIC_PREFIX": settings.topic_prefix,
        "HUSHTAG_POLICY": "config/policy.yaml",
    }
    result = CliRunner().invoke(app, [*arguments, "--json"], env=env | environment)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, json.loads(result.stdout), result.stderr


def test_explain_names_differences_between_logs_and_redis(topics: Settings) -> None:
    decisions = [
        decision("किसान*", 1, "*"),
        decision("किसान*", 2, "IN"),
        decision("tag", 3, "*"),
        decision("tagger", 4, "*"),
    ]
    asyncio.run(write(topics, decisions))
    asyncio.run(publish(topics, decisions[:3]))

    code, report, _ = run(topics, "explain", "#TAG")
    assert (code, report["known"], report["redis"], report["display"]) == (0, True, True, "Tag")
    [place] = report["places"]
    assert (place["shown"], place["decided_by"]) == (False, "trends|*|automated|tag")
    assert place["registers"][0]["reasons"][0]["margin"] == pytest.approx(0.1)
    assert report["unpublished"] == []

    code, report, _ = run(topics, "explain", "tagger")
    assert [place["shown"] for place in report["places"]] == [True], "Redis has nothing of it yet"
    assert [register["hashtag"] for register in report["unpublished"]] == ["tagger"]

    code, report, _ = run(topics, "block", "tag", "--reason", "r", "--surface", "search", "--wait", "0")
    code, report, _ = run(topics, "explain", "tag")
    assert [row["state"] for row in report["people"]] == ["in force"]
    assert [event["source"] for event in report["timeline"]] == ["automated", "human"]
    assert [(one["source"], one["surface"]) for one in report["unpublished"]] == [("human", "search")]

    code, report, stderr = run(topics, "explain", "tag", HUSHTAG_REDIS_URL="redis://127.0.0.1:1/0")
    assert report["redis"] is False
    assert {(place["surface"], place["shown"]) for place in report["places"]} == {("search", False), ("trends", False)}
    assert "this is the state of the logs" in stderr


async def test_lookup_finds_every_scope_of_one_hashtag(topics: Settings) -> None:
    tags = ("किसान*", "किसान", "xकिसान*", "a|किसान*", "?", "[a]")
    await publish(topics, [decision(tag, n, country) for n, tag in enumerate(tags) for country in ("*", "IN")])
    async with FlagLookup(topics.redis_url) as lookup:
        for tag in tags:
            found = await lookup.for_hashtag(tag)
            assert sorted((one.hashtag, one.country) for one in found) == [(tag, "*"), (tag, "IN")]
        assert [one.country for one in await lookup.for_scope("?", ("trends", "search"), "US")] == ["*"]
        assert await lookup.heartbeats() == {}
    with pytest.raises(SettingsError):
        FlagLookup("http://nowhere")


def test_unknown_hashtag_has_no_report(topics: Settings) -> None:
    code, report, stderr = run(topics, "explain", "#Unused", "--country", "in")
    assert (code, report) == (3, {"hashtag": "unused", "known": False})
    assert "nothing is known of #unused in India" in stderr
