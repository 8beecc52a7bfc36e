"""A legal order as a notice for Lumen, the public archive of requests to take content down.

Fields and words are those of Lumen's API ("Create Notice", https://github.com/berkmancenter/lumendatabase/wiki/
Lumen-API-Documentation, and the models in that repository: type GovernmentRequest, actions Yes, No, Partial,
Unspecified, `[REDACTED]` for what is left out). Of a confidential order it says that there is one, from which
country, what it asks for by number, and what was done; not who, under which law, or against whom. Targets on which
nobody acted are never named: a public list of whom a state wanted silenced would point at those who were protected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from moderation.published import HELD_BACK, PublicOutcome
from moderation.statements.masking import MASK, cut, masked
from moderation.statements.restriction import Order, TargetKind
from moderation.wording import counted

_ADDRESS: dict[TargetKind, str] = {"account": "/i/user/{}", "tweet": "/i/status/{}", "hashtag": "/hashtag/{}"}
_DONE: dict[PublicOutcome, str] = {
    "undecided": "not decided yet",
    "declined": "declined",
    "reduced": "kept out of trends and search suggestions",
    "withheld": "withheld in the country of the order only",
    "suspended": "suspended under the platform's own rules",
    "ended": "held back in the country of the order only, until the order or the interim decision on it ended",
    "dropped": "not acted on before the order was revoked",
}


@dataclass(frozen=True, slots=True)
class Demand:
    """One target of an order and what became of it."""

    kind: TargetKind
    target: str
    outcome: PublicOutcome
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """A legal order and all that it asks for."""

    order: Order
    country: str
    issued_ms: int
    received_ms: int
    demands: tuple[Demand, ...]


def lumen_notice(request: Request, *, recipient: str, site: str) -> dict[str, Any]:
    """The body of Lumen's `POST /notices`, without the token.

    Args:
        recipient: the platform's name.
        site: its address, for the targets' URLs, such as `https://x.com`.
    """
    order, hidden = request.order, request.order.confidential
    authority = MASK if hidden else order.authority
    title = f"Legal order from {'an authority in ' + request.country if hidden else order.authority} to {recipient}"
    return {
        "notice": {
            "title": cut(title, 255),
            "type": "GovernmentRequest",
            "request_type": "Agency",
            "subject": cut(MASK if hidden else f"{order.legal_basis}, {order.reference}", 255),
            "body": _body(request),
            "language": "en",
            "date_sent": _day(request.issued_ms),
            "date_received": _day(request.received_ms),
            "jurisdiction_list": request.country,
            "action_taken": action_taken(request.demands),
            "works_attributes": _works(request.demands, None if hidden else site),
            "entity_notice_roles_attributes": [
                _entity("sender", authority, request.country),
                _entity("recipient", recipient, None),
            ],
        }
    }


def action_taken(demands: Sequence[Demand]) -> Literal["Yes", "No", "Partial", "Unspecified"]:
    """Lumen's word for what was done of what was asked."""
    if any(demand.outcome == "undecided" for demand in demands):
        return "Unspecified"
    acted = sum(demand.outcome in HELD_BACK for demand in demands)
    return "Yes" if acted == len(demands) else "Partial" if acted else "No"


def _body(request: Request) -> str:
    outcomes = Counter((demand.kind, demand.outcome) for demand in request.demands)
    told = [f"{counted(many, kind)} {_DONE[outcome]}" for (kind, outcome), many in sorted(outcomes.items())]
    lines = [f"The order names {counted(len(request.demands), 'target')}: {', '.join(told)}."]
    if not request.order.confidential:
        reasons = sorted({masked(d.reason) for d in request.demands if d.outcome == "declined" and d.reason})
        lines += [f"Declined because: {reason}" for reason in reasons]
    return "\n".join(lines)


def _works(demands: Sequence[Demand], site: str | None) -> list[dict[str, Any]]:
    groups: dict[tuple[TargetKind, PublicOutcome], list[str]] = {}
    for demand in demands:
        groups.setdefault((demand.kind, demand.outcome), []).append(demand.target)
    works = []
    for (kind, outcome), targets in sorted(groups.items()):
        named = site is not None and outcome in HELD_BACK
        urls = [{"url": f"{site}{_ADDRESS[kind].format(target)}"} for target in targets] if named else []
        described = f"{counted(len(targets), kind)}, {_DONE[outcome]}"
        works.append({"kind": kind, "description": described, "infringing_urls_attributes": urls})
    return works


def _entity(role: str, name: str, country: str | None) -> dict[str, Any]:
    entity = {"name": name, "kind": "organization"} | ({"country_code": country.lower()} if country else {})
    return {"name": role, "entity_attributes": entity}


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d")
