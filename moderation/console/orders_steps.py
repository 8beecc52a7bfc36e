"""The next steps of an order, with what each would put in force or end, and its history. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from moderation.console.orders_words import STEP_REASONS, group_words
from moderation.console.words import counted, left_words, moment_words
from moderation.domain.orders.errors import amendment_words, verdict_words
from streams.countries import country_name
from streams.orders.fold import OrderFold
from streams.orders.order import Order
from streams.orders.records import (
    TARGET_KINDS,
    OrderAmendment,
    OrderAmendmentVerdict,
    OrderReceived,
    OrderRuling,
    OrderState,
    OrderStep,
    Outcome,
)
from streams.orders.states import CLOSED_STATES, NEXT_STATES, RESTRICTING, state_label

LABELS: dict[OrderState, str] = {
    "acknowledged": "Acknowledge",
    "under_review": "Begin the review",
    "interim": "Put in force for a time",
    "final": "Put in force until revoked",
    "declined": "Decline the whole order",
    "revoked": "Revoke",
}
_ORDERED: tuple[OrderState, ...] = ("acknowledged", "under_review", "interim", "final", "declined", "revoked")


@dataclass(frozen=True, slots=True)
class StepChoice:
    """Step that an order's state allows."""

    to: OrderState
    label: str
    effect: str
    """Effect of the step, in one sentence."""
    groups: tuple[str, ...]
    """Effects on viewers, by outcome and kind."""
    blocked: str
    """Why it cannot be taken yet; "" if it can."""
    many: int
    """Number of restrictions that begin or end with it."""
    reasons: tuple[str, ...]
    confirms: bool
    """Whether the person confirms it apart: it cannot be taken back by another step."""


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """Entry of the timeline."""

    at_ms: int
    actor: str
    what: str
    reason: str


def step_choices(order: Order, fold: OrderFold, at_ms: int) -> list[StepChoice]:
    """List the next steps, the usual one first."""
    return [_choice(to, order, fold, at_ms) for to in _ORDERED if to in NEXT_STATES[order.state]]


def restricting(order: Order) -> list[tuple[Outcome, str, int]]:
    """Count the targets by outcome and kind, where the outcome depends on the order's state."""
    counts = Counter(
        (row.ruling.outcome, row.target.kind)
        for row in order.rows
        if row.ruling is not None and not row.dropped and row.ruling.outcome in RESTRICTING - {"suspended"}
    )
    return [(outcome, kind, many) for (outcome, kind), many in sorted(counts.items())]


def effects(order: Order) -> tuple[str, ...]:
    """Describe what viewers see once the order's own outcomes are in force."""
    counts = Counter(
        (row.ruling.outcome, row.target.kind) for row in order.rows if row.ruling is not None and not row.dropped
    )
    outcomes: tuple[Outcome, ...] = ("withheld", "reduced", "suspended", "declined")
    return tuple(
        group_words(outcome, kind, many, order.received.country)
        for outcome in outcomes
        for kind in TARGET_KINDS
        if (many := counts[outcome, kind])
    )


def now_words(order: Order, at_ms: int) -> str:
    """Say in one sentence what of the order is in force."""
    many = sum(count for _, _, count in restricting(order))
    where = country_name(order.received.country)
    if order.state in CLOSED_STATES:
        kept = sum(row.is_suspended for row in order.rows)
        stays = f" {counted(kept, 'suspension')} by our own rules stays." if kept == 1 else ""
        stays = f" {counted(kept, 'suspension')} by our own rules stay." if kept > 1 else stays
        return f"The order is {state_label(order.state)}: nothing of it is in force.{stays}"
    if not order.in_force(at_ms):
        if order.state == "interim":
            return f"The interim decision ended {left_words(order.expires_at_ms, at_ms)}: nothing of it is in force."
        return f"Nothing of the order is in force: the outcomes begin in {where} once it is interim or final."
    until = f"until {moment_words(order.expires_at_ms)}" if order.expires_at_ms else "until it is revoked"
    return f"In force {until}: {counted(many, 'restriction')} in {where}."


def timeline(order: Order) -> list[OrderEvent]:
    """List everything that happened to an order, newest first."""
    events = [_moment(record, order) for _, record in order.history]
    events += [OrderEvent(note.at_ms, note.actor, "note", note.text) for note in order.notes if note.text]
    return sorted(events, key=lambda event: event.at_ms)[::-1]


def _moment(record: object, order: Order) -> OrderEvent:
    if isinstance(record, OrderReceived):
        return OrderEvent(record.at_ms, record.actor, f"took in {counted(record.added, 'target')}", "")
    if isinstance(record, OrderStep):
        until = f" until {moment_words(record.expires_at_ms)}" if record.expires_at_ms else ""
        return OrderEvent(record.at_ms, record.actor, f"made it {state_label(record.to)}{until}", record.reason)
    if isinstance(record, OrderAmendment):
        what = f"proposed an amendment ({amendment_words(record)})"
        return OrderEvent(record.at_ms, record.actor, what, record.reason)
    if isinstance(record, OrderAmendmentVerdict):
        return OrderEvent(record.at_ms, record.actor, verdict_words(record), record.reason)
    assert isinstance(record, OrderRuling)
    many = sum(last - first + 1 for first, last in record.targets)
    what = f"ruled {record.outcome} on {counted(many, 'target')}"
    return OrderEvent(record.at_ms, record.actor, what, record.reason)


def _choice(to: OrderState, order: Order, fold: OrderFold, at_ms: int) -> StepChoice:
    many = sum(count for _, _, count in restricting(order))
    where = country_name(order.received.country)
    puts, holds = to in ("interim", "final"), order.in_force(at_ms)
    words = {
        "acknowledged": "You confirm to the authority that the order was received. Nothing changes for viewers.",
        "under_review": "Then each target is ruled on. Nothing changes for viewers.",
        "interim": f"The outcomes below are in force in {where} until the end that you name; then they end.",
        "final": f"The outcomes below are in force in {where} until the order is revoked.",
        "declined": "The order as a whole is declined: nothing of it is in force, and no step follows.",
        "revoked": "All that the order put in force ends, and no step follows. Other orders and suspensions stay.",
    }
    label = "Prolong the interim decision" if (to, order.state) == ("interim", "interim") else LABELS[to]
    changes = many if (puts and not holds) or (holds and not puts) else 0
    return StepChoice(
        to,
        label,
        words[to],
        effects(order) if puts else (f"{counted(many, 'restriction')} in {where} would end",) if holds and many else (),
        _blocked(to, order, fold),
        changes,
        STEP_REASONS[to],
        to in ("final", "declined", "revoked"),
    )


def _blocked(to: OrderState, order: Order, fold: OrderFold) -> str:
    if to in ("interim", "final") and (alone := sum(map(fold.alone, order.rows))):
        return f"{counted(alone, 'target')} must first be ruled on by a second person, or declined."
    if to == "final" and (undecided := order.undecided()):
        return (
            f"{counted(undecided, 'target')} first need{'s' if undecided == 1 else ''} an outcome, or a second person."
        )
    return ""
