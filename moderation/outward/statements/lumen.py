"""A legal order as a notice for Lumen, the public archive of requests to take content down. Pure.

The fields are those of Lumen's API, "Create Notice" (https://berkman-klein-center.gitbook.io/lumen-database/api/
documentation, read in November 2026). The models in the repository berkmancenter/lumendatabase have the types, the
roles of each type and the actions. A list is one string with commas; `[REDACTED]` stands for what is left out.

A notice of a confidential order gives its country, the number of targets and their outcomes. It omits the authority,
the law and the targets. Targets that were never acted on are not named either: a public list of people whom a state
wanted silenced would point at those who were protected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, get_args

from moderation.domain.orders.public_outcomes import HELD_BACK, PublicOutcome, published_outcomes
from moderation.domain.restrictions.collection import legal_order
from moderation.domain.restrictions.restriction import LegalOrder, TargetKind
from moderation.domain.texts.masking import MASK, cut, masked
from moderation.wording import counted
from streams.answers import JsonObject
from streams.orders.order import Order

NoticeType = Literal["GovernmentRequest", "CourtOrder"]
NOTICE_TYPES: tuple[NoticeType, ...] = get_args(NoticeType)
_ADDRESS: dict[TargetKind, str] = {"account": "/i/user/{}", "tweet": "/i/status/{}", "hashtag": "/hashtag/{}"}
_DONE: dict[PublicOutcome, str] = {
    "undecided": "not decided yet",
    "declined": "declined",
    "reduced": "kept out of trends and search suggestions",
    "withheld": "withheld in the country of the order",
    "suspended": "suspended under the platform's own rules",
    "ended": "held back in the country of the order, until the order on them or the interim decision ended",
    "released": "restricted at first, and released by an appeal or a new ruling",
    "dropped": "not acted on before the order on them ended",
}


@dataclass(frozen=True, slots=True)
class RequestedTarget:
    """One target of an order with its outcome."""

    kind: TargetKind
    target: str
    outcome: PublicOutcome
    reason: str = ""


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """A legal order with all of its targets."""

    order: LegalOrder
    country: str
    issued_ms: int
    received_ms: int
    targets: tuple[RequestedTarget, ...]


def order_request(order: Order, now_ms: int) -> OrderRequest:
    """Describe an order for the archive, with the outcomes at a moment."""
    targets = []
    for row, outcome in zip(order.rows, published_outcomes(order, now_ms), strict=True):
        ruling = order.outcome(row)
        reason = ruling.reason if ruling is not None and ruling.outcome == outcome else ""
        targets.append(RequestedTarget(row.target.kind, row.target.value, outcome, reason))
    received = order.received
    return OrderRequest(legal_order(order), received.country, received.issued_ms, received.received_ms, tuple(targets))


def lumen_notice(
    request: OrderRequest,
    *,
    recipient: str,
    site: str,
    notice_type: NoticeType = "GovernmentRequest",
    principal: str = "",
) -> JsonObject:
    """Build the body of Lumen's `POST /notices`, without the token.

    Args:
        request: order whose notice is published.
        recipient: the platform's name.
        site: its address, for the targets' URLs, such as `https://x.com`.
        notice_type: `CourtOrder` where a court issued the order.
        principal: body on whose behalf the authority acts; "" names the authority itself.
    """
    order, hidden = request.order, request.order.confidential
    authority = MASK if hidden else order.authority
    title = f"Legal order from {'an authority in ' + request.country if hidden else order.authority} to {recipient}"
    return {
        "notice": {
            "title": cut(title, 255),
            "type": notice_type,
            **({"request_type": "Agency"} if notice_type == "GovernmentRequest" else {}),
            "subject": cut(MASK if hidden else f"{order.legal_basis}, {order.reference}", 255),
            "case_id_number": MASK if hidden else order.reference,
            "regulation_list": MASK if hidden else regulations(order.legal_basis),
            "body": _body(request),
            "language": "en",
            "date_sent": _day(request.issued_ms),
            "date_received": _day(request.received_ms),
            "jurisdiction_list": request.country,
            "action_taken": action_taken(request.targets),
            "works_attributes": _works(request.targets, None if hidden else site),
            "entity_notice_roles_attributes": [
                _entity("sender", authority, request.country),
                _entity("principal", authority if hidden or not principal else principal, request.country),
                *([_entity("issuing_court", authority, request.country)] if notice_type == "CourtOrder" else []),
                _entity("recipient", recipient, None),
            ],
        }
    }


def action_taken(targets: Sequence[RequestedTarget]) -> Literal["Yes", "No", "Partial", "Unspecified"]:
    """Summarise the outcomes in Lumen's vocabulary."""
    if any(target.outcome == "undecided" for target in targets):
        return "Unspecified"
    acted = sum(target.outcome in HELD_BACK for target in targets)
    return "Yes" if acted == len(targets) else "Partial" if acted else "No"


def regulations(legal_basis: str) -> str:
    """List the laws of an order as one string; commas separate laws, so that none has a comma inside.

    >>> regulations("IT Act 2000, s. 69A; Penal Code, s. 153A")
    'IT Act 2000 s. 69A, Penal Code s. 153A'
    """
    laws = (" ".join(law.replace(",", " ").split()) for law in legal_basis.split(";"))
    return ", ".join(law for law in laws if law)


def _body(request: OrderRequest) -> str:
    outcomes = Counter((target.kind, target.outcome) for target in request.targets)
    parts = [f"{counted(many, kind)} {_DONE[outcome]}" for (kind, outcome), many in sorted(outcomes.items())]
    lines = [f"The order names {counted(len(request.targets), 'target')}: {', '.join(parts)}."]
    if not request.order.confidential:
        reasons = sorted({masked(t.reason) for t in request.targets if t.outcome == "declined" and t.reason})
        lines += [f"Declined because: {reason}" for reason in reasons]
    return "\n".join(lines)


def _works(targets: Sequence[RequestedTarget], site: str | None) -> list[Mapping[str, object]]:
    groups: dict[tuple[TargetKind, PublicOutcome], list[str]] = {}
    for target in targets:
        groups.setdefault((target.kind, target.outcome), []).append(target.target)
    works: list[Mapping[str, object]] = []
    for (kind, outcome), names in sorted(groups.items()):
        named = site is not None and outcome in HELD_BACK
        urls = [{"url": f"{site}{_ADDRESS[kind].format(name)}"} for name in names] if named else []
        described = f"{counted(len(names), kind)}, {_DONE[outcome]}"
        works.append({"kind": kind, "description": described, "infringing_urls_attributes": urls})
    return works


def _entity(role: str, name: str, country: str | None) -> Mapping[str, object]:
    entity = {"name": name, "kind": "organization"} | ({"country_code": country.lower()} if country else {})
    return {"name": role, "entity_attributes": entity}


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d")
