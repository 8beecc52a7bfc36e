"""One shard's stop at a record that cannot be read: it renews its flags and waits until a person skips the record.

Every few seconds the shard writes a sign of life, by which publish lets readers know that its flags in force stand.
Flags near their expiry are renewed. Both go on after the skip, until the shard has caught up: the decisions in between
belong to past ticks, so their flags would have expired before they are written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from streams.clock import now_ms
from streams.constants import MINUTE_MS
from streams.errors import DependencyAway
from streams.judging.flag_renewal import FlagRenewal
from streams.log.decisions import Decision, StoppedShard, encode_record
from streams.log.policies import PolicyTopic, read_policy_topic
from streams.log.unreadable import UnreadableRecord
from streams.pipeline.account_facts import AccountFactsFollower
from streams.pipeline.context import Context
from streams.pipeline.recovery import end_of_log, read_decisions
from streams.policy import Policy

SIGN_SECONDS = 10.0
"""Interval between two signs of life: well below the `max_staleness_seconds` of readers, 120 by default."""


_STEADY_LAG_MS = 30_000
"""A shard whose last tick is younger has caught up: ticks settle 5 to 20 s after their end."""
_CATCHING_UP_MS = 10 * MINUTE_MS
"""Longest time of renewals after the records of the stop are judged, for a log whose ticks lie further back."""


class StopPort(Protocol):
    """The parts of the judge stage that a stop uses; see `streams.pipeline.judge_stage`."""

    context: Context
    log: Any
    facts: AccountFactsFollower
    decisions_topic: str

    def report_stop(self, shard: int, record: UnreadableRecord | None) -> None:
        """Report that a shard has stopped at a record, or that it goes on."""


class ShardStop:
    """The stops of one shard, one after the other.

    Args:
        note_own: called with the offset of each acknowledged record in the shard's decisions.
    """

    def __init__(self, stage: StopPort, shard: int, note_own: Callable[[int], None]) -> None:
        self.record: UnreadableRecord | None = None
        """The record at which the shard has stopped; None while it works."""
        self._stage = stage
        self._shard = shard
        self._note_own = note_own
        self._renewing: asyncio.Task[None] | None = None
        self._renewal: FlagRenewal | None = None
        """None without flags to renew."""
        self._renew_to = 0
        """End of the shard's log when its record was skipped."""
        self._reached_ms = 0
        """Time at which that end was reached; 0: not yet."""

    async def wait_for_skip(self, record: UnreadableRecord) -> None:
        """Stop until a person has skipped a record; return at once if that is so."""
        stage = self._stage
        skip = stage.facts.skips.find(record)
        if skip is None:
            self.record = record
            stage.report_stop(self._shard, record)
            self._renew(record)
            skip = await stage.facts.wait_for_skip(record)
            self.record = None
            stage.report_stop(self._shard, None)
            self._renew_to, self._reached_ms = await end_of_log(stage.context.settings, self._shard), 0
        stage.log.warning(
            "a skipped record is passed over", shard=self._shard, topic=record.position.topic,
            partition=record.position.partition, offset=record.position.offset, actor=skip.actor, reason=skip.reason,
        )  # fmt: skip

    def note_position(self, judged_offset: int, settled_ms: int) -> None:
        """End the renewal once the shard has caught up.

        Args:
            judged_offset: offset before which all records are judged.
            settled_ms: end of the last settled tick.
        """
        if self._renewing is None or self.record is not None or judged_offset < self._renew_to:
            return
        at_ms = self._present_ms()
        self._reached_ms = self._reached_ms or at_ms
        if at_ms - settled_ms <= _STEADY_LAG_MS or at_ms - self._reached_ms >= _CATCHING_UP_MS:
            self._end_renewal()

    def follow(self, decision: Decision) -> list[Decision]:
        """Return the renewal of a decision that the judge takes while it catches up; [] if none is due."""
        renewal = self._renewal.follow(decision, self._present_ms()) if self._renewal is not None else None
        return [] if renewal is None else [renewal]

    def end(self) -> None:
        """End the stop and the renewal: the shard is dropped."""
        self.record = None
        self._end_renewal()

    def _present_ms(self) -> int:
        return self._stage.context.log_clock.present_ms(now_ms())

    def _end_renewal(self) -> None:
        renewing, self._renewing, self._renewal = self._renewing, None, None
        if renewing is not None:
            renewing.cancel()

    def _renew(self, record: UnreadableRecord) -> None:
        self._end_renewal()
        self._renewing = self._stage.context.spawn(self._renew_flags(record), f"renew-{self._shard}")

    async def _renew_flags(self, record: UnreadableRecord) -> None:
        """Write signs of life and renewals until cancelled."""
        at, context, topic = record.position, self._stage.context, self._stage.decisions_topic
        sign = encode_record(
            StoppedShard(
                shard=self._shard, topic=at.topic, partition=at.partition, offset=at.offset, reason=record.reason
            )
        )
        self._renewal = renewal = await self._read_flags()
        policies: PolicyTopic | None = None
        used = -1
        while True:
            policies = await self._read_policy(policies)
            if renewal is not None and policies is not None and policies.live is not None and policies.sequence != used:
                used = policies.sequence
                renewal.use(Policy.from_canonical(policies.live.policy))
            renewals = renewal.due(self._present_ms()) if renewal is not None else []
            acks = [
                await context.sender.send(
                    topic, self._shard, encode_record(renewal), key=f"{renewal.hashtag}|{renewal.country}".encode()
                )
                for renewal in renewals
            ]
            acks.append(await context.sender.send(topic, self._shard, sign, key=b"stopped"))
            for done in await context.sender.acknowledged(acks):
                self._note_own(done.offset)
            context.metrics.flags_renewed.inc(len(renewals))
            await asyncio.sleep(SIGN_SECONDS)

    async def _read_policy(self, last: PolicyTopic | None) -> PolicyTopic | None:
        """Read the live policy, which may protect a hashtag; return the last one known while Kafka does not answer."""
        try:
            return await read_policy_topic(self._stage.context.settings, last)
        except DependencyAway as error:
            self._stage.log.warning("the policy topic cannot be read, flags are renewed as before", why=str(error))
            return last

    async def _read_flags(self) -> FlagRenewal | None:
        """Read the shard's decisions; None: no policy was in force yet."""
        state, _ = await read_decisions(self._stage.context.settings, self._shard, lambda _: True)
        activations = state.progress.activations if state.progress is not None else []
        if not activations:
            return None
        policy = Policy.from_canonical(max(activations, key=lambda activation: activation.sequence).policy)
        return FlagRenewal([*state.decisions, *state.renewals], policy)
