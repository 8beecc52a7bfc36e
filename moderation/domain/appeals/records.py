"""Records of appeals in the `moderation` topic; each write has an id, which is part of its key."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

import msgspec

from streams.log.moderation import Id, Ms, RecordCodec, Text
from streams.orders.records import Number

Verdict = Literal["uphold", "overturn"]
"""`uphold` keeps a restriction, `overturn` reverses it."""
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
Reference = Annotated[str, msgspec.Meta(pattern=r"^hushtag-[0-9a-f]{24}\Z")]


class Appeal(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="appeal"):
    """Appeal against a restriction."""

    id: Id
    case: Reference
    """Reference of the restriction, as its statement names it."""
    hashtag: str
    """Restricted hashtag; for a legal order also an account or a tweet."""
    order: str = ""
    """Legal order behind the restriction; "" without one."""
    number: Number | None = None
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
_codec: RecordCodec[AppealRecord] = RecordCodec(
    AppealRecord, lambda record: f"case:{record.case}|review|{record.id}|*".encode()
)
encode_appeal = _codec.encode
decode_appeal = _codec.decode
