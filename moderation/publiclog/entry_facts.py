"""Facts of an entry: what a statement of reasons, or a published report, states of its record. Pure.

The field `facts` of a leaf commits to them as JSON, so that a verifier compares each member of a statement with the
log. A member that a later record can change is left out, or given as a bound:

- `most_surfaces` instead of `surfaces`: a stronger decision may overrule it on some.
- `latest_began_ms` instead of `began_ms`, of a person's decision: it may prolong an earlier one.
- A ruling on an order does not say which target is meant. The order's steps decide when a measure begins and ends.

Evidence is what a statement shows of it. A signal that the record does not have is left out, so that a signal that is
added to hushtag later does not change the facts of earlier entries.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from moderation.domain.restrictions.answers import restriction_answer
from moderation.domain.restrictions.collection import decision_restrictions, override_restriction
from moderation.domain.restrictions.restriction import Restriction
from streams.answers import JsonObject
from streams.log.decisions import Decision
from streams.log.moderation import Override
from streams.orders.records import OrderRuling
from streams.signals.registry import WEIGHED

_Facts = JsonObject
"""Facts of one restriction, by the names in `_MEMBERS`."""
_MEMBERS = (
    "reference", "kind", "target", "display", "measure", "country", "source", "began_ms", "ends_ms",
    "decision", "category", "weight", "reason", "signals", "evidence", "policy_revision", "model_revision", "order",
)  # fmt: skip
_ABSENT = {signal.name: signal.kind.absent for signal in WEIGHED if signal.recorded}


def decision_facts(decision: Decision) -> str | None:
    """Return the facts of an automated decision; None if it restricts nothing."""
    return _restrictions(_members(restriction) for restriction in decision_restrictions(decision))


def override_facts(record: Override) -> str | None:
    """Return the facts of a person's decision; None for an allow."""
    restriction = override_restriction(record)
    if restriction is None:
        return None
    facts = _members(restriction)
    return _restrictions([facts | {"latest_began_ms": facts.pop("began_ms")}])


def ruling_facts(record: OrderRuling) -> str | None:
    """Return the facts of a ruling on targets of an order; None if it declines them."""
    if record.outcome == "declined":
        return None
    facts: _Facts = {"measure": record.outcome, "country": record.order[:2], "source": "legal"}
    facts |= {"category": "", "weight": 1.0, "reason": record.reason, "signals": [], "evidence": None}
    facts |= {"policy_revision": "", "model_revision": ""}
    if record.outcome == "suspended":
        facts |= {"kind": "account", "country": "*", "source": "human", "ends_ms": 0, "order": None}
    if record.outcome == "reduced":
        facts |= {"kind": "hashtag", "most_surfaces": list(record.surfaces)}
    return _restrictions([facts])


def report_facts(name: str, files: dict[str, str]) -> str:
    """Return the facts of a published report: its name, and the SHA-256 of each file."""
    return _json({"name": name, "files": dict(sorted(files.items()))})


def _restrictions(facts: Iterable[_Facts]) -> str | None:
    listed = list(facts)
    return _json({"restrictions": listed}) if listed else None


def _members(restriction: Restriction) -> _Facts:
    members = restriction_answer(restriction).members()
    facts = {name: members[name] for name in _MEMBERS} | {"most_surfaces": members["surfaces"]}
    if facts["evidence"] is not None:
        facts["evidence"] = {n: v for n, v in facts["evidence"].items() if n not in _ABSENT or v != _ABSENT[n]}
    return facts


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
