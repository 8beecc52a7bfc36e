"""Records of the `policy` topic: every policy that was ever live, and each worker's report on its policy file."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from streams.log.reading import LogReader, connection
from streams.policy.activation import Activation
from streams.settings import Settings


class ModelChange(msgspec.Struct, frozen=True, kw_only=True):
    """That a policy is live with another model than before: who named it, and why."""

    before: str
    """Revision of the model before."""
    actor: str
    reason: str


class PolicyRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record of the `policy` topic, keyed by revision.

    Another model makes a new record of the live policy, and compaction takes the one before. So what the record says of
    the policy (when, by whom, why, what changed) stays in it, and what it says of the model stands by itself.
    """

    revision: str
    serial: int
    policy: str
    """Canonical JSON."""
    model_revision: str
    from_tick_ms: int
    """Kept, so that whoever sends the activation again sends the same."""
    proposed_at_ms: int
    proposed_by: str
    text: str = ""
    """The file as it was, comments included, so that a rollback can put it back."""
    actor: str = ""
    """Who applied it, and why, as `hushtag policy apply` was told; "" where the file was edited by hand."""
    reason: str = ""
    changes: tuple[str, ...] = ()
    """In words, against the policy that was live before."""
    model_change: ModelChange | None = None
    """None: the model is that of the policy before."""

    def activation(self, sequence: int) -> Activation:
        """The record that goes down every shard; `sequence` is this record's offset."""
        return Activation(
            revision=self.revision,
            sequence=sequence,
            from_tick_ms=self.from_tick_ms,
            policy=self.policy,
            model_revision=self.model_revision,
        )


class WorkerReport(msgspec.Struct, frozen=True, kw_only=True):
    """How a worker, and its policy file, stand to the live policy: a record of the `policy` topic, keyed by worker."""

    worker: str
    file: str
    revision: str
    """Of the file; "" where it cannot be used."""
    verdict: str
    """`propose`, `same`, `drift`, `behind` (see `Proposal`), `bad`, or `restart`: live, but not to be followed by this
    worker as it runs."""
    why: str
    at_ms: int
    began_hours: int = 0
    """`max_automated_hours` of the policy that it began with: what asks for more needs a restart (see `needs_restart`);
    0: an older version does not say."""


REPORT_KEY = b"worker|"
encode_policy_record = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(PolicyRecord).decode
_decode_report = msgspec.json.Decoder(WorkerReport).decode


@dataclass(frozen=True, slots=True)
class PolicyTopic:
    """What the `policy` topic holds."""

    kept: dict[str, tuple[int, PolicyRecord]]
    """Every policy that was ever live, with its offset, by revision; the last is the live one."""
    reports: dict[str, WorkerReport]
    """The last one of every worker that ever was."""
    end: int = 0
    """The offset after the last record that was read."""

    @property
    def live(self) -> PolicyRecord | None:
        return list(self.kept.values())[-1][1] if self.kept else None

    @property
    def model_named_by(self) -> PolicyRecord | None:
        """The record with which the live model became the live one: its `from_tick_ms` is the model's."""
        found: PolicyRecord | None = None
        for _, one in reversed(self.kept.values()):
            if found is not None and (found.model_change is not None or one.model_revision != found.model_revision):
                break
            found = one
        return found

    @property
    def live_activation(self) -> Activation | None:
        """What goes down the shards for the live one."""
        return None if self.live is None else self.live.activation(self.kept[self.live.revision][0])


async def read_policy_topic(settings: Settings, known: PolicyTopic | None = None) -> PolicyTopic:
    """The whole topic; `known`: what was read of it before, only the rest is asked for."""
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
    """Every kept policy by revision; the last is the live one."""
    topic = await read_policy_topic(settings)
    return {revision: one.activation(offset) for revision, (offset, one) in topic.kept.items()}
