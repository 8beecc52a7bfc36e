"""Moderation commands on a real broker and a real Redis: writes, refusals, and the flags that clients see."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import typer
from aiokafka import AIOKafkaProducer
from click.testing import Result
from hushtag_client import keys
from hushtag_client.threaded import FlagsClient
from typer.testing import CliRunner

from devkit.stack import LocalStack
from moderation.cli import overrides as cli
from moderation.domain.publication import wait_published
from moderation.log.drafts import OverrideDraft, UndoDraft
from moderation.log.errors import NothingToUndo, StaleEdit
from moderation.log.service import ModerationService
from streams.clock import now_ms
from streams.errors import CallerMistake, DependencyAway, TopicsError
from streams.flags.moderation_fold import ModerationFold
from streams.flags.redis_store import RedisFlagStore
from streams.log.decisions import version_of
from streams.log.moderation import decode_moderation
from streams.log.reading import LogReader, connection
from streams.naming import tag_of
from streams.settings import Settings
from tests.support.paths import ROOT
from tests.support.worlds import eventually

pytestmark = pytest.mark.integration
HOUR_MS = 3_600_000

Hushtag = Callable[..., Result]


@pytest.fixture
def hushtag(topics: Settings, monkeypatch: pytest.MonkeyPatch) -> Hushtag:
    """Run moderation commands on this test's topics; errors are raised, not printed."""
    monkeypatch.setenv("HUSHTAG_KAFKA", topics.kafka)
    monkeypatch.setenv("HUSHTAG_REDIS_URL", topics.redis_url)
    monkeypatch.setenv("HUSHTAG_TOPIC_PREFIX", topics.topic_prefix)
    monkeypatch.setenv("HUSHTAG_POLICY", str(ROOT / "config/policy.yaml"))
    app = typer.Typer()
    cli.register(app)

    def run(*arguments: str, fails: bool = False, code: int = 0) -> Result:
        result = CliRunner().invoke(app, [*arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit) and not fails:
            raise result.exception
        assert fails or result.exit_code == code, result.output
        return result

    return run


@pytest.fixture
def publisher(topics: Settings) -> Iterator[None]:
    """Fold the moderation topic and write the registers, as the publish stage does."""
    ended = threading.Event()

    async def publish() -> None:
        fold = ModerationFold(max_broker_skew_ms=topics.max_broker_skew_ms)
        store = RedisFlagStore(topics.redis_url, partitions=topics.shards)
        await store.reconcile(keys.MODERATION, [])
        async with LogReader(connection(topics), topics.topic("moderation")) as reader:
            while not ended.is_set():
                async for batch in reader.to_end({0: fold.next_offset or None}):
                    for record in batch:
                        registers = fold.apply(decode_moderation(record.value, record.key), record.offset, now_ms())
                        assert not (await store.apply(keys.MODERATION, registers)).refused
                await store.apply(keys.MODERATION, fold.expire(now_ms()))
                await asyncio.sleep(0.02)
        await store.close()

    thread = threading.Thread(target=asyncio.run, args=(publish(),))
    thread.start()
    yield
    ended.set()
    thread.join(60)
    assert not thread.is_alive()


def rows(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def draft(tag: str = "tag", action: Any = "block", **changes: Any) -> OverrideDraft:
    fields: dict[str, Any] = {
        "tag": tag_of(tag), "action": action, "country": "*", "surfaces": ("search", "trends"), "actor": "ann",
        "reason": "r", "expires_at_ms": now_ms() + HOUR_MS,
    }  # fmt: skip
    return OverrideDraft(**fields | changes)


def undo_draft(tag: str = "tag", country: str | None = None, surfaces: tuple[str, ...] | None = None) -> UndoDraft:
    return UndoDraft(tag=tag_of(tag), country=country, surfaces=surfaces, actor="ben", reason="mistake")


def test_block_allow_and_undo_reach_clients(hushtag: Hushtag, publisher: None, topics: Settings) -> None:
    """Block, allow over it, undo twice: after each step a client sees the decision before the command returns."""
    with FlagsClient(topics.redis_url, surface_defaults={"trends": "show"}) as client:
        client.start()

        def seen(country: str = "US") -> bool:
            """Wait until the client's replica equals Redis: the command waits for Redis, not for this client."""
            with redis.Redis.from_url(topics.redis_url) as server:
                written = int(server.get(keys.SEQ) or 0)
            eventually(lambda: client.status().seq >= written)
            return client.check("#TAG", "trends", country).shown

        [blocked] = rows(
            hushtag("block", "#Tag", "--reason", "incites violence", "--actor", "ann", "--for", "2h", "--json")
        )
        assert (blocked["hashtag"], blocked["action"], blocked["country"]) == ("tag", "block", "*")
        assert (blocked["published"], blocked["note"], blocked["surfaces"]) == (True, "", ["search", "trends"])
        assert blocked["now"] == [{"surface": s, "shown": False, "decided_by": "human"} for s in ("search", "trends")]
        assert abs(blocked["expires_at_ms"] - now_ms() - 2 * HOUR_MS) < 60_000
        assert not seen()

        allow = ["allow", "tag", "-r", "news", "--surface", "trends", "--country", "in", "--json"]
        [allowed] = rows(hushtag(*allow))
        assert allowed["version"] > blocked["version"]
        assert allowed["now"] == [{"surface": "trends", "shown": True, "decided_by": "human"}]
        assert seen("IN")
        assert not seen("US")

        with pytest.raises(CallerMistake, match=r"are in force everywhere and in India"):
            hushtag("undo", "tag")
        [undone] = rows(hushtag("undo", "TAG", "--country", "IN", "--json"))
        assert (undone["action"], undone["undoes"], undone["published"]) == ("undo", [allowed["id"]], True)
        assert not seen("IN")
        [last] = rows(hushtag("undo", "tag", "--reason", "appeal", "--json"))
        assert last["undoes"] == [blocked["id"]]
        assert seen()
    with pytest.raises(NothingToUndo) as caught:
        hushtag("undo", "tag")
    assert caught.value.exit_code == 3
    assert str(caught.value) == "no human override of #tag is in force"

    listed = rows(hushtag("moderation", "list", "--json"))
    assert [(row["action"], row["state"], row["undone_by"]["reason"]) for row in listed] == [
        ("allow", "undone", "undone"),
        ("block", "undone", "appeal"),
    ]
    printed = hushtag("moderation", "list", "--country", "IN").stdout
    assert "#tag" in printed
    assert "undone" in printed
    assert rows(hushtag("moderation", "list", "--state", "in force", "--json")) == []


def test_many_hashtags_get_one_answer_each(hushtag: Hushtag, publisher: None) -> None:
    result = hushtag(
        "hold", "#One", "two", "ONE", "p\u0430ypal", "--reason", "review", "--until", "2999-01-01", "--json", fails=True
    )
    assert isinstance(result.exception, CallerMistake)
    result = hushtag("hold", "#One", "two", "ONE", "p\u0430ypal", "--reason", "review", "--json")
    assert [(row["hashtag"], row["published"]) for row in rows(result)] == [
        ("one", True),
        ("two", True),
        ("p\u0430ypal", True),
    ]
    assert "Cyrillic" in result.stderr
    assert len(rows(hushtag("moderation", "list", "--json"))) == 3


def test_decision_without_publish_is_kept_and_reported(hushtag: Hushtag, topics: Settings) -> None:
    result = hushtag("block", "tag", "--reason", "r", "--wait", "0.5", "--json", code=1)
    [row] = rows(result)
    assert (row["published"], row["now"][0]["shown"]) == (False, True)
    assert "publish is not running" in row["note"]
    assert "publish is not running" in result.stderr
    with redis.Redis.from_url(topics.redis_url) as server:
        server.hset(keys.HEARTBEATS, "0", json.dumps({"settled_ms": 1, "at_ms": now_ms() - 900_000, "partitions": 4}))
        [row] = rows(hushtag("block", "tag", "--reason", "r", "--wait", "1", "--json", code=1))
        assert "last worker reported 9" in row["note"]
        server.hset(keys.HEARTBEATS, "1", json.dumps({"settled_ms": 1, "at_ms": now_ms(), "partitions": 4}))
        [row] = rows(hushtag("block", "tag", "--reason", "r", "--wait", "1", "--json", code=1))
        assert "publish is running" in row["note"]
    [row] = rows(hushtag("block", "tag", "--reason", "r", "--wait", "0", "--json"))
    assert (row["published"], row["now"]) == (None, [])
    assert [row["state"] for row in rows(hushtag("moderation", "list", "--json"))] == ["in force", *["superseded"] * 3]


def test_decision_without_redis_is_kept_and_reported(hushtag: Hushtag, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUSHTAG_REDIS_URL", "redis://127.0.0.1:1/0")
    [row] = rows(hushtag("block", "tag", "--reason", "r", "--json", code=1))
    assert row["published"] is False
    assert "Redis does not answer" in row["note"]


async def test_second_of_two_moderators_is_refused(topics: Settings) -> None:
    """Both have read the same version; the log accepts one, and the other is shown the first decision."""
    async with ModerationService(topics) as first, ModerationService(topics) as second:
        seen = (await first.override([draft(reason="first")]))[0].version
        await second.refresh()
        results = await asyncio.gather(
            first.override([draft(action="allow", reason="news", actor="ann")], expected=seen),
            second.override([draft(action="hold", reason="unsure", actor="ben")], expected=seen),
            return_exceptions=True,
        )
        [stale] = [result for result in results if isinstance(result, StaleEdit)]
        [[kept]] = [result for result in results if not isinstance(result, BaseException)]
        assert stale.version == kept.version
        assert stale.changed == (kept.record,)
        assert kept.record.reason in str(stale)
        with pytest.raises(StaleEdit):
            await first.undo(undo_draft(), expected=seen)
        await second.undo(undo_draft(), expected=kept.version)
        [row] = [row for row in (await first.refresh()).statuses(now_ms()) if row.state == "in force"]
        assert row.record.reason == "first"
        with pytest.raises(StaleEdit, match="never existed"):
            await first.override([draft()], expected=version_of(10**9, 0))


async def test_concurrent_record_is_found_by_reading_back(topics: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another record reaches the log between the check and the write."""
    async with ModerationService(topics) as slow, ModerationService(topics) as quick:
        send = slow._write

        async def after_the_other(records: Any) -> Any:
            await quick.override([draft(reason="quick"), draft("third", reason="quick")])
            return await send(records)

        monkeypatch.setattr(slow, "_write", after_the_other)
        with pytest.raises(StaleEdit, match="quick") as caught:
            await slow.override([draft(reason="slow"), draft("other", reason="slow")])
        assert [one.record.hashtag for one in caught.value.accepted] == ["other"]
        states = {(row.record.hashtag, row.record.reason): row.state for row in slow.view.statuses(now_ms())}
        assert states["tag", "slow"] == "refused"
        assert states["tag", "quick"] == states["other", "slow"] == "in force"


async def test_undo_ends_the_last_decision_per_scope(topics: Settings) -> None:
    async with ModerationService(topics) as desk:
        await desk.override([draft(reason="both")])
        await desk.override([draft(action="allow", surfaces=("trends",), reason="one")])
        assert (await desk.undo(undo_draft())).record.surfaces == ("trends",)
        [both] = (await desk.refresh()).statuses(now_ms())[-1:]
        assert (both.record.reason, both.state, both.surfaces) == ("both", "in force", ("search", "trends"))
        assert (await desk.undo(undo_draft(surfaces=("search",)))).record.surfaces == ("search",)
        assert (await desk.undo(undo_draft(country="*"))).record.surfaces == ("trends",)
        with pytest.raises(NothingToUndo):
            await desk.undo(undo_draft())
        await desk.override([draft(expires_at_ms=now_ms() + 50)])
        await asyncio.sleep(0.1)
        with pytest.raises(NothingToUndo):
            await desk.undo(undo_draft())


async def test_malformed_record_is_skipped(topics: Settings) -> None:
    async with AIOKafkaProducer(**connection(topics)) as sender:
        for value in (b"nonsense", None, b'{"kind":"order"}'):
            await sender.send_and_wait(topics.topic("moderation"), value, key=b"k")
    async with ModerationService(topics) as desk:
        [written] = await desk.override([draft()])
        assert written.offset == 3
        assert [bad.offset for bad in desk.view.bad] == [0, 1]
        await desk.refresh()
        assert len(desk.view.bad) == 2


async def test_flag_is_unknown_without_redis(topics: Settings) -> None:
    async with ModerationService(topics) as desk:
        written = await desk.override([draft()])
    away = topics.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})
    [visible] = await wait_published(away, written, wait_seconds=1)
    assert (visible.published, visible.verdicts) == (False, ())


async def test_silent_broker_is_reported_within_the_deadline(topics: Settings, stack: LocalStack) -> None:
    """Whether the record arrived is unknown; the service reports this and works again with the broker."""
    async with ModerationService(topics, deadline_seconds=1.5) as desk:
        await desk.override([draft(reason="before")])
        read = desk._read

        async def pause_after_reading() -> None:
            await read()
            stack.kafka_server.pause()
            status = Path(f"/proc/{stack.kafka_server.pid}/status")
            while "T (stopped)" not in status.read_text():  # the signal takes a moment on a busy machine
                await asyncio.sleep(0.01)

        desk._read = pause_after_reading  # type: ignore[method-assign]
        began = time.monotonic()
        try:
            with pytest.raises(DependencyAway, match="it is not known whether the decision was written"):
                await desk.override([draft(reason="lost?")])
        finally:
            stack.kafka_server.resume()
        assert time.monotonic() - began < 9.5, "the default deadline is ten seconds"
        desk._read = read  # type: ignore[method-assign]
        try:
            await desk.override([draft(reason="after")])
        except StaleEdit:  # the lost record arrived between our look and our write: refused, as it must be
            await desk.override([draft(reason="after")])
        reasons = [row.record.reason for row in desk.view.statuses(now_ms())]
        assert reasons[0] == "after"
        assert reasons[-1] == "before"


async def test_missing_topic_and_missing_broker_are_reported(settings: Settings) -> None:
    with pytest.raises(TopicsError, match="does not exist"):
        async with ModerationService(settings):
            pass
    away = settings.model_copy(update={"kafka": "127.0.0.1:1"})
    began = time.monotonic()
    with pytest.raises(DependencyAway):
        async with ModerationService(away, deadline_seconds=1):
            pass
    assert time.monotonic() - began < 9.5, "the default deadline is ten seconds"
