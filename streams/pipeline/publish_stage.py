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
            live = {number: one for number, one in self._partitions.items() if one.is_open}
            settled_ms = {number: one.settled_ms for number, one in live.items()}
            renewed_ms = {number: one.renewed_ms for number, one in live.items() if one.renewed_ms}
            store = self.context.store
            assert store is not None
            try:
                if live:
                    lost = await store.needing_reconcile({one.name: one.written for one in live.values()})
                    for one in live.values():
                        if one.name in lost:
                            await one.reconcile()
                    surfaces = {number: one.surfaces for number, one in live.items()}
                    beat_ms = self.context.log_clock.present_ms(now_ms())
                    await store.heartbeat(settled_ms, beat_ms, renewed_ms, surfaces)
                    self.context.writes.succeeded("heartbeat")
                else:
                    self.context.writes.forget("heartbeat")
                if loop.time() >= due:
                    due = loop.time() + RECONCILE_SECONDS
                    await self._check_server()
                    for one in live.values():
                        one.prune()
                        await one.reconcile()
                    for one in [*live.values()][:1]:  # the next tick of any shard shows an error of the host's clock
                        with suppress(DependencyAway):
                            await one.query_end()
                    found: dict[str, str] = {}
                    await store.sweep(self.context.log_clock.newest_ms, found.__setitem__)
                    writes = self.context.writes
                    writes.saw_foreign("sweep", [one for one in found.items() if writes.is_foreign(*one)])
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
            one = self._partition
            if one is None or not one.is_open:
                self.context.writes.forget(_POLL)
                continue
            store = self.context.store
            assert store is not None
            try:
                one.expire()
                if seconds >= RECONCILE_SECONDS or await store.needing_reconcile({one.name: one.written}):
                    seconds = 0.0
                    await one.reconcile()
                self.context.writes.succeeded(_POLL)
            except FlagStoreUnavailable as error:
                self.context.writes.failed(_POLL, error)
