"""Proposes this worker's policy file, and activates the live policy on every shard."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace
from watchfiles import awatch

from streams.clock import now_ms
from streams.counting.block_counts import PANE_MS
from streams.errors import HushtagError, PolicyError, TopicsError
from streams.log.models import read_models
from streams.log.partials import encode_partial
from streams.log.policies import (
    REPORT_KEY,
    ModelChange,
    PolicyRecord,
    PolicyTopic,
    WorkerReport,
    encode_policy_record,
    read_policy_topic,
)
from streams.log.topic_specs import MODELS
from streams.pipeline.context import Context
from streams.policy import Policy, PolicyFileError, parse_policy
from streams.policy.activation import Activation, should_propose
from streams.policy.diff import differences
from streams.policy.note import Note, note_path
from streams.policy.restart import needs_restart

REPORT_EVERY_MS = 20_000
UNREADABLE_LOOKS = 3
"""A file that cannot be read so many times in a row is not between two renames."""


class PolicyProposer:
    """Proposes this worker's policy file, at the start and whenever it changes.

    Args:
        newest_ms: the greatest log time that ingest has read; -1: none yet.
        name: of this worker, for the record.
        began: the policy that the worker was made for.
        check: that the topics keep what a policy needs; raises TopicsError. Blocks.
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
        self._context = context
        self._began = began
        self._check = check
        self._newest_ms = newest_ms
        self._name = name
        self._log = log
        self._topic: PolicyTopic | None = None
        """As it was last read."""
        self._live: Activation | None = None
        self._sent = -1
        self._file: Policy | None = None
        """What stands in the file; None where it cannot be used."""
        self._last_text: bytes | None = None
        self._unreadable = 0
        """How many looks in a row could not read the file."""
        self._report: WorkerReport | None = None
        self._reported_ms = 0

    async def begin(self) -> None:
        """Have a policy in force before anything is counted.

        Raises:
            PolicyError: the file is bad and no policy has ever been live.
        """
        self._live = (await read_policy_topic(self._context.settings)).live_activation
        try:
            await self._propose(self._read(), first=True)
        except PolicyError as error:
            if self._live is None:
                raise
            self._refuse(error)
        if self._live is not None:
            await self._activate(self._live)  # a predecessor may have died between keeping it and sending it

    async def run(self) -> None:
        """Watch the file; also where it is a symlink that is swapped, or written by an editor's rename."""
        path = self._context.settings.policy
        folder = path.absolute().parent
        async for _ in awatch(
            folder, recursive=False, debounce=200, step=50, rust_timeout=1_000, yield_on_timeout=True
        ):
            try:
                policy = self._read_if_changed()
                if policy is not None:
                    await self._propose(policy, first=False)
                elif self._is_report_due:
                    await self._compare_again()
            except PolicyError as error:
                self._refuse(error)
            await self._tell()

    async def _tell(self) -> None:
        """Let `hushtag policy status` know of this worker, at once when something has changed, else now and then."""
        if self._report is None or not self._is_report_due:
            return
        sender, topic = self._context.sender, self._context.settings.topic("policy")
        report = replace(self._report, at_ms=now_ms())
        await sender.acknowledged(
            [await sender.send(topic, 0, encode_policy_record(report), key=REPORT_KEY + self._name.encode())]
        )
        self._reported_ms = report.at_ms

    @property
    def _is_report_due(self) -> bool:
        return now_ms() - self._reported_ms >= REPORT_EVERY_MS

    async def _compare_again(self) -> None:
        """Compare the file once more if a later record is live by now than the one that it was compared with: of
        another machine's file, or of another model. Whatever cannot be read meanwhile waits for the next look."""
        compared = self._live
        try:
            self._topic = await read_policy_topic(self._context.settings, self._topic)
            live = self._topic.live_activation
            if live is not None and (compared is None or live.sequence > compared.sequence) and self._file is not None:
                await self._propose(self._file, first=False)
        except PolicyError:
            raise
        except (HushtagError, msgspec.MsgspecError, TypeError) as error:
            self._live = compared
            self._log.warning("the policy topic cannot be read: whether the file is the live one waits", why=str(error))

    def _note_verdict(self, verdict: str, why: str, revision: str = "") -> None:
        self._context.metrics.policy_file_bad.set(verdict == "bad")
        self._context.metrics.policy_file_drift.set(verdict in ("drift", "behind"))
        file = str(self._context.settings.policy)
        self._report = WorkerReport(
            worker=self._name, file=file, revision=revision, verdict=verdict, why=why, at_ms=0,
            began_hours=self._began.valves.max_automated_hours,
        )  # fmt: skip
        self._reported_ms = 0

    async def _propose(self, policy: Policy, *, first: bool) -> None:
        self._file = policy
        self._topic = await read_policy_topic(self._context.settings)
        self._live = self._topic.live_activation
        proposal = should_propose(policy, self._live)
        model = await self._model()
        other_model = self._live is not None and self._live.model_revision != model
        if not proposal and not (first and proposal.verdict == "same" and other_model):
            if proposal.verdict == "same" and self._live is not None and self._sent != self._live.sequence:
                await self._activate(self._live)  # whoever kept it may have died before sending; repeats are harmless
            stale = list(self._needs_restart(Policy.from_canonical(self._live.policy))) if self._live else []
            if stale and proposal.verdict == "same":
                self._note_verdict("restart", "; ".join(stale), policy.revision)
                self._log.warning("the live policy needs a restart of this worker", why="; ".join(stale))
            else:
                self._note_verdict(proposal.verdict, proposal.message, policy.revision)
            self._log.info("policy file not proposed", verdict=proposal.verdict, why=proposal.message)
            return
        if not first:
            await self._check_that_it_can_follow(policy)
        newest_ms = self._newest_ms() if self._newest_ms() >= 0 else now_ms()
        change, live = None, self._topic.live
        if live is not None and other_model:
            why = "the model before was not to be had"
            change = ModelChange(before=live.model_revision, actor=self._name, reason=why)
        record = self._record(policy, live) if proposal or live is None else live
        record = replace(
            record,
            model_revision=model,
            from_tick_ms=0 if live is None else (newest_ms // PANE_MS + 1) * PANE_MS,
            model_change=change,
        )
        sender, settings = self._context.sender, self._context.settings
        ack = await sender.send(settings.topic("policy"), 0, encode_policy_record(record), key=policy.revision.encode())
        offset = (await sender.acknowledged([ack]))[0].offset
        self._live = record.activation(offset)
        await self._activate(self._live)
        self._note_verdict("same", f"{policy.revision} (serial {policy.serial}) is live", policy.revision)
        self._log.info("policy live", revision=policy.revision, serial=policy.serial, from_tick_ms=record.from_tick_ms)

    def _record(self, policy: Policy, live: PolicyRecord | None) -> PolicyRecord:
        """What is kept of a policy that goes live after another; its tick and its model are still to come."""
        note = self._read_note(policy.revision)
        return PolicyRecord(
            revision=policy.revision,
            serial=policy.serial,
            policy=policy.canonical(),
            model_revision="",
            from_tick_ms=0,
            proposed_at_ms=now_ms(),
            proposed_by=self._name,
            text=self._last_text.decode("utf-8") if self._last_text else "",
            actor=note.actor if note else "",
            reason=note.reason if note else "",
            changes=tuple(differences(Policy.from_canonical(live.policy), policy)) if live else (),
        )

    async def _model(self) -> str:
        """The revision of the model that goes with a proposal: the live one, where it is to be had. Else this worker's,
        which is kept before any shard hears of it."""
        shelf, sender = self._context.shelf, self._context.sender
        own = shelf.own.revision
        live = own if self._live is None else self._live.model_revision
        if live != own and await shelf.has(live):
            self._log.warning("the live model is not this worker's own", live=live, own=own, fix="hushtag model apply")
            return live
        data = await asyncio.to_thread(shelf.own_artefact)
        if data is not None and own not in await read_models(self._context.settings, wanted=own):
            topic = self._context.settings.topic(MODELS)
            await sender.acknowledged([await sender.send(topic, 0, data, key=own.encode())])
        return own

    async def _check_that_it_can_follow(self, policy: Policy) -> None:
        """Nothing is half applied: what a worker cannot follow while it runs is refused as a whole.

        Raises:
            PolicyError: with what needs a restart, or more room in the topics first.
        """
        reasons = list(self._needs_restart(policy))
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

    def _needs_restart(self, policy: Policy) -> Iterator[str]:
        return needs_restart(self._began.valves.max_automated_hours, policy)

    async def _activate(self, activation: Activation) -> None:
        sender, settings = self._context.sender, self._context.settings
        value = encode_partial(activation)
        topic = settings.topic("hashtag-partials")
        await sender.acknowledged([await sender.send(topic, shard, value) for shard in range(settings.shards)])
        self._sent = activation.sequence
        self._context.metrics.set_revisions(policy=activation.revision, model=activation.model_revision)

    def _read_if_changed(self) -> Policy | None:
        """What stands in the file; None where that is what stood there before, or it is between two renames.

        Raises:
            PolicyError: it is bad, or has not been there to be read for some looks; either is said once.
        """
        path = self._context.settings.policy
        try:
            text = path.read_bytes()
        except OSError as error:
            self._unreadable += 1
            if self._unreadable != UNREADABLE_LOOKS:
                return None
            self._last_text = None  # whatever stands in it once it is back is compared anew
            raise PolicyError(
                f"cannot read the policy {path}: {error.strerror}",
                fix="put it back so that the worker's user may read it: no worker starts without",
            ) from None
        self._unreadable = 0
        return None if text == self._last_text else self._parse(text)

    def _read(self) -> Policy:
        """What stands in the file when the worker starts."""
        path = self._context.settings.policy
        try:
            text = path.read_bytes()
        except OSError as error:
            self._unreadable = UNREADABLE_LOOKS
            raise PolicyError(f"cannot read the policy {path}: {error.strerror}", fix="set HUSHTAG_POLICY") from None
        return self._parse(text)

    def _parse(self, text: bytes) -> Policy:
        self._last_text = text
        return parse_policy(
            text,
            str(self._context.settings.policy),
            shards=self._context.settings.shards,
            categories=self._context.scorer.categories,
        )

    def _read_note(self, revision: str) -> Note | None:
        """Who applied the file, and why; None where nobody said, or said it of another revision."""
        try:
            note = msgspec.json.decode(note_path(self._context.settings.policy).read_bytes(), type=Note)
        except (OSError, msgspec.DecodeError):
            return None
        return note if note.revision == revision else None

    def _refuse(self, error: PolicyError) -> None:
        self._file = None
        self._note_verdict("bad", error.summary if isinstance(error, PolicyFileError) else str(error))
        self._log.error(
            "policy file refused, the last good one stays live",
            why=str(error),
            fix=error.fix,
            file=str(Path(self._context.settings.policy)),
        )
