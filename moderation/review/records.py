"""Records of appeals in the `moderation` topic; each write has an id, which is part of its key."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

import msgspec

from streams.log.moderation import Id, Ms, OtherRecord, Text, decode_other

Verdict = Literal["uphold", "overturn"]
"""`uphold` keeps a restriction, `overturn` reverses it."""
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
Reference = Annotated[str, msgspec.Meta(pattern=r"^hushtag-[0-9a-f]{24}$")]


class Appeal(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="appeal"):
    """Appeal against a restriction."""

    id: Id
    case: Reference
    """Reference of the restriction, as its statement names it."""
    hashtag: str
    """Restricted hashtag; for a legal order also an account or a tweet."""
    order: str = ""
    """Legal order behind the restriction; "" without one."""
    number: Annotated[int, msgspec.Meta(ge=0)] | None = None
    """Number of the target on that order; None without an order."""
    deciders: tuple[Text, ...]
    """People who took the decision, so that they cannot judge the appeal."""
    actor: Text
    """Person who filed the appeal; only the case system knows the appellant."""
    reason: Text
    """Reason that the appellant gives."""
    at_ms: Ms


class AppealOutcome(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="appeal_outcome"):
    """Outcome of an appeal."""

    id: Id
    appeal: Id
    case: Reference
    hashtag: str
    verdict: Verdict
    """`overturn`: the restriction was wrong, and its remaining effect was reversed."""
    actor: Text
    reason: Text
    at_ms: Ms


AppealRecord = Appeal | AppealOutcome
KINDS = frozenset({"appeal", "appeal_outcome"})
_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AppealRecord] = msgspec.json.Decoder(AppealRecord)


def appeal_key(record: AppealRecord) -> bytes:
    """Build the record's key: `target | source | decision id | scope`."""
    return f"case:{record.case}|review|{record.id}|*".encode()


def encode_appeal(record: AppealRecord) -> tuple[bytes, bytes]:
    """Encode a record as (value, key)."""
    return _encoder.encode(record), appeal_key(record)


def decode_appeal(other: OtherRecord) -> AppealRecord | None:
    """Decode a record that `decode_moderation` left undecoded; None for kinds of other modules.

    Raises:
        ContractError: `bad_record` (a field is missing or out of range) or `bad_key`.
    """
    return decode_other(other, _decoder, appeal_key) if other.kind in KINDS else None
