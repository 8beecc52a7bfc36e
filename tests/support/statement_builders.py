"""Builders of decisions, overrides and orders for tests of statements."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from moderation.domain.restrictions.restriction import LegalOrder
from streams.explain.hashtag_report import HashtagReport
from streams.flags.overrides import OverrideHistory
from streams.log.decisions import Action, Decision, DecisionReason, Evidence, ScopeDecision, version_of
from streams.log.moderation import Override, Undo, encode_moderation
from streams.orders.records import (
    OrderReceived,
    OrderRecord,
    OrderRuling,
    OrderState,
    OrderStep,
    OrderTargets,
    Outcome,
    Target,
    encode_legal,
)
from streams.orders.states import GROUNDS_OF

NOW_MS = 1_764_000_000_000
HOUR_MS = 3_600_000
ORDER = "IN-0123456789"
RULES = "Terms of service, section 4.2 (platform manipulation)"
EVIDENCE = Evidence(
    window_ms=600_000, tweets=900, authors=400, scored=60, share=0.6, lower=0.5, upper=0.7, sampled=("17",),
    established=136, established_lower=0.0, established_upper=0.08,
)  # fmt: skip


SIGNALS = (DecisionReason("harmful_share_lower", 0.5, 0.45), DecisionReason("burst", 6.2, 4.0))


def ruling(surface: str = "trends", action: Action = "suppress", **changes: Any) -> ScopeDecision:
    fields: dict[str, Any] = {
        "category": "hateful_conduct", "surface": surface, "action": action, "since_ms": NOW_MS - 60_000,
        "expires_at_ms": NOW_MS + HOUR_MS, "reasons": SIGNALS, "evidence": EVIDENCE,
    }  # fmt: skip
    return ScopeDecision(**fields | changes)


def decision(*rulings: ScopeDecision, country: str = "*", number: int = 1) -> Decision:
    return Decision(
        hashtag="rumour", display="Rumour", country=country, rulings=rulings, version=version_of(number, number),
        tick_ms=1, settled_ms=1, decided_at_ms=NOW_MS, policy_revision="p1", model_revision="m1",
    )  # fmt: skip


def override(ident: str = "a", **changes: Any) -> Override:
    fields: dict[str, Any] = {
        "id": ident, "hashtag": "rumour", "display": "Rumour", "country": "*", "surfaces": ("search", "trends"),
        "actor": "ann", "reason": "false bomb threat", "at_ms": NOW_MS, "action": "block",
        "expires_at_ms": NOW_MS + HOUR_MS,
    }  # fmt: skip
    return Override(**fields | changes)


def account(decisions: list[Decision], *records: Override | Undo) -> HashtagReport:
    view = OverrideHistory()
    for offset, record in enumerate(records):
        value, key = encode_moderation(record)
        view.apply(offset, key, value)
    return HashtagReport("rumour", decisions, view, None, NOW_MS)


def ordered(*steps: OrderRecord, confidential: bool = False, accounts: int = 2) -> OverrideHistory:
    named = (Target("account", str(1001 + number)) for number in range(accounts))
    targets = (Target("hashtag", "rumour", "Rumour"), *named)
    received = OrderReceived(
        order=ORDER, intake="i", parts=1, added=len(targets), authority="Ministry of Examples", country="IN",
        legal_basis="IT Act 69A", reference="No. 7", issued_ms=NOW_MS - HOUR_MS, received_ms=NOW_MS - HOUR_MS,
        deadline_ms=NOW_MS, confidential=confidential, actor="lee", at_ms=NOW_MS - HOUR_MS,
    )  # fmt: skip
    view = OverrideHistory()
    for offset, record in enumerate([OrderTargets(order=ORDER, intake="i", part=0, targets=targets), received, *steps]):
        value, key = encode_legal(record)
        view.apply(offset, key, value)
    assert not view.bad and not view.fold.orders.refused
    return view


def order_step(to: OrderState, after: int, expires_at_ms: int = 0) -> OrderStep:
    return OrderStep(
        id=f"s{after}", order=ORDER, to=to, expires_at_ms=expires_at_ms, actor="lee", reason=f"now {to}",
        at_ms=NOW_MS, edits=version_of(after, 0),
    )  # fmt: skip


def order_ruling(outcome: Outcome, first: int, last: int, after: int) -> OrderRuling:
    return OrderRuling(
        id=f"r{after}", order=ORDER, targets=((first, last),), outcome=outcome, ground=GROUNDS_OF[outcome][0],
        surfaces=("trends",) if outcome == "reduced" else (), actor="lee", reason="within the law", at_ms=NOW_MS,
        edits=version_of(after, 0),
    )  # fmt: skip


def decided(confidential: bool) -> OverrideHistory:
    return ordered(
        order_step("acknowledged", 1), order_step("under_review", 2), order_ruling("reduced", 0, 0, 3),
        order_ruling("withheld", 1, 1, 4), order_ruling("declined", 2, 2, 5), order_step("final", 6),
        confidential=confidential,
    )  # fmt: skip


long_text = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=2_000)


orders = st.builds(
    LegalOrder, authority=long_text, legal_basis=long_text, reference=long_text, confidential=st.booleans()
)


def suspended(first: int = 1, last: int = 1, count: int = 2) -> OverrideHistory:
    steps = [order_step("acknowledged", 1), order_step("under_review", 2), order_ruling("suspended", first, last, 3)]
    return ordered(*steps, accounts=count)
