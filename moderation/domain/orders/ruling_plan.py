"""The plan of a ruling on many targets; the dry run and the real ruling share it. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from moderation.domain.orders.selection import Selection
from streams.errors import CallerMistake
from streams.orders.fold import OrderFold
from streams.orders.order import Order, TargetRow
from streams.orders.records import Ground, Outcome
from streams.orders.speakers import same_person
from streams.orders.states import GROUNDS_OF, OUTCOMES_OF


@dataclass(frozen=True, slots=True)
class RulingPlan:
    """The effect of a ruling on the selected targets."""

    outcome: Outcome
    rows: tuple[TargetRow, ...]
    """Targets that the ruling names."""
    decides: int
    """Number of targets that get the outcome."""
    proposes: int
    """Number of protected speakers for whom a second person must rule the same."""
    spared: int
    """Number of protected speakers that the filter matched and the ruling leaves out."""
    unfit: int
    """Number of targets left out because they cannot have the outcome, such as a hashtag that is to be withheld."""
    unchanged: int
    """Number of targets that have the outcome already, or for whom the actor cannot be the second person."""
    replaces: tuple[tuple[Outcome, int], ...] = ()
    """Outcomes that named targets have now, and the number of targets: the ruling replaces them."""
    left_out: tuple[tuple[int, str], ...] = ()
    """Number and reason of each selected target that the ruling does not name."""


def plan_ruling(
    order: Order,
    fold: OrderFold,
    selection: Selection,
    outcome: Outcome,
    *,
    actor: str,
    reason: str,
    ground: Ground | None = None,
    against_protected: bool = False,
) -> RulingPlan:
    """Plan a ruling on the selected targets.

    A restriction leaves out protected speakers that the filter happens to match. With `against_protected` it includes
    them; two different people must then rule the same.

    Raises:
        CallerMistake: no target is selected, or none of the selected targets can have the outcome.
    """
    selected = selection.rows(order, fold)
    if not selected:
        raise CallerMistake(f"no target of {order.id} matches the filter", fix=f"hushtag orders show {order.id}")
    chosen: list[TargetRow] = []
    left_out: list[tuple[int, str]] = []
    decides = proposes = spared = unfit = unchanged = 0
    for row in selected:
        needs_two = fold.needs_two(row.target, outcome, actor)
        same = not fold.waits(row) and _is_same(row, outcome, ground, reason)
        if row.dropped and not (outcome == "declined" and row.is_suspended):
            unfit += 1
            left_out.append((row.number, "the authority dropped it from the order"))
        elif outcome not in OUTCOMES_OF[row.target.kind]:
            unfit += 1
            left_out.append((row.number, f"a target of this kind cannot be {outcome}"))
        elif needs_two and not against_protected:
            spared += 1
            left_out.append((row.number, "a protected speaker, left out of a ruling on many"))
        elif same or (needs_two and _is_only_supporter(row, outcome, actor)):
            unchanged += 1
            why = f"{outcome} already, for this reason" if same else f"{actor} ruled this; a second person must confirm"
            left_out.append((row.number, why))
        else:
            chosen.append(row)
            first = needs_two and row.first_of_two(outcome, actor) is None
            proposes += first
            decides += not first
    if unfit == len(selected):
        kinds = sorted({row.target.kind for row in selected})
        may = "; ".join(f"{kind}: {', '.join(OUTCOMES_OF[kind])}" for kind in kinds)
        raise CallerMistake(
            f"none of these {len(selected)} targets can be {outcome}", fix=f"{may}; dropped targets are not ruled on"
        )
    replaces = Counter(row.ruling.outcome for row in chosen if row.ruling is not None)
    return RulingPlan(
        outcome, tuple(chosen), decides, proposes, spared, unfit, unchanged,
        tuple(sorted(replaces.items())), tuple(left_out),
    )  # fmt: skip


def default_ground(plan: RulingPlan, fold: OrderFold) -> Ground:
    """Choose the ground of a ruling that names none."""
    grounds = GROUNDS_OF[plan.outcome]
    if len(grounds) == 1:
        return grounds[0]
    protected = all(fold.protected(row.target) is not None for row in plan.rows)
    return "protected_speech" if protected else "other"


def _is_same(row: TargetRow, outcome: Outcome, ground: Ground | None, reason: str) -> bool:
    ruling = row.ruling
    if ruling is None:
        return False
    return (ruling.outcome, ruling.reason) == (outcome, reason) and ground in (None, ruling.ground)


def _is_only_supporter(row: TargetRow, outcome: Outcome, actor: str) -> bool:
    """Whether this actor alone has ruled the same, so that there is no other ruling to confirm."""
    same = [decision for decision in (row.proposed, row.ruling) if decision is not None and decision.outcome == outcome]
    return row.first_of_two(outcome, actor) is None and any(
        len(decision.actors) == 1 and same_person(decision.actors[0], actor) for decision in same
    )
