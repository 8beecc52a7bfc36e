"""Records of legal orders and of the protected-speaker registry in the `moderation` topic.

An intake writes `order_targets` records and then one `order_received` that counts them. The order exists only once the
last record is there, so an interrupted intake has no effect. Targets are numbered in the order of intake. A ruling
names ranges of numbers, so a bulk decision of any size is one record: all of it applies, or none.

Every write has its own id in its key, so compaction keeps the whole history of orders and of the registry. It must:
whether one person's ruling was enough depends on who was protected at that moment. Personal data must not stay for
ever, so a speaker's name and basis are a separate record whose key is the account alone. Compaction keeps the latest of
these, and a removal overwrites it with an empty one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal, get_args

import msgspec

from streams.errors import ContractError
from streams.log.moderation import AccountId, Country, Id, Lasts, Ms, OtherRecord, RecordCodec, Surface, Text, Version

TargetKind = Literal["account", "hashtag", "tweet"]
SpeakerCategory = Literal["news_media", "journalist", "activist", "politician"]
Outcome = Literal["declined", "reduced", "withheld", "suspended"]
OrderState = Literal["received", "acknowledged", "under_review", "interim", "final", "declined", "revoked"]
Ground = Literal[
    "protected_speech", "not_unlawful", "overbroad", "no_legal_basis", "not_found", "other", "local_law", "own_rules"
]
TARGET_KINDS: tuple[TargetKind, ...] = get_args(TargetKind)
CATEGORIES: tuple[SpeakerCategory, ...] = get_args(SpeakerCategory)
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
"""Enforcement ladder, the mildest first."""
STATES: tuple[OrderState, ...] = get_args(OrderState)
GROUNDS: tuple[Ground, ...] = get_args(Ground)
"""Grounds of a decision: a closed set that can be published and counted. The free-text reason may name people."""
MOST_TARGETS = 100_000
"""Maximum number of targets of one order: its ruling must fit into one record."""
CHUNK = 2_000
"""Maximum number of targets of one intake record."""

Name = Annotated[str, msgspec.Meta(max_length=400)]
LongText = Annotated[str, msgspec.Meta(max_length=2000)]
WriteId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{8,64}\Z")]
"""Id of one write of the registry. The pattern excludes `details`, which other keys have in its place."""
OrderId = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}-[0-9a-f]{10}\Z")]
Number = Annotated[int, msgspec.Meta(ge=0, lt=MOST_TARGETS)]
Ranges = Annotated[tuple[tuple[Number, Number], ...], msgspec.Meta(min_length=1, max_length=MOST_TARGETS)]
"""(first, last) pairs of target numbers, both included, ascending."""


class Speaker(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="speaker"):
    """Start or end of an account's protection. Compaction keeps it, so it holds no personal data."""

    id: WriteId
    account: AccountId
    category: SpeakerCategory
    removed: bool = False
    actor: Text
    at_ms: Ms


class SpeakerDetails(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="speaker_details"):
    """Name of a speaker and the basis of the entry; the latest record of an account wins. It grants no protection."""

    account: AccountId
    name: Name = ""
    basis: Name = ""
    """Why the account is in the registry: an accreditation, an office."""
    actor: Text
    reason: LongText = ""
    at_ms: Ms


class Target(msgspec.Struct, frozen=True, array_like=True):
    """Account, hashtag or tweet that an order names."""

    kind: TargetKind
    value: Annotated[str, msgspec.Meta(min_length=1, max_length=280)]
    """Account id, normalised hashtag, or tweet id."""
    display: Annotated[str, msgspec.Meta(max_length=280)] = ""
    """Hashtag as spelled in the order."""
    author: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{0,20}\Z")] = ""
    """Account id of a tweet's author, where the order names it."""
    handle: Annotated[str, msgspec.Meta(max_length=50)] = ""
    """Handle that the order names in place of the account id, or of the author's; "" if it names the id."""
    resolved_ms: Ms = 0
    """Time at which the handle belonged to that account; 0 without a handle."""

    @property
    def account(self) -> str:
        """Account id of the target; "" for a hashtag, and for a tweet of an unnamed author."""
        return self.value if self.kind == "account" else self.author


class OrderTargets(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="order_targets"):
    """Part of an intake; takes effect with the `order_received` record of the same intake."""

    order: OrderId
    intake: Id
    part: Number
    targets: Annotated[tuple[Target, ...], msgspec.Meta(min_length=1, max_length=CHUNK)]


class OrderReceived(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="order_received"):
    """New order, or more targets of a known one (`edits` then names its version)."""

    order: OrderId
    intake: Id
    parts: Annotated[int, msgspec.Meta(ge=1, le=MOST_TARGETS)]
    added: Annotated[int, msgspec.Meta(ge=1, le=MOST_TARGETS)]
    """Number of targets of this intake."""
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
    """Transition of an order to another state."""

    id: Id
    order: OrderId
    to: OrderState
    expires_at_ms: Ms = 0
    """End of the measures that it puts in force; required for `interim`. 0: until revoked."""
    lasts_ms: Lasts = 0
    """Duration from the record's log time to that end; 0: `expires_at_ms` is given."""
    ground: Ground = "other"
    """Ground for declining the whole order."""
    actor: Text
    reason: Text
    at_ms: Ms
    edits: Version


class OrderRuling(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="order_ruling"):
    """One outcome for ranges of targets. A protected speaker's outcome needs the same ruling by a second person."""

    id: Id
    order: OrderId
    targets: Ranges
    outcome: Outcome
    surfaces: Annotated[tuple[Surface, ...], msgspec.Meta(max_length=100)] = ()
    """Surfaces that hide a reduced hashtag; empty for every other outcome."""
    ground: Ground = "other"
    actor: Text
    reason: Text
    at_ms: Ms
    edits: Version


class OrderAmendment(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="order_amendment"):
    """Corrected list of an authority; has no effect until a second person approves it."""

    id: Id
    """Also the `intake` of the `order_targets` records with the added targets."""
    order: OrderId
    parts: Annotated[int, msgspec.Meta(ge=0, le=MOST_TARGETS)] = 0
    added: Annotated[int, msgspec.Meta(ge=0, le=MOST_TARGETS)] = 0
    dropped: Annotated[tuple[tuple[Number, Number], ...], msgspec.Meta(max_length=MOST_TARGETS)] = ()
    """(first, last) pairs of target numbers, as in `Ranges`."""
    expires_at_ms: Ms = 0
    """New end of the measures in force; 0: unchanged."""
    actor: Text
    reason: Text
    """Why the list changed: the authority's letter."""
    at_ms: Ms
    edits: Version


class OrderAmendmentVerdict(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="order_amendment_verdict"):
    """Answer to an amendment: `approve` by a second person puts it in force, `refuse` by any person withdraws it."""

    id: Id
    order: OrderId
    amendment: Id
    verdict: Literal["approve", "refuse"]
    actor: Text
    reason: Text
    at_ms: Ms
    edits: Version


class OrderNote(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="order_note"):
    """Note on an order, or its new assignee. Does not move the order's version."""

    id: Id
    order: OrderId
    text: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    assignee: Annotated[str, msgspec.Meta(max_length=2000)] | None = None
    """Actor who takes the order; "": unassign it; None: no change."""
    actor: Text
    at_ms: Ms


OrderRecord = (
    OrderTargets | OrderReceived | OrderStep | OrderRuling | OrderAmendment | OrderAmendmentVerdict | OrderNote
)
RegistryRecord = Speaker | SpeakerDetails
LegalRecord = RegistryRecord | OrderRecord


def legal_key(record: LegalRecord) -> bytes:
    """Build the record's key: `target | source | order or decision id | scope`."""
    if isinstance(record, Speaker):
        return f"account:{record.account}|registry|{record.id}|*".encode()
    if isinstance(record, SpeakerDetails):
        return f"account:{record.account}|registry|details|*".encode()
    if isinstance(record, OrderTargets):
        write = f"{record.intake}-{record.part}"
    else:
        write = record.intake if isinstance(record, OrderReceived) else record.id
    return f"order:{record.order}|legal|{write}|{record.order[:2]}".encode()


_codec: RecordCodec[LegalRecord] = RecordCodec(LegalRecord, legal_key)
KINDS = _codec.kinds
encode_legal = _codec.encode


def decode_legal(other: OtherRecord) -> LegalRecord | None:
    """Decode a record that `decode_moderation` passed through; None where the kind belongs to another fold.

    Raises:
        ContractError: `bad_record` (a field is missing or out of range), `bad_key`, `bad_ranges`, `endless` (an
            interim step without an expiry).
    """
    record = _codec.decode(other)
    if isinstance(record, OrderReceived) and record.country != record.order[:2]:
        raise ContractError("bad_record", field="country", value=record.country, fix="the order's id begins with it")
    if isinstance(record, OrderStep) and record.to == "interim" and not record.expires_at_ms:
        raise ContractError("endless", field="expires_at_ms", fix="give the interim decision an expiry")
    field, ranges = "targets", record.targets if isinstance(record, OrderRuling) else ()
    if isinstance(record, OrderAmendment):
        field, ranges = "dropped", record.dropped
    if any(a > b or a <= c for (a, b), (_, c) in _pairs(ranges)):
        raise ContractError("bad_ranges", field=field, fix="(first, last) pairs that rise and do not overlap")
    return record


def ranges_of(numbers: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Compress numbers into ranges, both ends included.

    >>> ranges_of([5, 1, 2, 3, 3])
    ((1, 3), (5, 5))
    """
    ranges: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    return tuple(ranges)


def numbers_of(ranges: Iterable[tuple[int, int]]) -> Iterator[int]:
    """Expand ranges into their numbers, in order."""
    for first, last in ranges:
        yield from range(first, last + 1)


def _pairs(ranges: tuple[tuple[int, int], ...]) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Pair each range with its predecessor; the first with a range below all numbers."""
    return zip(ranges, ((-1, -1), *ranges), strict=False)
