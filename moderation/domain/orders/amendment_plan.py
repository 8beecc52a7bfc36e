"""The plan of an amendment: what an authority's corrected list changes; the proposal and its preview share it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hushtag_client.registers import WORLD

from moderation.domain.orders.answers import AmendmentEffect, WaitingAmendmentAnswer
from moderation.domain.orders.intake_plan import OrderDraft, OrderHead, other_account, other_author
from moderation.domain.orders.selection import Selection
from moderation.wording import counted, time_words
from streams.countries import country_name
from streams.errors import CallerMistake
from streams.orders.fold import OrderFold
from streams.orders.measures import Measure, measure
from streams.orders.order import Order, TargetRow
from streams.orders.records import Target, numbers_of

MOST_NAMED = 100
"""Maximum number of targets that a preview names."""


@dataclass(frozen=True, slots=True)
class AmendmentPlan:
    """The effect of an amendment."""

    added: tuple[Target, ...]
    known_targets: int
    """Number of targets of the list that the order has already."""
    protected: int
    """Number of added targets that are protected speakers."""
    dropped: tuple[TargetRow, ...]
    released: int
    """Number of dropped targets that no order and no suspension hides in the order's country then."""
    kept_hidden: int
    """Number of dropped targets that another order or a suspension still hides there."""
    expires_at_ms: int
    """New end of the order's outcomes; 0: unchanged."""
    before_ms: int
    """Their present end; 0: until revoked."""

    def effect(self) -> AmendmentEffect:
        """Describe the effect, with the names of the first targets."""
        return AmendmentEffect(
            added=len(self.added),
            known=self.known_targets,
            protected=self.protected,
            dropped=len(self.dropped),
            released=self.released,
            kept_hidden=self.kept_hidden,
            expires_at_ms=self.expires_at_ms,
            added_targets=[_written(target) for target in self.added[:MOST_NAMED]],
            dropped_targets=[_written(row.target) for row in self.dropped[:MOST_NAMED]],
        )

    def lines(self, country: str) -> list[str]:
        """Describe the effect, a line for each part."""
        where, lines = country_name(country), []
        if self.added:
            spoken = f", {counted(self.protected, 'protected speaker')} among them" if self.protected else ""
            waits = "waits" if len(self.added) == 1 else "wait"
            lines.append(f"adds {counted(len(self.added), 'target')}{spoken}, which then {waits} for an outcome")
        if self.dropped:
            parts = [f"drops {counted(len(self.dropped), 'target')}"]
            if ended := self.released + self.kept_hidden:
                parts.append(f"ends {counted(ended, 'restriction')} in {where}")
            if self.kept_hidden:
                stays = "target stays" if self.kept_hidden == 1 else "targets stay"
                parts.append(f"{self.kept_hidden:,} {stays} hidden there by another order or a suspension")
            lines.append("; ".join(parts))
        if self.expires_at_ms:
            before = time_words(self.before_ms) if self.before_ms else "until revoked"
            lines.append(f"ends its outcomes {time_words(self.expires_at_ms)} (now: {before})")
        return lines


def plan_amendment(
    order: Order, fold: OrderFold, draft: OrderDraft, drop: Sequence[str], expires_at_ms: int, at_ms: int
) -> AmendmentPlan:
    """Compare a corrected list with its order.

    Args:
        order: the order.
        fold: all orders, and the registry of protected speakers.
        draft: targets to add, those that the order has too.
        drop: targets to drop, as an order writes them.
        expires_at_ms: new end of the outcomes; 0: unchanged.
        at_ms: the present time.

    Raises:
        CallerMistake: a dropped target is not on the order, an added one contradicts it, or nothing changes.
    """
    have: dict[tuple[str, str], TargetRow] = {(row.target.kind, row.target.value): row for row in order.rows}
    added = tuple(target for key, target in draft.targets.items() if key not in have)
    if why := other_author(draft, have) or other_account(draft, order.rows):
        raise CallerMistake(f"{order.id}: {why}", fix="nothing was written")
    back = next((have[key] for key in draft.targets if key in have and have[key].dropped), None)
    if back is not None:
        raise CallerMistake(
            f"{order.id}: target {back.number + 1} was dropped from the order",
            fix="take it in under a separate reference",
        )
    dropped = tuple(row for row in Selection(targets=tuple(drop)).rows(order, fold) if not row.dropped) if drop else ()
    if not added and not dropped and not expires_at_ms:
        raise CallerMistake(
            f"{order.id}: the list changes nothing", fix="give targets to add or to drop, or another end"
        )
    return _plan(order, fold, added, dropped, expires_at_ms, at_ms, known_targets=len(draft.targets) - len(added))


def waiting_plan(order: Order, fold: OrderFold, at_ms: int) -> AmendmentPlan | None:
    """Return the effect that the waiting amendment of an order would have now; None without one."""
    if (waiting := order.amendment) is None:
        return None
    dropped = tuple(order.rows[number] for number in numbers_of(waiting.record.dropped))
    return _plan(order, fold, waiting.targets, dropped, waiting.record.expires_at_ms, at_ms)


def amendment_view(order: Order, fold: OrderFold, at_ms: int) -> WaitingAmendmentAnswer | None:
    """Describe the waiting amendment of an order; None without one."""
    plan = waiting_plan(order, fold, at_ms)
    if plan is None or order.amendment is None:
        return None
    record = order.amendment.record
    return WaitingAmendmentAnswer(
        amendment=record.id, actor=record.actor, reason=record.reason, at_ms=record.at_ms, **dict(plan.effect())
    )


def head_of(order: Order) -> OrderHead:
    """Return an order's own fields."""
    received = order.received
    return OrderHead(
        received.authority, received.country, received.legal_basis, received.reference, received.issued_ms,
        received.received_ms, received.deadline_ms, received.confidential,
    )  # fmt: skip


def _plan(
    order: Order,
    fold: OrderFold,
    added: tuple[Target, ...],
    dropped: tuple[TargetRow, ...],
    expires_at_ms: int,
    at_ms: int,
    *,
    known_targets: int = 0,
) -> AmendmentPlan:
    restricted = {_key(row.target) for row in dropped if _in_force(order, row, at_ms) is not None}
    hidden = restricted & _hidden_besides(order, fold.by_id, at_ms, dropped) if restricted else set()
    return AmendmentPlan(
        added, known_targets, sum(fold.protected(target) is not None for target in added), dropped,
        len(restricted - hidden), len(hidden), expires_at_ms, order.expires_at_ms,
    )  # fmt: skip


def _hidden_besides(
    order: Order, orders: Mapping[str, Order], at_ms: int, dropped: Sequence[TargetRow]
) -> set[tuple[str, str]]:
    """Collect what other orders, and suspensions, hide in the order's country."""
    places = (order.received.country, WORLD)
    names = {_key(row.target) for row in dropped}
    hidden = {_key(row.target) for row in dropped if row.is_suspended}
    for other in orders.values():
        if other.id == order.id:
            continue
        for row in other.rows:
            held = _in_force(other, row, at_ms) if _key(row.target) in names else None
            if held is not None and held.country in places:
                hidden.add(_key(row.target))
    return hidden


def _in_force(order: Order, row: TargetRow, at_ms: int) -> Measure | None:
    held = measure(order, row)
    return None if held is None or 0 < held.expires_at_ms <= at_ms else held


def _key(target: Target) -> tuple[str, str]:
    return target.kind, target.value


def _written(target: Target) -> str:
    name = f"#{target.display}" if target.kind == "hashtag" else target.value
    return f"{target.kind} {name}" + (f" (@{target.handle})" if target.handle else "")
