"""The records of reviews and appeals in the `moderation` topic. Each write has an id of its own, part of its key."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

import msgspec

from streams.errors import ContractError
from streams.log.fields import Id, Ms, Text
from streams.log.moderation import OtherRecord

Verdict = Literal["uphold", "overturn"]
"""It should be kept back; it should be shown."""
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
Reference = Annotated[str, msgspec.Meta(pattern=r"^hushtag-[0-9a-f]{24}$")]


class ReviewClaim(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="review_claim"):
    """Somebody looks at an item; until it runs out nobody else does."""

    id: Id
    case: Reference
    actor: Text
    at_ms: Ms
    until_ms: Ms


class ReviewRelease(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="review_release"):
    """They do not any more, and have not decided."""

    id: Id
    case: Reference
    actor: Text
    at_ms: Ms


class ReviewVerdict(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="review_verdict"):
    """What a person thinks of an item. Counts while they hold the claim, once for each person."""

    id: Id
    case: Reference
    hashtag: str
    second_look: bool
    verdict: Verdict
    actor: Text
    reason: Text
    at_ms: Ms


class Appeal(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="appeal"):
    """Somebody says that a restriction is wrong."""

    id: Id
    case: Reference
    """Of the restriction, as its statement says it."""
    hashtag: str
    """What is held back: a hashtag; an account or a tweet where an order is behind it."""
    order: str = ""
    """The legal order behind the restriction, if there is one."""
    number: Annotated[int, msgspec.Meta(ge=0)] | None = None
    """Of the target on that order. None: no order; or a record from before it was kept."""
    deciders: tuple[Text, ...] = ()
    """Who took the decision, whatever becomes of it. Empty: a record from before they were kept."""
    actor: Text
    """Who took the appeal in; the appellant is known to the case system alone."""
    reason: Text
    """What the appellant says."""
    at_ms: Ms


class AppealOutcome(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="appeal_outcome"):
    """How it ended."""

    id: Id
    appeal: Id
    case: Reference
    hashtag: str
    verdict: Verdict
    """`overturn`: the restriction was wrong; what was left of it was reversed."""
    actor: Text
    reason: Text
    at_ms: Ms


ReviewRecord = ReviewClaim | ReviewRelease | ReviewVerdict | Appeal | AppealOutcome
KINDS = frozenset({"review_claim", "review_release", "review_verdict", "appeal", "appeal_outcome"})
_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[ReviewRecord] = msgspec.json.Decoder(ReviewRecord)


def review_key(record: ReviewRecord) -> bytes:
    """The record's key: `target | source | decision id | scope`."""
    return f"case:{record.case}|review|{record.id}|*".encode()


def encode_review(record: ReviewRecord) -> tuple[bytes, bytes]:
    """(value, key) for the topic."""
    return _encoder.encode(record), review_key(record)


def decode_review(other: OtherRecord) -> ReviewRecord | None:
    """Read what `decode_moderation` left untouched; None where the kind is not ours.

    Raises:
        ContractError: `bad_record` (a field is missing or out of range), `bad_key`.
    """
    if other.kind not in KINDS:
        return None
    try:
        record = _decoder.decode(other.value)
    except msgspec.ValidationError as error:
        raise ContractError("bad_record", value=str(error)) from None
    if other.key != review_key(record):
        raise ContractError("bad_key", value=other.key, fix=f"the key must be {review_key(record).decode()!r}")
    return record
