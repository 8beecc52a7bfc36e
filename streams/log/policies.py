"""Records of the `policy` topic: every policy that was ever live, and each worker's report on its policy file."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from streams.log.reading import LogReader, connection
from streams.policy.activation import Activation
from streams.settings import Settings


class ModelChange(msgspec.Struct, frozen=True, kw_only=True):
    """Change of the model under a live policy."""

    before: str
    """Revision of the previous model."""
    actor: str
    reason: str


class PolicyRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record of the `policy` topic, keyed by revision.

    Another model makes a new record of the live policy, and compaction removes the previous one. So the facts about the
    policy (time, actor, reason, changes) stay in every record, and those about the model have fields of their own.
    """

    revision: str
    serial: int
    policy: str
    """The policy as canonical JSON."""
    model_revision: str
    from_tick_ms: int
    """End of the first tick under it, stored so that a repeated activation is equal."""
    proposed_at_ms: int
    proposed_by: str
    text: str = ""
    """Content of the file, comments included, for a rollback."""
    actor: str = ""
    """Actor given to `hushtag policy apply`; "" for a file edited by hand. `reason` likewise."""
    reason: str = ""
    changes: tuple[str, ...] = ()
    """Differences from the previous live policy, as text."""
    model_change: ModelChange | None = None
    """None: the model is unchanged."""

    def activation(self, sequence: int) -> Activation:
        """Return the activation for every shard's log; `sequence` is this record's offset."""
        return Activation(
            revision=self.revision,
            sequence=sequence,
            from_tick_ms=self.from_tick_ms,
            policy=self.policy,
            model_revision=self.model_revision,
        )


class WorkerReport(msgspec.Struct, frozen=True, kw_only=True):
    """State of a worker's policy file: a record of the `policy` topic, keyed by worker."""

    worker: str
    file: str
    revision: str
    """Revision of the file; "" for an unusable file."""
    verdict: str
    """`propose`, `same`, `drift`, `behind` (see `Proposal`), `bad`, or `restart` (live, but this worker needs a restart
    to follow it)."""
    why: str
    at_ms: int
    began_hours: int
    """`max_automated_hours` of the policy that the worker started with; a greater value needs a restart (see
    `needs_restart`)."""


REPORT_KEY = b"worker|"
encode_policy_record = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(PolicyRecord).decode
_decode_report = msgspec.json.Decoder(WorkerReport).decode


@dataclass(frozen=True, slots=True)
class PolicyTopic:
    """Content of the `policy` topic."""

    kept: dict[str, tuple[int, PolicyRecord]]
    """Every policy that was ever live, by revision, with its offset; the last one is live."""
    reports: dict[str, WorkerReport]
    """The last report of every worker."""
    end: int = 0
    """The offset after the last record read."""

    @property
    def live(self) -> PolicyRecord | None:
        """Return the record of the live policy; None before the first one."""
        return list(self.kept.values())[-1][1] if self.kept else None

    @property
    def model_named_by(self) -> PolicyRecord | None:
        """The record that made the live model live; its `from_tick_ms` is the model's first tick."""
        found: PolicyRecord | None = None
        for _, one in reversed(self.kept.values()):
            if found is not None and (found.model_change is not None or one.model_revision != found.model_revision):
                break
            found = one
        return found

    @property
    def live_activation(self) -> Activation | None:
        """Activation of the live policy."""
        return None if self.live is None else self.live.activation(self.kept[self.live.revision][0])


async def read_policy_topic(settings: Settings, known: PolicyTopic | None = None) -> PolicyTopic:
    """Read the topic; from the end of `known` on, where it is given."""
    before = known or PolicyTopic({}, {})
    kept, reports, end = dict(before.kept), dict(before.reports), before.end
    async with LogReader(connection(settings), settings.topic("policy")) as reader:
        async for batch in reader.to_end({0: end or None}):
            end = batch[-1].offset + 1
            for record in batch:
                if record.key is not None and record.key.startswith(REPORT_KEY):
                    report = _decode_report(record.value)
                    reports[report.worker] = report
                    continue
                one = _decode(record.value)
                kept.pop(one.revision, None)  # the last record is the live one
                kept[one.revision] = record.offset, one
    return PolicyTopic(kept, reports, end)


async def read_policies(settings: Settings) -> dict[str, Activation]:
    """Read every policy that was ever live, by revision; the last one is live."""
    topic = await read_policy_topic(settings)
    return {revision: one.activation(offset) for revision, (offset, one) in topic.kept.items()}
