"""The publish stages: decisions and moderation, folded and written to Redis, with a heartbeat for the readers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from streams.clock import now_ms
from streams.errors import DependencyAway, FlagStoreUnavailable, SettingsError
from streams.flags.decision_fold import DecisionFold
from streams.pipeline.context import Context
from streams.pipeline.publish_partition import DecisionsPartition, ModerationPartition

RECONCILE_SECONDS = 30.0
HEARTBEAT_SECONDS = 1.0
_POLL = "moderation poll"
"""Name of the moderation stage's question whether Redis has lost its data, among the writers."""


class DecisionsStage:
    """The automated decisions of this worker's shards."""

    def __init__(self, context: Context, new_fold: Callable[[], DecisionFold]) -> None:
        self.context = context
        self.topic = context.settings.topic("suppression-decisions")
        self._new_fold = new_fold
        self._partitions: dict[int, DecisionsPartition] = {}

    def partition(self, number: int) -> DecisionsPartition:
        """Create the decisions partition of a shard, with an empty fold."""
        self._partitions[number] = DecisionsPartition(self.context, self.topic, number, self._new_fold())
        return self._partitions[number]

    async def run(self) -> None:
        """Every second, reconcile what Redis has lost and write a heartbeat; every 30 s, check and reconcile all."""
        loop = asyncio.get_running_loop()
        due = loop.time() + RECONCILE_SECONDS
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            live = {number: partition for number, partition in self._partitions.items() if partition.is_open}
            settled_ms = {number: partition.settled_ms for number, partition in live.items()}
            renewed_ms = {number: partition.renewed_ms for number, partition in live.items() if partition.renewed_ms}
            store = self.context.store
            assert store is not None
            try:
                if live:
                    written = {partition.name: partition.written for partition in live.values()}
                    lost = await store.needing_reconcile(written)
                    for partition in live.values():
                        if partition.name in lost:
                            await partition.reconcile()
                    surfaces = {number: partition.surfaces for number, partition in live.items()}
                    beat_ms = self.context.log_clock.present_ms(now_ms())
                    await store.heartbeat(settled_ms, beat_ms, renewed_ms, surfaces)
                    self.context.writes.succeeded("heartbeat")
                else:
                    self.context.writes.forget("heartbeat")
                if loop.time() >= due:
                    due = loop.time() + RECONCILE_SECONDS
                    await self._check_server()
                    for partition in live.values():
                        partition.prune()
                        await partition.reconcile()
                    # The next tick of any shard shows an error of the host's clock.
                    for partition in [*live.values()][:1]:
                        with suppress(DependencyAway):
                            await partition.query_end()
                    versions: dict[str, str] = {}
                    await store.sweep(self.context.log_clock.newest_ms, versions.__setitem__)
                    writes = self.context.writes
                    writes.saw_foreign("sweep", [item for item in versions.items() if writes.is_foreign(*item)])
            except FlagStoreUnavailable as error:
                self.context.writes.failed("heartbeat", error)

    async def _check_server(self) -> None:
        """Check the server's settings again: someone may change them, and a failover brings another server's."""
        assert self.context.store is not None
        unsafe: SettingsError | None = None
        try:
            await self.context.store.check_server()
        except SettingsError as error:
            unsafe = error
        self.context.writes.checked(unsafe)


class ModerationStage:
    """The moderation topic, on the worker that owns it."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.topic = context.settings.topic("moderation")
        self._partition: ModerationPartition | None = None

    def partition(self, number: int) -> ModerationPartition:
        """Create the moderation partition that replaces an older one."""
        self._partition = ModerationPartition(self.context, self.topic, number)
        return self._partition

    async def run(self) -> None:
        """Every second, expire overrides and reconcile what Redis has lost; every 30 s, reconcile everything."""
        seconds = 0.0
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            seconds += HEARTBEAT_SECONDS
            partition = self._partition
            if partition is None or not partition.is_open:
                self.context.writes.forget(_POLL)
                continue
            store = self.context.store
            assert store is not None
            try:
                partition.expire()
                if seconds >= RECONCILE_SECONDS or await store.needing_reconcile({partition.name: partition.written}):
                    seconds = 0.0
                    await partition.reconcile()
                self.context.writes.succeeded(_POLL)
            except FlagStoreUnavailable as error:
                self.context.writes.failed(_POLL, error)
