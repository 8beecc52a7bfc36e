"""Records of the `policy` topic: every policy that was ever live, and each worker's report on its policy file.

All readers skip a record that cannot be read, so the last readable policy stays live. Workers put the record into the
topic `internal-dead-letter`.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Annotated, Literal

import msgspec

from streams.errors import ContractError
from streams.log.activations import check_activation
from streams.log.fillers import is_filler
from streams.log.policy_order import split_by_order
from streams.log.reading import LogReader, connection
from streams.log.sense import AHEAD_MS, LATEST_MS, Count, Ms, require_range
from streams.log.topic_specs import INTERNAL_DEAD_LETTER, POLICY
from streams.policy.activation import Activation
from streams.settings import Settings


class ModelChange(msgspec.Struct, frozen=True, kw_only=True):
    """Change of the model under a live policy."""

    before: str
    """Revision of the previous model."""
    actor: str
    reason: str


class PolicyRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record of the `policy` topic; no two have the same key (`policy_order.policy_key`).

    Another model makes a new record of the live policy. The facts about the policy (time, actor, reason, changes) stay
    in every record of it, and those about the model have fields of their own.
    """

    revision: str
    serial: Count
    policy: str
    """The policy as canonical JSON."""
    model_revision: str
    from_tick_ms: Ms
    """End of the first tick under it, stored so that a repeated activation is equal."""
    proposed_at_ms: Ms
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
    via: Literal["file", "topic"] = "file"
    """`topic`: `hushtag policy apply --to topic` wrote the record; `file`: a worker proposed its policy file."""
    before: Annotated[int, msgspec.Meta(ge=-1, le=2**63 - 1)] | None = None
    """Offset of the live record that the writer saw; -1: there was none; None: not compared. See `policy_order`."""

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
    """Absolute path of the file on the worker's machine."""
    revision: str
    """Revision of the file; "" for an unusable file."""
    verdict: str
    """`propose`, `same`, `drift`, `behind` (see `Proposal`), `bad`, or `restart` (live, but this worker needs a restart
    to follow it)."""
    why: str
    at_ms: Ms
    began_hours: Annotated[int, msgspec.Meta(ge=0, le=10**6)]
    """`max_automated_hours` of the policy that the worker started with; a greater value needs a restart (see
    `needs_restart`)."""


class NewIncarnation(msgspec.Struct, frozen=True, kw_only=True):
    """Statement that the topics of the shards were created again: their offsets begin at 0.

    It precedes the first record of the new topics. Versions of automated decisions carry the number, so they are above
    all versions from before.
    """

    incarnation: Annotated[int, msgspec.Meta(ge=0, le=9_999)]
    """Versions have four digits for it (`streams.log.decisions.version_of`)."""
    why: Literal["restore", "reshard"]
    shards: Annotated[int, msgspec.Meta(ge=1, le=1_024)]
    at_ms: Ms
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class SkippedPolicyRecord:
    """A record of the topic that no reader can use."""

    key: bytes | None
    value: bytes | None
    error: ContractError


_log = logging.getLogger(__name__)
REPORT_KEY = b"worker|"
INCARNATION_KEY = b"incarnation"
encode_policy_record = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(PolicyRecord).decode
_decode_report = msgspec.json.Decoder(WorkerReport).decode
_decode_incarnation = msgspec.json.Decoder(NewIncarnation).decode
_decode_policy = msgspec.json.Decoder(dict).decode


@dataclass(frozen=True, slots=True)
class PolicyTopic:
    """Content of the `policy` topic."""

    kept: dict[str, tuple[int, PolicyRecord]]
    """Every policy that was ever live, by revision, with its offset; the last one is live."""
    reports: dict[str, WorkerReport]
    """The last report of every worker."""
    end: int = 0
    """The offset after the last record read."""
    refused: dict[int, PolicyRecord] = field(default_factory=dict)
    """Records that never went live, by offset: another one went live after the writer had looked."""
    unreadable: dict[int, SkippedPolicyRecord] = field(default_factory=dict)
    """Records that are skipped, by offset."""
    incarnation: int = 0
    """Incarnation of the topics of the shards."""
    records: tuple[tuple[int, PolicyRecord], ...] = ()
    """All readable policy records that were read, in the order of the log."""

    @property
    def live(self) -> PolicyRecord | None:
        """Return the record of the live policy; None before the first one."""
        return list(self.kept.values())[-1][1] if self.kept else None

    @property
    def model_named_by(self) -> PolicyRecord | None:
        """The record that made the live model live; its `from_tick_ms` is the model's first tick."""
        namer: PolicyRecord | None = None
        for _, record in reversed(self.kept.values()):
            if namer is not None and (namer.model_change is not None or record.model_revision != namer.model_revision):
                break
            namer = record
        return namer

    @property
    def live_activation(self) -> Activation | None:
        """Activation of the live policy."""
        return None if self.live is None else self.live.activation(self.sequence)

    @property
    def sequence(self) -> int:
        """Offset of the live record; -1 before the first one."""
        return -1 if self.live is None else self.kept[self.live.revision][0]


async def read_policy_topic(settings: Settings, earlier: PolicyTopic | None = None) -> PolicyTopic:
    """Read the topic, or what follows an earlier reading of it."""
    before = earlier or PolicyTopic({}, {})
    records, reports, unreadable = list(before.records), dict(before.reports), dict(before.unreadable)
    end, incarnation = before.end, before.incarnation
    async with LogReader(connection(settings), settings.topic(POLICY)) as reader:
        async for batch in reader.to_end({0: end or None}):
            end = batch[-1].offset + 1
            for record in batch:
                try:
                    decoded = decode_policy_topic(record.key, record.value, record.timestamp)
                except ContractError as error:
                    unreadable[record.offset] = SkippedPolicyRecord(record.key, record.value, error)
                    _log_skipped(settings, record.offset, error)
                    continue
                if isinstance(decoded, WorkerReport):
                    reports[decoded.worker] = decoded
                elif isinstance(decoded, NewIncarnation):
                    incarnation = max(incarnation, decoded.incarnation)
                elif decoded is not None:
                    records.append((record.offset, decoded))
                elif record.key is not None:
                    reports.pop(record.key.removeprefix(REPORT_KEY).decode("utf-8", "replace"), None)
    return policy_topic(records, reports, end, unreadable, incarnation)


def policy_topic(
    records: list[tuple[int, PolicyRecord]],
    reports: dict[str, WorkerReport],
    end: int,
    unreadable: dict[int, SkippedPolicyRecord],
    incarnation: int,
) -> PolicyTopic:
    """Build the content of the topic from its readable records, in the order of the log."""
    accepted, refused = split_by_order(records)
    kept: dict[str, tuple[int, PolicyRecord]] = {}
    for offset, record in accepted:
        kept.pop(record.revision, None)  # the last record is the live one
        kept[record.revision] = offset, record
    return PolicyTopic(kept, reports, end, dict(refused), unreadable, incarnation, tuple(records))


def decode_policy_topic(
    key: bytes | None, value: bytes | None, log_time_ms: int = LATEST_MS
) -> PolicyRecord | WorkerReport | NewIncarnation | None:
    """Decode one record; None for a filler, and for the removal of a worker's report.

    Raises:
        ContractError: `empty`, `not_json`, `bad_record` (a field is missing, of another type, or out of range), or
            `absurd` (judges would refuse its activation).
    """
    is_report = key is not None and key.startswith(REPORT_KEY)
    if is_filler(key, value) or (value is None and is_report):
        return None
    if not value:
        raise ContractError("empty", value=key or b"", fix="the record has no value, and is skipped")
    try:
        if is_report:
            return _decode_report(value)
        if key == INCARNATION_KEY:
            return _decode_incarnation(value)
        record = _decode(value)
        _decode_policy(record.policy)
        check_activation(record.activation(0))
        require_range("from_tick_ms", record.from_tick_ms, 0, log_time_ms + AHEAD_MS)
        return record
    except msgspec.ValidationError as error:
        raise ContractError("bad_record", value=str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ContractError("not_json", value=value[:80]) from None


async def read_policies(settings: Settings) -> dict[str, Activation]:
    """Read every policy by revision; the last one is live, and refused ones come first."""
    return policies_of(await read_policy_topic(settings))


def policies_of(topic: PolicyTopic) -> dict[str, Activation]:
    """Return every policy of the topic by revision; the last one is live.

    Refused ones come first. A progress record may name a revision whose only remaining record was refused.
    """
    refused = {record.revision: record.activation(offset) for offset, record in topic.refused.items()}
    kept = {revision: record.activation(offset) for revision, (offset, record) in topic.kept.items()}
    return {revision: activation for revision, activation in refused.items() if revision not in kept} | kept


async def read_incarnation(settings: Settings) -> int:
    """Read the incarnation of the topics of the shards: 0, unless they were created again by a restore or a reshard."""
    return (await read_policy_topic(settings)).incarnation


async def read_dead_lettered(settings: Settings, offsets: set[int]) -> set[int]:
    """Return those of some offsets of the topic that are in the dead-letter topic already.

    Raises:
        TopicsError: the dead-letter topic does not exist.
    """
    origins = {dead_letter_origin(settings, offset): offset for offset in offsets}
    dead_lettered: set[int] = set()
    async with LogReader(connection(settings), settings.topic(INTERNAL_DEAD_LETTER)) as reader:
        async for batch in reader.to_end():
            dead_lettered |= {origins[record.key] for record in batch if record.key in origins}
    return dead_lettered


def dead_letter_origin(settings: Settings, offset: int) -> bytes:
    """Return the key of a dead letter from the topic."""
    return f"{settings.topic(POLICY)}/0/{offset}".encode()


def _log_skipped(settings: Settings, offset: int, error: ContractError) -> None:
    """Log to standard error, also in commands, whose output may be read by a program."""
    topic, where = settings.topic(POLICY), {"partition": 0, "offset": offset, "why": str(error)}
    message = "record %d of %s cannot be read and is skipped: %s"
    _log.error(message, offset, topic, error, extra={"topic": topic, **where})
