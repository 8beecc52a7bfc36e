"""Absurd values in every field of the JSON records that processes read: a lawful reading, or one that is refused."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from contextlib import suppress
from email.message import EmailMessage
from typing import Any

import msgspec
import pytest
from ruamel.yaml import YAML

from moderation.domain.appeals.fold import appeal_fold_of
from moderation.domain.calibration.fold import LabelFold
from moderation.domain.cases.fold import case_fold_of
from moderation.domain.cases.markings import MarkingFold
from moderation.domain.texts.exposure import ExposureFold
from moderation.outward.notify.channels import EmailChannel
from moderation.outward.notify.config import NotifyConfig
from moderation.outward.notify.delivery import ChannelDelivery
from moderation.outward.notify.metrics import NotifyMetrics
from moderation.outward.notify.outbox import NotifyMark, NotifyMessage, Outbox, OutboxRecord, encode_outbox
from moderation.outward.notify.planning import forgotten, later_marks, new_marks, new_messages
from moderation.outward.notify.state import NotifyState
from moderation.outward.report.publications import publications_in
from moderation.outward.schemas.records import RECORDS
from moderation.publiclog.disclosure import FIELDS, Opening, decode_opening
from moderation.publiclog.inputs import AuditInput, SourcePosition
from moderation.publiclog.leaf_fields import day_of, fields_of, input_of
from moderation.publiclog.state import PublishedCheckpoint, SignedState, decode_published, decode_state
from streams.constants import DAY_MS, HOUR_MS, PANE_MS
from streams.errors import ContractError
from streams.flags.moderation_fold import ModerationFold
from streams.flags.overrides import OverrideHistory
from streams.judging.side_inputs.account_facts import AccountFactStore
from streams.log.decisions import Decision, Progress, decision_in, encode_record, record_in
from streams.log.moderation import LONGEST_MS, Override, Undo, decode_moderation, key_of
from streams.log.partials import decode_partial, encode_partial
from streams.log.policies import (
    INCARNATION_KEY,
    REPORT_KEY,
    NewIncarnation,
    PolicyRecord,
    WorkerReport,
    decode_policy_topic,
    policy_topic,
)
from streams.log.sense import LATEST_MS
from streams.log.skips import SkipIndex
from streams.log.topic_specs import MODERATION
from streams.orders.account_facts import AccountFactFold
from tests.support.absurd_values import absurd_variants
from tests.support.block_counts import TOPIC_ID
from tests.support.judge_harness import HASHES
from tests.support.notify_cases import CONFIG
from tests.support.sample_records import AT_MS, sample_of, value_of

MALFORMED = (b'"\xff"', b'"\\ud800"', b"NaN", b"[" * 5_000)
"""Members that no JSON has, or none that can be decoded."""


def variants(plain: Any) -> Iterator[tuple[str, bytes]]:
    """Iterate over encoded records with one absurd or malformed member."""
    for what, changed in absurd_variants(plain):
        try:
            yield what, value_of(changed)
        except msgspec.MsgspecError:
            continue  # not JSON: 2^64 and the like
        if what.endswith("= 'foreign'"):
            text = value_of(changed)
            yield from ((f"{what[:-9]}{member[:8]!r}", text.replace(b'"foreign"', member)) for member in MALFORMED)


def keyed(kind: type, value: bytes) -> bytes:
    """Return the key of a record's content, as its writer would build it; any key for one that cannot be decoded."""
    codec = vars(sys.modules[kind.__module__]).get("_codec")
    try:
        if kind in (Override, Undo):
            return key_of(msgspec.json.decode(value, type=kind))
        assert codec is not None
        return bytes(codec._key(codec._decoder.decode(value)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return b"key"


SAMPLES = [(kind, value_of(sample_of(kind))) for kind in RECORDS[MODERATION]]
LAWFUL = [(keyed(kind, value), value) for kind, value in SAMPLES]
CHANNELS = NotifyConfig.model_validate(YAML(typ="safe").load(CONFIG))


class Readers:
    """Every reader of the topic `moderation` that runs in a process."""

    def __init__(self) -> None:
        self.history, self.notify, self.skips = OverrideHistory(), NotifyState(), SkipIndex()
        self.facts, self.registers = AccountFactFold(AccountFactStore(HASHES)), ModerationFold(max_broker_skew_ms=500)
        self.offset = 0

    def apply(self, key: bytes, value: bytes) -> None:
        offset, self.offset = self.offset, self.offset + 1
        self.history.apply(offset, key, value, AT_MS)
        self.notify.apply_moderation(offset, key, value, AT_MS)
        self.facts.apply_raw(offset, AT_MS, key, value)
        self.skips.apply_raw(key, value)
        fields_of(AuditInput(SourcePosition(MODERATION, 0, offset, AT_MS), key, value))
        with suppress(ContractError):  # the publish stage counts it
            self.registers.apply(decode_moderation(value, key, AT_MS), offset, AT_MS)

    def look(self) -> None:
        """Render what people see, at a time when holds lapse and after everything."""
        others = self.history.others
        for fold in (MarkingFold(), ExposureFold(), LabelFold()):
            for _, other in others:
                fold.decode_and_apply(0, other)
        case_fold_of(self.history), appeal_fold_of(self.history), publications_in(others)
        outbox = Outbox()
        outbox.marks |= {(name, kind): 0 for name, one in CHANNELS.channels.items() for kind, _ in one.sends.items()}
        for at_ms in (AT_MS + HOUR_MS, AT_MS + 400 * DAY_MS):
            self.history.statuses(at_ms)
            self.registers.expire(at_ms)
            list(new_messages(CHANNELS, self.notify, outbox, at_ms))


def test_samples_are_lawful() -> None:
    readers = Readers()
    for key, value in LAWFUL:
        readers.apply(key, value)
    assert not readers.history.bad and readers.history.fold.orders.by_id
    assert case_fold_of(readers.history).cases and appeal_fold_of(readers.history).appeals


@pytest.mark.parametrize("at", range(len(SAMPLES)), ids=lambda at: SAMPLES[at][0].__name__)
def test_absurd_record_of_moderation_stops_no_reader(at: int) -> None:
    kind, _ = SAMPLES[at]
    refused = Readers()
    for what, value in variants(sample_of(kind)):
        key = keyed(kind, value)
        if key == b"key":
            refused.apply(key, value)
            continue
        readers = Readers()
        for known_key, known in (*LAWFUL[:at], (key, value), *LAWFUL[at + 1 :]):
            readers.apply(known_key, known)
        readers.look()
        path, _, replaced = what.partition(" = ")
        if path.endswith("_ms") and replaced.lstrip("-").isdecimal():
            assert 0 <= int(replaced) <= LATEST_MS, what
        assert not (replaced.endswith("\\n'") and is_patterned(kind, path)), what
    assert refused.offset > 10


def is_patterned(kind: type, path: str) -> bool:
    """Return whether a field of a record has a pattern."""
    field = next((one for one in msgspec.inspect.type_info(kind).fields if one.name == path), None)  # type: ignore[attr-defined]
    return getattr(getattr(field, "type", None), "pattern", None) is not None


def test_override_beyond_the_longest_is_refused() -> None:
    plain = sample_of(Override) | {"lasts_ms": 0, "expires_at_ms": AT_MS + LONGEST_MS}
    assert decode_moderation(value_of(plain), None, AT_MS) is not None
    with pytest.raises(ContractError, match="endless"):
        decode_moderation(value_of(plain | {"expires_at_ms": AT_MS + LONGEST_MS + DAY_MS + 1}), None, AT_MS)


POLICY_KEYS = {PolicyRecord: b"0|1", WorkerReport: REPORT_KEY + b"w", NewIncarnation: INCARNATION_KEY}


def policy_sample(kind: type) -> Any:
    plain = sample_of(kind)
    if kind is PolicyRecord:
        plain |= {"policy": "{}", "revision": hashlib.sha256(b"{}").hexdigest()[:12], "model_revision": "0" * 12}
    return plain


@pytest.mark.parametrize("kind", POLICY_KEYS)
def test_absurd_record_of_policy_is_lawful_or_refused(kind: type) -> None:
    """The activation of a lawful one stops no judge, and its incarnation gives a version that judges can read."""
    assert decode_policy_topic(POLICY_KEYS[kind], value_of(policy_sample(kind)), AT_MS) is not None
    refused = 0
    for what, value in variants(policy_sample(kind)):
        try:
            record = decode_policy_topic(POLICY_KEYS[kind], value, AT_MS)
        except ContractError:
            refused += 1
            continue
        if isinstance(record, PolicyRecord):
            topic = policy_topic([(7, record)], {}, 8, {}, 0)
            assert topic.live_activation is None or decode_partial(encode_partial(topic.live_activation)), what
            assert record.from_tick_ms <= AT_MS + DAY_MS and day_of(record.proposed_at_ms), what
        elif isinstance(record, NewIncarnation):
            assert 0 <= record.incarnation <= 9_999 and day_of(record.at_ms), what
        elif isinstance(record, WorkerReport):
            assert day_of(record.at_ms), what
    assert refused > 10


def test_policy_of_a_coming_day_is_refused() -> None:
    """Judges would stop at its activation."""
    plain, key = policy_sample(PolicyRecord), POLICY_KEYS[PolicyRecord]
    assert decode_policy_topic(key, value_of(plain | {"from_tick_ms": AT_MS + DAY_MS}), AT_MS) is not None
    with pytest.raises(ContractError, match="absurd"):
        decode_policy_topic(key, value_of(plain | {"from_tick_ms": AT_MS + DAY_MS + PANE_MS}), AT_MS)


def test_policy_that_names_a_later_live_record_is_refused() -> None:
    """No writer can have seen a record behind its own."""
    records = [msgspec.convert(policy_sample(PolicyRecord) | {"before": before}, PolicyRecord) for before in (-1, 9)]
    topic = policy_topic([(0, records[0]), (4, records[1])], {}, 5, {}, 0)
    assert list(topic.refused) == [4]


DECISION_SENDS = YAML(typ="safe").load(CONFIG.replace("appeals: {digest: 0s}", "decisions: {digest: 0s}"))


def test_absurd_decision_ends_no_notifier() -> None:
    channels, refused = NotifyConfig.model_validate(DECISION_SENDS), 0
    plain = sample_of(Decision) | {"settled_ms": AT_MS, "decided_at_ms": AT_MS}
    assert decision_in(value_of(plain)) is not None
    for what, value in variants(plain):
        state, outbox, read = NotifyState(), Outbox(), decision_in(value)
        outbox.marks |= {(name, kind): 0 for name, one in channels.channels.items() for kind, _ in one.sends.items()}
        refused += read is None
        if read is None:
            continue
        state.apply_decision(read)
        for at_ms in (AT_MS + HOUR_MS, AT_MS + 400 * DAY_MS):
            for message in new_messages(channels, state, outbox, at_ms):
                outbox.apply(*reversed(encode_outbox(message)))
                assert outbox.is_notified(message.channel, message.event, message.notices[0]), what
        state.prune(AT_MS)
    assert refused > 10


@pytest.mark.parametrize("number", ["9" * 5_000, "-1", "65536", "x", "\u0663", "00000000001"])
def test_absurd_partition_of_a_progress_record_ends_no_reader(number: str) -> None:
    lawful = Progress(shard=0, settled_ms=AT_MS, position=9, replay_offset=8, activations=[], blocks={})
    last, absurd = (msgspec.structs.replace(lawful, blocks={f"{TOPIC_ID}/{name}": 1}) for name in ("65535", number))
    assert record_in(encode_record(last)) == last and record_in(encode_record(absurd)) is None


WAITING: dict[type, dict[str, Any]] = {NotifyMark: {}, NotifyMessage: {"sent_ms": 0}}
OTHER = NotifyMessage(
    id="msg_" + "1" * 32, channel="mail", event="holds", notices=("n",), newest_ms=AT_MS, planned_ms=AT_MS,
    subject="hushtag: a hold lapses", body="text\n",
)  # fmt: skip


def outbox_key(value: bytes) -> bytes:
    """Return the key of a record of `notifications`; any key for one that cannot be decoded."""
    try:
        return msgspec.json.decode(value, type=OutboxRecord).key
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return b"key"


async def test_absurd_record_of_notifications_ends_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused, delivered, or waits; the other message of its channel is delivered."""
    sent: list[str] = []

    async def take(mail: EmailMessage, **_: Any) -> tuple[dict[str, Any], str]:
        sent.append(str(mail["Message-ID"]))
        assert mail.as_bytes()
        return {}, ""

    monkeypatch.setattr("aiosmtplib.send", take)
    refused = 0
    for kind in (NotifyMark, NotifyMessage):
        for what, value in variants(sample_of(kind) | {"channel": "mail", "event": "holds"} | WAITING[kind]):
            outbox = Outbox()
            outbox.apply(*reversed(encode_outbox(OTHER)))
            try:
                outbox.apply(outbox_key(value), value)
            except ContractError:
                refused += 1
                continue
            for mark in new_marks(CHANNELS, outbox, AT_MS):
                outbox.apply(*reversed(encode_outbox(mark)))
            for at_ms in (AT_MS, AT_MS + 400 * DAY_MS):
                list(new_messages(CHANNELS, NotifyState(), outbox, at_ms))
                later_marks(CHANNELS, outbox, at_ms)
                forgotten(CHANNELS, outbox, at_ms)
            metrics, channel = NotifyMetrics(), EmailChannel("smtp://127.0.0.1:1", "h@example.org", ["a@example.org"])
            delivery = ChannelDelivery("mail", channel, metrics, lambda: AT_MS)
            waiting = outbox.waiting("mail")
            for message in waiting:
                delivery.add(message)
            metrics.set_waiting("mail", delivery.waiting, AT_MS)
            await delivery._deliver_all()
            assert OTHER in delivery.delivered, what
            assert len(delivery.delivered) + len(delivery.waiting) == len(waiting), what
            outbox.apply(outbox_key(value), None)
    assert refused > 10 and sent


@pytest.mark.parametrize(("kind", "decode"), [(SignedState, decode_state), (PublishedCheckpoint, decode_published)])
def test_absurd_record_of_the_audit_log_is_lawful_or_refused(kind: type, decode: Any) -> None:
    assert decode(value_of(sample_of(kind))) is not None
    refused = 0
    for what, value in variants(sample_of(kind)):
        record = decode(value)
        refused += record is None
        assert record is None or day_of(record.at_ms), what
        assert not isinstance(record, PublishedCheckpoint) or 0 <= record.size < 2**53, what
    assert refused > 10


def test_absurd_opening_is_an_entry_or_refused() -> None:
    salts = ["A" * 22] * len(FIELDS)
    values = dict.fromkeys(FIELDS, "x") | {"time": "2026-01-01T00:00:00.000Z", "source": "moderation/0/7"}
    texts = ["0001-01-01T00:00:00", "a/b/c", "moderation/-1/7", "moderation/0/" + "9" * 5_000, "base64:x"]
    for _, value in variants([salts, list(values.values())]):
        read_opening(value)
    for field in FIELDS:
        for text in texts:
            read_opening(value_of([salts, list((values | {field: text}).values())]))


def read_opening(value: bytes) -> None:
    with suppress(ValueError, ContractError):  # the reader of the log names the entry
        opening: Opening = decode_opening(value)
        input_of(dict(zip(FIELDS, opening.values, strict=True)))
