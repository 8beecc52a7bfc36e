"""The records of legal orders and of the protected-speaker registry in the `moderation` topic.

An order is taken in by some `order_targets` records and one `order_received` that names them: before the last there is
no order, so an intake that breaks off leaves nothing half done. Targets are numbered in the order of intake, and a
ruling names them by ranges of numbers: whatever its size, a bulk decision is one record, and is there or is not.

Every write has an id of its own in its key, of an order as of the registry, so that compaction keeps the whole history:
whether one person's ruling counted depends on who was protected when it was made. What must not stay for ever, a
speaker's name and why the account is in the registry, is a record beside that history whose key is the account alone:
of these the last stands, and a removal lets compaction forget the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal, get_args

import msgspec

from streams.errors import ContractError
from streams.log.fields import AccountId, Country, Id, Ms, Surface, Text, Version
from streams.log.moderation import OtherRecord

TargetKind = Literal["account", "hashtag", "tweet"]
SpeakerCategory = Literal["news_media", "journalist", "activist", "politician"]
Outcome = Literal["declined", "reduced", "withheld", "suspended"]
State = Literal["received", "acknowledged", "under_review", "interim", "final", "declined", "revoked"]
Ground = Literal[
    "protected_speech", "not_unlawful", "overbroad", "no_legal_basis", "not_found", "other", "local_law", "own_rules"
]
TARGET_KINDS: tuple[TargetKind, ...] = get_args(TargetKind)
CATEGORIES: tuple[SpeakerCategory, ...] = get_args(SpeakerCategory)
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
"""The enforcement ladder, the mildest first."""
STATES: tuple[State, ...] = get_args(State)
GROUNDS: tuple[Ground, ...] = get_args(Ground)
"""Why, in a closed set that can be published and counted; the reason says it in words, and may name people."""
MOST_TARGETS = 100_000
"""Of one order: its ruling must fit into one record."""
CHUNK = 2_000
"""Targets of one intake record."""

Name = Annotated[str, msgspec.Meta(max_length=400)]
Said = Annotated[str, msgspec.Meta(max_length=2000)]
WriteId = Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{8,64})?$")]
"""Of one write of the registry; never a word that a key of the registry has in its place."""
OrderId = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}-[0-9a-f]{10}$")]
Number = Annotated[int, msgspec.Meta(ge=0, lt=MOST_TARGETS)]
Ranges = Annotated[tuple[tuple[Number, Number], ...], msgspec.Meta(min_length=1, max_length=MOST_TARGETS)]
"""(first, last) pairs, both included, rising."""


class Speaker(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="speaker"):
    """From here on an account speaks under protection, or no longer does. Stays for ever, and names nobody."""

    id: WriteId = ""
    """"" in the form of earlier versions, which had name, basis and reason here, and of which only the last stands."""
    account: AccountId
    category: SpeakerCategory
    name: Name = ""
    basis: Name = ""
    removed: bool = False
    actor: Text
    reason: Said = ""
    at_ms: Ms


class SpeakerDetails(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="speaker_details"):
    """Who a speaker is, until another one of the account takes its place. Says nothing of whether it is protected."""

    account: AccountId
    name: Name = ""
    basis: Name = ""
    """Why it is in the registry: an accreditation, an office."""
    actor: Text
    reason: Said = ""
    at_ms: Ms
    former: bool = False
    """Takes the place of a record in the form of earlier versions, so that compaction forgets that too."""


class Target(msgspec.Struct, frozen=True, array_like=True):
    """What an order wants acted on."""

    kind: TargetKind
    value: Annotated[str, msgspec.Meta(min_length=1, max_length=280)]
    """Account id, normalised hashtag, or tweet id."""
    display: Annotated[str, msgspec.Meta(max_length=280)] = ""
    """A hashtag as the order spells it."""
    author: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{0,20}$")] = ""
    """Account id of a tweet's author, where the order says it."""

    @property
    def account(self) -> str:
        """The account that the target speaks of; "" for a hashtag, and for a tweet of an unnamed author."""
        return self.value if self.kind == "account" else self.author


class OrderTargets(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="order_targets"):
    """A part of an intake; counts once the `order_received` of the same intake is there."""

    order: OrderId
    intake: Id
    part: Number
    targets: Annotated[tuple[Target, ...], msgspec.Meta(min_length=1, max_length=CHUNK)]


class OrderReceived(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="order_received"):
    """An order, or more targets of one that is known (`edits` then names its version)."""

    order: OrderId
    intake: Id
    parts: Annotated[int, msgspec.Meta(ge=1)]
    added: Annotated[int, msgspec.Meta(ge=1, le=MOST_TARGETS)]
    """Targets of this intake."""
    authority: Text
    country: Country
    legal_basis: Text
    reference: Text
    issued_ms: Ms
    received_ms: Ms
    deadline_ms: Ms
    confidential: bool
    actor: Text
    at_ms: Ms
    edits: Version = ""


class OrderStep(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="order_step"):
    """The order moves on to another state."""

    id: Id
    order: OrderId
    to: State
    expires_at_ms: Ms = 0
    """When what it puts in force ends; always given for `interim`. 0: until revoked."""
    ground: Ground = "other"
    """Of a whole order that is declined."""
    actor: Text
    reason: Text
    at_ms: Ms
    edits: Version


class OrderRuling(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="order_ruling"):
    """One outcome for some targets. For a protected speaker it counts only once a second person says the same."""

    id: Id
    order: OrderId
    targets: Ranges
    outcome: Outcome
    surfaces: Annotated[tuple[Surface, ...], msgspec.Meta(max_length=100)] = ()
    """Where a hashtag is hidden; empty for every other outcome."""
    ground: Ground = "other"
    actor: Text
    reason: Text
    at_ms: Ms
    edits: Version


class OrderNote(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="order_note"):
    """A note, or who takes care of the order from now on. Moves no version."""

    id: Id
    order: OrderId
    text: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    assignee: Annotated[str, msgspec.Meta(max_length=2000)] | None = None
    """"" takes it from whoever has it; None leaves that alone."""
    actor: Text
    at_ms: Ms


OrderRecord = OrderTargets | OrderReceived | OrderStep | OrderRuling | OrderNote
RegistryRecord = Speaker | SpeakerDetails
CaseRecord = RegistryRecord | OrderRecord
KINDS = frozenset(
    {"speaker", "speaker_details", "order_targets", "order_received", "order_step", "order_ruling", "order_note"}
)

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[CaseRecord] = msgspec.json.Decoder(CaseRecord)


def case_key(record: CaseRecord) -> bytes:
    """The record's key: `target | source | order or decision id | scope`."""
    if isinstance(record, Speaker):
        return f"account:{record.account}|registry|{record.id or 'speaker'}|*".encode()
    if isinstance(record, SpeakerDetails):
        return f"account:{record.account}|registry|{'speaker' if record.former else 'details'}|*".encode()
    if isinstance(record, OrderTargets):
        write = f"{record.intake}-{record.part}"
    else:
        write = record.intake if isinstance(record, OrderReceived) else record.id
    return f"order:{record.order}|legal|{write}|{record.order[:2]}".encode()


def encode_case(record: CaseRecord) -> tuple[bytes, bytes]:
    """(value, key) for the topic."""
    return _encoder.encode(record), case_key(record)


def decode_case(other: OtherRecord) -> CaseRecord | None:
    """Read what `decode_moderation` left untouched; None where the kind is not ours.

    Raises:
        ContractError: `bad_record` (a field is missing or out of range), `bad_key`, `bad_ranges`, `endless` (an
            interim step without an expiry).
    """
    if other.kind not in KINDS:
        return None
    try:
        record = _decoder.decode(other.value)
    except msgspec.ValidationError as error:
        raise ContractError("bad_record", value=str(error)) from None
    if other.key != case_key(record):
        raise ContractError("bad_key", value=other.key, fix=f"the key must be {case_key(record).decode()!r}")
    if isinstance(record, OrderReceived) and record.country != record.order[:2]:
        raise ContractError("bad_record", field="country", value=record.country, fix="the order's id begins with it")
    if isinstance(record, OrderStep) and record.to == "interim" and not record.expires_at_ms:
        raise ContractError("endless", field="expires_at_ms", fix="an interim decision needs an expiry of its own")
    if isinstance(record, OrderRuling) and any(a > b or a <= c for (a, b), (_, c) in _pairs(record.targets)):
        raise ContractError("bad_ranges", field="targets", fix="(first, last) pairs that rise and do not overlap")
    return record


def ranges_of(numbers: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Numbers as ranges, both ends included.

    >>> ranges_of([5, 1, 2, 3, 3])
    ((1, 3), (5, 5))
    """
    found: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return tuple(found)


def numbers_of(ranges: Iterable[tuple[int, int]]) -> Iterator[int]:
    """The numbers that ranges name, in order."""
    for first, last in ranges:
        yield from range(first, last + 1)


def _pairs(ranges: Ranges) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Each range with the one before it; the first with one before all numbers."""
    return zip(ranges, ((-1, -1), *ranges[:-1]), strict=True)
