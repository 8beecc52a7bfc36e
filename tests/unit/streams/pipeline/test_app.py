"""Faust's app: the options of the worker's consumer."""

from __future__ import annotations

from aiokafka import AIOKafkaConsumer

from streams.pipeline.app import consumer_options, group_of
from streams.settings import Settings

_DAY_MS = 86_400_000


async def test_consumer_without_partitions_stays_in_its_group() -> None:
    """aiokafka leaves a group for good after `max_poll_interval_ms` without a fetch: a spare would never take over."""
    consumer = AIOKafkaConsumer(**consumer_options(Settings(), "g"))
    assert consumer._max_poll_interval_ms > 20 * _DAY_MS
    assert consumer._rebalance_timeout_ms <= 60_000, "other members must not wait long for one that is gone"
    await consumer.stop()


def test_incomplete_set_of_stages_has_its_own_group() -> None:
    settings = Settings(topic_prefix="p.", group="g")
    assert group_of(settings, ("ingest", "judge", "publish")) == "p.g"
    assert group_of(settings, ("judge", "publish")) == "p.g-judge-publish"
