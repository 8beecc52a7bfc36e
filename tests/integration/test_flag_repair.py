"""`hushtag flags repair` on real servers: the foreign register goes, and the moderation topic has the reason."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import redis
import typer
from hushtag_client import keys
from typer.testing import CliRunner

from streams.cli import flags
from streams.clock import now_ms
from streams.errors import HushtagError
from streams.flags.redis_store import RedisFlagStore
from streams.log.flag_repairs import FlagRepair, decode_repair
from streams.log.moderation import OtherRecord, decode_moderation
from streams.log.reading import LogReader, connection
from streams.log.unreadable import sha256_of
from streams.settings import Settings
from tests.support.worlds import register

pytestmark = pytest.mark.integration


def repair(settings: Settings, key: str) -> Any:
    app = typer.Typer()
    flags.register(app)
    given = ["flags", "repair", key, "--actor", "ann", "--reason", "a script wrote it", "--yes", "--json"]
    environment = {
        "HUSHTAG_KAFKA": settings.kafka, "HUSHTAG_REDIS_URL": settings.redis_url,
        "HUSHTAG_TOPIC_PREFIX": settings.topic_prefix, "HUSHTAG_SHARDS": str(settings.shards),
    }  # fmt: skip
    done = CliRunner().invoke(app, given, env=environment)
    if isinstance(done.exception, HushtagError):
        raise done.exception
    return done


async def repairs(settings: Settings) -> list[FlagRepair]:
    async with LogReader(connection(settings), settings.topic("moderation")) as reader:
        batches = [batch async for batch in reader.to_end()]
    found = [decode_moderation(record.value, record.key) for batch in batches for record in batch]
    return [one for record in found if isinstance(record, OtherRecord) and (one := decode_repair(record)) is not None]


@pytest.fixture
def server(topics: Settings) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(topics.redis_url) as client:
        yield client


def test_repair_deletes_foreign_register_and_keeps_the_reason(topics: Settings, server: redis.Redis) -> None:
    ours = register("tag", expires_at_ms=now_ms() + 600_000)
    foreign = replace(ours, version="9999.9")

    async def open_all() -> None:
        store = RedisFlagStore(topics.redis_url, partitions=topics.shards)
        for partition in (*map(str, range(topics.shards)), keys.MODERATION):
            assert not (await store.reconcile(partition, [])).refused
        await store.apply("0", [foreign])
        await store.close()

    asyncio.run(open_all())
    value = server.hget(keys.REGISTERS, foreign.field)
    assert isinstance(value, bytes)
    done = repair(topics, foreign.field)
    assert done.exit_code == 0, done.output
    printed = json.loads(done.stdout)
    assert (printed["deleted"], printed["version"]) == (True, "9999.9")
    assert server.hlen(keys.REGISTERS) == 0
    assert not server.exists(keys.INCARNATION, keys.RECONCILED, keys.sentinel("0"), keys.sentinel(keys.MODERATION))
    (kept,) = asyncio.run(repairs(topics))
    assert (kept.field, kept.version, kept.sha256) == (foreign.field, "9999.9", sha256_of(value))
    assert (kept.actor, kept.reason, kept.id) == ("ann", "a script wrote it", printed["id"])
    again = repair(topics, foreign.field)
    assert again.exit_code == 3 and json.loads(again.stdout)["deleted"] is False
    assert len(asyncio.run(repairs(topics))) == 1
