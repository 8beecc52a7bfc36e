"""What a worker's consumer says to its group."""

from __future__ import annotations

from aiokafka import AIOKafkaConsumer

from streams.cli.files import load_policy_file
from streams.pipeline.worker import Worker
from streams.settings import Settings

_DAY_MS = 86_400_000


async def test_a_worker_that_has_nothing_to_fetch_stays_in_its_group() -> None:
    """Between two fetches aiokafka waits for so long, then it leaves for good: a spare would never take over."""
    settings = Settings()
    options = Worker(settings, ["ingest"], load_policy_file(settings.policy, settings.shards))._consumer_options()
    consumer = AIOKafkaConsumer(**options)
    assert consumer._max_poll_interval_ms > 20 * _DAY_MS
    assert consumer._rebalance_timeout_ms <= 60_000, "others do not wait so long for one that is gone"
    await consumer.stop()
