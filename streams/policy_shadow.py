"""Follow live traffic under a second policy, for the command and the console. Nothing is published.

The judges are not involved: the evidence that they keep at every settled tick is read, with the policy of each tick.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from typing import TYPE_CHECKING

from streams.clock import now_ms
from streams.constants import HOUR_MS
from streams.errors import CallerMistake
from streams.log import policies, reading
from streams.log.evidence_reading import PlacedRecord, evidence_in
from streams.log.topic_specs import EVIDENCE
from streams.policy import Policy
from streams.policy.activation import Activation
from streams.settings import Settings

if TYPE_CHECKING:  # its import takes half a second
    from streams.backtest import Impact

KEEP_MS = 24 * HOUR_MS
"""Age up to which differences are kept."""
_FORGET_EVERY_MS = HOUR_MS
_SHARD_WAIT_MS = 30_000
"""Lag of one shard after which a report no longer waits for it."""


async def follow_shadow(
    settings: Settings,
    policy: Policy,
    back_ms: int,
    on_tick: Callable[[Impact], None],
    *,
    on_read: Callable[[int, int], None] = lambda done, total: None,
    ends: Callable[[], bool] = lambda: False,
    once: bool = False,
) -> None:
    """Judge evidence under a policy and under the live ones, first the past and then as it arrives.

    Args:
        settings: address of the broker, and the prefix of topic names.
        policy: policy to try.
        back_ms: length of the past to begin with.
        on_tick: called once the past has been read, and then at each tick that all shards have settled.
        on_read: called with the records of the past that have been read, and their number.
        ends: whether to stop; asked at every batch and whenever no more records are there.
        once: stop after the past.

    Raises:
        CallerMistake: no policy was ever live, or the evidence was judged under one that is not kept.
        DependencyAway: Kafka does not answer.
    """
    from streams.backtest import Impact

    history = PolicyHistory(settings)
    impact = Impact(await history.begin(), policy, history=history.policies)

    async def add(record: PlacedRecord) -> None:
        if (evidence := evidence_in(record)) is not None:
            await history.load(evidence.conditions.policy_revision)
            impact.add(evidence)

    async with reading.LogReader(reading.connection(settings), settings.topic(EVIDENCE)) as reader:
        from_ms = now_ms() - back_ms
        bounds = await reader.bounds()
        starts = {partition: await reader.offset_at(partition, from_ms) for partition in reader.partitions}
        total = sum(bounds[partition].end - (start or bounds[partition].begin) for partition, start in starts.items())
        done = 0
        async for batch in reader.to_end(starts, {partition: bounds[partition].end for partition in starts}):
            for record in batch:
                await add(record)
            done += len(batch)
            on_read(done, total)
            if ends():
                return
        impact.follow()
        on_tick(impact)
        if once:
            return
        shown_ms, forget_ms = impact.to_ms, impact.to_ms + _FORGET_EVERY_MS
        async with aclosing(reader.follow({partition: bounds[partition].end for partition in starts})) as batches:
            async for batch_or_end in batches:
                if ends():
                    return
                if batch_or_end is not None:
                    for record in batch_or_end:
                        await add(record)
                elif impact.to_ms > shown_ms and (impact.level or impact.to_ms - shown_ms > _SHARD_WAIT_MS):
                    shown_ms = impact.to_ms
                    if impact.to_ms >= forget_ms:
                        impact.forget(impact.to_ms - KEEP_MS)
                        forget_ms = impact.to_ms + _FORGET_EVERY_MS
                    on_tick(impact)


class PolicyHistory:
    """Policies that the evidence was judged under, by revision; each is read when it first occurs."""

    def __init__(self, settings: Settings) -> None:
        self.policies: dict[str, Policy] = {}
        self._settings = settings
        self._kept: dict[str, Activation] = {}

    async def begin(self) -> Policy:
        """Read the live policy."""
        self._kept = await policies.read_policies(self._settings)
        if not self._kept:
            raise CallerMistake("no policy was ever live here", fix="start a worker first")
        return await self.load(next(reversed(self._kept)))

    async def load(self, revision: str) -> Policy:
        """Return a policy, read from the `policy` topic if needed: it was kept there before any judge applied it."""
        if revision not in self.policies:
            if revision not in self._kept:
                self._kept = await policies.read_policies(self._settings)
            if revision not in self._kept:
                raise CallerMistake(
                    f"the evidence was judged under policy {revision}, which the `policy` topic does not hold",
                    fix="read less of the past, with --since",
                )
            self.policies[revision] = Policy.from_canonical(self._kept[revision].policy)
        return self.policies[revision]
