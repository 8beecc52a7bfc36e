"""Views of orders: answers for API, pages and commands, tables for a terminal, CSV for a spreadsheet. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from rich.text import Text

from moderation.domain.orders.amendment_plan import amendment_view, waiting_plan
from moderation.domain.orders.answers import (
    LeftOutAnswer,
    OrderAnswer,
    OrderNoteAnswer,
    RulingAnswer,
    TakenOrderAnswer,
    TargetAnswer,
)
from moderation.domain.orders.errors import change_words
from moderation.domain.orders.intake_plan import IntakePlan
from moderation.domain.orders.ruling_plan import RulingPlan
from moderation.domain.orders.shown_outcomes import counts, shown_outcome
from moderation.domain.tables import write_table
from moderation.wording import counted, listed, time_words
from streams.cli.lists import Cell
from streams.constants import DAY_MS
from streams.naming import format_duration as duration_words
from streams.orders.fold import OrderFold
from streams.orders.order import Order, TargetRow
from streams.orders.records import OrderStep
from streams.orders.states import state_label

TARGET_COLUMNS = tuple(name for name in TargetAnswer.model_fields if name != "resolved_ms")
"""Columns of the CSV."""
_STYLES = {"final": "bold", "interim": "bold", "declined": "dim", "revoked": "dim"}
PROTECTED = "declined: protected speech"
"""Proposed outcome of a protected speaker."""
MOST_LEFT_OUT = 1_000
"""Maximum number of targets that an answer names as left out."""


def order_view(order: Order, fold: OrderFold, now_ms: int) -> OrderAnswer:
    """Describe an order without its targets."""
    received = order.received
    return OrderAnswer(
        order=order.id,
        state=order.state,
        version=order.version,
        authority=received.authority,
        country=received.country,
        legal_basis=received.legal_basis,
        reference=received.reference,
        issued_ms=received.issued_ms,
        received_ms=received.received_ms,
        deadline_ms=received.deadline_ms,
        confidential=received.confidential,
        due_in_ms=None if order.due_ms is None else order.due_ms - now_ms,
        expires_at_ms=order.expires_at_ms,
        assignee=order.assignee,
        targets=len(order.rows),
        outcomes=counts(order),
        protected=sum(fold.protected(row.target) is not None for row in order.rows),
        waiting=sum(map(fold.waits, order.rows)),
        in_force=order.in_force(now_ms),
        amendment=amendment_view(order, fold, now_ms),
        notes=[OrderNoteAnswer(text=note.text, actor=note.actor, at_ms=note.at_ms) for note in order.notes],
        history=[change_words(record) for _, record in order.history],
    )


def target_view(order: Order, row: TargetRow, fold: OrderFold) -> TargetAnswer:
    """Describe a target with its present outcome and the people who ruled."""
    speaker = fold.protected(row.target)
    outcome, shown = order.outcome(row), shown_outcome(order, row)
    actors = row.ruling.actors if row.ruling else ()
    reason = outcome.reason if outcome else ""
    if row.dropped is not None and shown == "dropped":
        actors, reason = row.dropped.actors, row.dropped.reason
    return TargetAnswer(
        number=row.number + 1,
        kind=row.target.kind,
        target=f"#{row.target.display}" if row.target.kind == "hashtag" else row.target.value,
        handle=row.target.handle,
        resolved_ms=row.target.resolved_ms,
        protected=speaker.category if speaker else "",
        proposal=PROTECTED if speaker and not shown and row.proposed is None else "",
        outcome=shown or "",
        ground=outcome.ground if outcome and shown != "dropped" else "",
        reason=reason,
        by=actors[0] if actors else "",
        second=actors[1] if len(actors) > 1 else "",
        waiting=_waiting(row, fold),
    )


def _waiting(row: TargetRow, fold: OrderFold) -> str:
    if row.proposed is not None:
        return f"{row.proposed.outcome}, proposed by {row.proposed.actors[0]}"
    if row.ruling is not None and fold.alone(row):
        return f"{row.ruling.outcome} by {row.ruling.actors[0]} alone, before the account was protected"
    return ""


def taken_order_view(plan: IntakePlan) -> TakenOrderAnswer:
    """Describe the effect of an intake."""
    return TakenOrderAnswer(
        order=plan.head.id,
        reference=plan.head.reference,
        deadline_ms=plan.head.deadline_ms,
        fate=plan.fate,
        added=len(plan.added),
        known=plan.known_targets,
        protected=plan.protected,
        why=plan.why,
    )


def plan_words(plan: IntakePlan) -> str:
    """Describe the effect of an intake in a line."""
    head = plan.head
    if plan.fate == "conflict":
        return f"{head.id}: {plan.why}"
    if plan.fate == "known":
        return f"{head.id}: known already, with all {counted(plan.known_targets, 'target')}; nothing was written"
    line = f"{head.id}: {counted(len(plan.added), 'target')}"
    line += f", {plan.known_targets:,} known before" if plan.known_targets else ""
    if plan.protected:
        line += f", among them {counted(plan.protected, 'protected speaker')}, proposed as {PROTECTED}"
    return line


def ruling_view(order: Order, plan: RulingPlan, *, dry_run: bool) -> RulingAnswer:
    """Describe the effect of a ruling on its order."""
    return RulingAnswer(
        order=order.id,
        version=order.version,
        dry_run=dry_run,
        outcome=plan.outcome,
        decides=plan.decides,
        proposes=plan.proposes,
        spared=plan.spared,
        unfit=plan.unfit,
        unchanged=plan.unchanged,
        replaces=dict(plan.replaces),
        left_out=[LeftOutAnswer(number=number + 1, why=why) for number, why in plan.left_out[:MOST_LEFT_OUT]],
    )


def ruling_words(plan: RulingPlan, *, dry_run: bool) -> str:
    """Describe the effect of a ruling in a line."""
    verb = "would be " if dry_run else ""
    parts = [f"{counted(plan.decides, 'target')} {verb}{plan.outcome}"]
    if plan.proposes:
        wait = "that would wait" if dry_run else "waiting"
        parts.append(f"{counted(plan.proposes, 'protected speaker')} {wait} for a second person to rule the same")
    if plan.spared:
        parts.append(f"{counted(plan.spared, 'protected speaker')} left out (--against-protected includes them)")
    if plan.unfit:
        parts.append(f"{plan.unfit:,} that cannot be {plan.outcome} left out")
    if plan.unchanged:
        parts.append(f"{plan.unchanged:,} unchanged")
    if plan.replaces:
        before = listed([f"{many:,} {outcome}" for outcome, many in plan.replaces])
        parts.append(f"{before} before")
    return "; ".join(parts)


ORDER_HEADERS = ("order", "state", "due", "authority", "reference", "with", "targets", "outcomes")
TARGET_HEADERS = ("number", "kind", "target", "protected", "outcome", "reason", "by")


def order_cells(order: Order, now_ms: int) -> tuple[Cell, ...]:
    """Build the line of an order in a list; the columns are `ORDER_HEADERS`."""
    return (
        order.id,
        Text(state_label(order.state), style=_STYLES.get(order.state, "")),
        due_words(order, now_ms),
        order.received.authority,
        order.received.reference,
        order.assignee,
        f"{len(order.rows):,}",
        ", ".join(f"{count:,} {name}" for name, count in counts(order).items() if count),
    )


def due_words(order: Order, now_ms: int) -> Text:
    """Describe the time until the order's clock runs out."""
    if order.due_ms is None:
        return Text("")
    remaining_ms = order.due_ms - now_ms
    what = "interim ends" if order.state == "interim" else ""
    urgency = urgency_of(order, now_ms)
    if urgency == "overdue":
        ago = duration_words(-remaining_ms)
        return Text(f"interim ended {ago} ago" if what else f"overdue by {ago}", style="red bold")
    style = "yellow" if urgency == "soon" else ""
    return Text(f"{what} in {duration_words(remaining_ms)}".strip(), style=style)


def urgency_of(order: Order, at_ms: int) -> Literal["overdue", "soon", ""]:
    """Return the urgency of an order's clock: `overdue` once it has run out, `soon` within a day of it, else ""."""
    if order.due_ms is None:
        return ""
    return "overdue" if order.due_ms <= at_ms else "soon" if order.due_ms - at_ms < DAY_MS else ""


def target_cells(order: Order, row: TargetRow, fold: OrderFold) -> tuple[Cell, ...]:
    """Build the line of a target in a list; the columns are `TARGET_HEADERS`, and three of them are names."""
    answer = target_view(order, row, fold)
    by = " and ".join(name for name in (answer.by, answer.second) if name)
    outcome = "; ".join(text for text in (answer.outcome, answer.waiting) if text)
    outcome = outcome or (f"proposed {answer.proposal}" if answer.proposal else "")
    target = answer.target + (f" (@{answer.handle})" if answer.handle else "")
    return str(answer.number), answer.kind, target, answer.protected, outcome, answer.reason, by


def head_lines(order: Order, fold: OrderFold, now_ms: int) -> list[str]:
    """Describe an order, its history and a waiting amendment for a terminal, a line each."""
    received = order.received
    lines = [
        f"{order.id}: {state_label(order.state)}{', confidential' if received.confidential else ''}",
        f"  {received.authority}, {received.country}, {received.reference}; {received.legal_basis}",
        f"  issued {time_words(received.issued_ms)}, received {time_words(received.received_ms)}, "
        f"deadline {time_words(received.deadline_ms)} {due_words(order, now_ms).plain}".rstrip(),
        f"  version {order.version}" + (f", with {order.assignee}" if order.assignee else ""),
    ]
    for _, record in order.history:
        expires_at_ms = record.expires_at_ms if isinstance(record, OrderStep) else 0
        until = f" (until {time_words(expires_at_ms)})" if expires_at_ms else ""
        lines.append(f"  {change_words(record)}{until}")
    if (plan := waiting_plan(order, fold, now_ms)) is not None and order.amendment is not None:
        record = order.amendment.record
        lines.append(f"  waits for a second person: the amendment of {record.actor} ({record.reason})")
        lines += [f"    {line}" for line in plan.lines(received.country)]
    lines += [f"  note by {note.actor}, {time_words(note.at_ms)}: {note.text}" for note in order.notes]
    return lines


def rows_csv(order: Order, rows: Iterable[TargetRow], fold: OrderFold) -> str:
    """Write targets as CSV; no cell is a formula."""
    return write_table(TARGET_COLUMNS, (target_view(order, row, fold).members() for row in rows))
