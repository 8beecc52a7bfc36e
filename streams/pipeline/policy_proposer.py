"""Propose this worker's policy file, and activate the live policy on every shard.

A file goes live in three steps: its model is in the `models` topic, its record is in the `policy` topic, and its
activation is in every shard's log. Each step is acknowledged before the next. A worker that ends between two steps is
no loss: the next worker to start sends the activation again, and judges ignore repeats.

A record of another writer (another worker, `hushtag policy apply --to topic`) is activated by every worker that reads
it. Records that cannot be read go to the dead-letter topic, and the last readable policy stays live.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec.structs import replace
from watchfiles import awatch

from streams.clock import monotonic_seconds, now_ms
from streams.errors import HushtagError, PolicyError, TopicsError
from streams.log.models import read_models
from streams.log.partials import encode_partial
from streams.log.policies import (
    REPORT_KEY,
    PolicyTopic,
    WorkerReport,
    encode_policy_record,
    read_dead_lettered,
    read_policy_topic,
)
from streams.log.policy_order import policy_key
from streams.log.topic_specs import INTERNAL_DEAD_LETTER, MODELS, POLICY
from streams.pipeline.context import Context
from streams.pipeline.dead_letters import send_dead_letter
from streams.pipeline.policy_comparison import compare, record_to_publish
from streams.pipeline.policy_file import PolicyFile
from streams.policy import Policy, PolicyFileError
from streams.policy.activation import Activation
from streams.policy.proposal import needs_restart

REPORT_EVERY_SECONDS = 20.0
FOLLOW_EVERY_SECONDS = 5.0
"""Interval at which the topic is read for records of other writers."""


class PolicyProposer:
    """Proposes this worker's policy file, at start and whenever it changes.

    Args:
        newest_ms: returns the greatest log time that ingest has read; -1: none yet.
        name: the name of this worker, for the records.
        began: the policy that the worker started with.
        check: raises TopicsError if the topics keep too little for a policy. Blocks.
    """

    def __init__(
        self,
        context: Context,
        newest_ms: Callable[[], int],
        name: str,
        log: Any,
        *,
        began: Policy,
        check: Callable[[Policy], None],
    ) -> None:
        settings = context.settings
        self._context = context
        self._newest_ms = newest_ms
        self._name = name
        self._log = log
        self._began = began
        self._check = check
        self._file = PolicyFile(settings.policy, shards=settings.shards, categories=context.scorer.categories)
        self._policy: Policy | None = None
        """The policy in the file; None while the file is unusable."""
        self._topic: PolicyTopic | None = None
        """The `policy` topic at the last read."""
        self._live: Activation | None = None
        self._sent = -1
        """Sequence of the last activation sent."""
        self._report: WorkerReport | None = None
        self._reported_seconds = self._followed_seconds = -math.inf
        self._dead_lettered: set[int] = set()
        """Offsets of unreadable records that are in the dead-letter topic."""

    async def begin(self) -> None:
        """Make a policy live before anything is counted.

        Raises:
            PolicyError: the file is bad and no policy has ever been live.
        """
        self._topic = await read_policy_topic(self._context.settings)
        self._live = self._topic.live_activation
        await self._send_unreadable()
        try:
            await self._propose(self._file.read(), first=True)
        except PolicyError as error:
            if self._live is None:
                raise
            self._refuse(error)
        if self._live is not None:
            await self._activate(self._live)  # the worker that published it may have ended before sending it

    async def run(self) -> None:
        """Watch the folder of the file: this notices swapped symlinks and an editor's renames, too."""
        folder = self._file.path.absolute().parent
        async for _ in awatch(
            folder, recursive=False, debounce=200, step=50, rust_timeout=1_000, yield_on_timeout=True
        ):
            try:
                policy = self._file.read_if_changed()
                if policy is not None:
                    await self._propose(policy, first=False)
                elif monotonic_seconds() - self._followed_seconds >= FOLLOW_EVERY_SECONDS:
                    self._followed_seconds = monotonic_seconds()
                    await self._compare_again()
            except PolicyError as error:
                self._refuse(error)
            await self._send_report()

    async def _propose(self, policy: Policy, *, first: bool) -> None:
        settings = self._context.settings
        self._policy = policy
        self._topic = await read_policy_topic(settings)
        self._live = self._topic.live_activation
        comparison = compare(
            policy, self._topic, model=await self._model(), first=first,
            began_hours=self._began.valves.max_automated_hours,
        )  # fmt: skip
        if not comparison.publishes:
            if (
                comparison.verdict in ("same", "restart")
                and self._live is not None
                and self._sent != self._live.sequence
            ):
                await self._activate(self._live)  # the worker that published it may have ended; repeats are harmless
            if comparison.verdict == "restart":
                self._log.warning("this worker needs a restart to follow the live policy", why=comparison.why)
            self._set_verdict(comparison.verdict, comparison.why, policy.revision)
            self._log.info("policy file not proposed", verdict=comparison.verdict, why=comparison.why)
            return
        if not first:
            await self._check_that_it_can_follow(policy)
        newest_ms = self._newest_ms()
        record = record_to_publish(
            comparison, newest_ms=newest_ms if newest_ms >= 0 else self._present_ms(), at_ms=self._present_ms(),
            worker=self._name, text=self._file.text, note=self._file.note(policy.revision),
        )  # fmt: skip
        offset = await self._publish(settings.topic(POLICY), encode_policy_record(record), policy_key(policy.revision))
        self._topic = await read_policy_topic(settings, self._topic)
        if offset in self._topic.refused:  # another writer was faster: compare the file with that policy
            await self._propose(policy, first=first)
            return
        self._live = record.activation(offset)
        await self._activate(self._live)
        self._set_verdict("same", f"{policy.revision} (serial {policy.serial}) is live", policy.revision)
        self._log.info("policy live", revision=policy.revision, serial=policy.serial, from_tick_ms=record.from_tick_ms)

    async def _compare_again(self) -> None:
        """Activate a later record of another writer, and compare the file with it.

        If a topic cannot be read meanwhile, the comparison waits for the next look.
        """
        compared = self._live
        try:
            self._topic = await read_policy_topic(self._context.settings, self._topic)
            await self._send_unreadable()
            live = self._topic.live_activation
            if live is not None and live.sequence > self._sent:
                await self._activate(live)
                self._log.info("another writer's policy is live", revision=live.revision, sequence=live.sequence)
            if live is not None and (compared is None or live.sequence > compared.sequence):
                self._live = live
                if self._policy:
                    await self._propose(self._policy, first=False)
        except PolicyError:
            raise
        except (HushtagError, msgspec.MsgspecError, TypeError) as error:
            self._live = compared
            self._log.warning("the policy topic cannot be read, the file is compared later", why=str(error))

    async def _send_unreadable(self) -> None:
        """Send unreadable records of the topic to the dead-letter topic, each once; what fails waits for later."""
        try:
            await self._send_dead_letters()
        except HushtagError as error:
            self._log.warning("unreadable policy records are not in the dead-letter topic yet", why=str(error))

    async def _send_dead_letters(self) -> None:
        assert self._topic is not None
        settings, unreadable = self._context.settings, self._topic.unreadable
        self._context.metrics.policy_records_unreadable.set(len(unreadable))
        unsent = set(unreadable) - self._dead_lettered
        if not unsent:
            return
        self._dead_lettered |= await read_dead_lettered(settings, unsent)
        for offset in sorted(unsent - self._dead_lettered):
            record, topic = unreadable[offset], settings.topic(POLICY)
            ack = await send_dead_letter(
                self._context, topic, 0, offset, record.value, record.error, into=INTERNAL_DEAD_LETTER
            )
            await self._context.sender.acknowledged([ack])
            self._dead_lettered.add(offset)

    async def _model(self) -> str:
        """Return the revision of the model for a proposal: the live one if it can be loaded, else this worker's own.

        This worker's own model is published before a shard's log names it.
        """
        models = self._context.models
        own = models.own.revision
        live = own if self._live is None else self._live.model_revision
        if live != own and await models.exists(live):
            self._log.warning("the live model is not this worker's own", live=live, own=own, fix="hushtag model apply")
            return live
        data = await asyncio.to_thread(models.own_artefact)
        if data is not None and own not in await read_models(self._context.settings, only=own):
            await self._publish(self._context.settings.topic(MODELS), data, own.encode())
        return own

    async def _check_that_it_can_follow(self, policy: Policy) -> None:
        """Refuse a policy as a whole if this worker can follow only a part of it while it runs.

        Raises:
            PolicyError: it needs a restart, or longer retention of the topics, first.
        """
        reasons = list(needs_restart(self._began.valves.max_automated_hours, policy))
        if reasons:
            raise PolicyError("; ".join(reasons), fix="restart the workers one by one, with this file in place")
        if policy.longest_window_ms <= self._began.longest_window_ms:
            return
        try:
            await asyncio.to_thread(self._check, policy)
        except TopicsError as error:
            raise PolicyError(
                f"the topics keep too little for it: {error}",
                fix=f"{error.fix}\nthen save the file again with a higher serial",
            ) from error

    async def _activate(self, activation: Activation) -> None:
        sender, settings = self._context.sender, self._context.settings
        value, topic = encode_partial(activation), settings.topic("hashtag-partials")
        await sender.acknowledged([await sender.send(topic, shard, value) for shard in range(settings.shards)])
        self._sent = activation.sequence
        self._context.metrics.set_revisions(policy=activation.revision, model=activation.model_revision)

    async def _publish(self, topic: str, value: bytes, key: bytes) -> int:
        sender = self._context.sender
        (ack,) = await sender.acknowledged([await sender.send(topic, 0, value, key=key)])
        return int(ack.offset)

    def _refuse(self, error: PolicyError) -> None:
        self._policy = None
        self._set_verdict("bad", error.summary if isinstance(error, PolicyFileError) else str(error))
        self._log.error(
            "policy file refused, the last good one stays live",
            why=str(error),
            fix=error.fix,
            file=str(self._file.path),
        )

    def _set_verdict(self, verdict: str, why: str, revision: str = "") -> None:
        self._context.metrics.policy_file_bad.set(verdict == "bad")
        is_drift = verdict == "drift" or (verdict == "behind" and not self._is_live_through_topic)
        self._context.metrics.policy_file_drift.set(is_drift)
        self._report = WorkerReport(
            worker=self._name, file=str(self._file.path.absolute()), revision=revision, verdict=verdict, why=why,
            at_ms=0, began_hours=self._began.valves.max_automated_hours,
        )  # fmt: skip
        self._reported_seconds = -math.inf

    @property
    def _is_live_through_topic(self) -> bool:
        """Whether the live policy came through the topic: a file with an older serial is then no fault."""
        live = None if self._topic is None else self._topic.live
        return live is not None and live.via == "topic"

    @property
    def _is_report_due(self) -> bool:
        return monotonic_seconds() - self._reported_seconds >= REPORT_EVERY_SECONDS

    def _present_ms(self) -> int:
        return self._context.log_clock.present_ms(now_ms())

    async def _send_report(self) -> None:
        """Send the report that `hushtag policy status` reads: at once after a change, otherwise periodically."""
        if self._report is None or not self._is_report_due:
            return
        report = replace(self._report, at_ms=self._present_ms())
        topic, key = self._context.settings.topic(POLICY), REPORT_KEY + self._name.encode()
        await self._publish(topic, encode_policy_record(report), key)
        self._reported_seconds = monotonic_seconds()
