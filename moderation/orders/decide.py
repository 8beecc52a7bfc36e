"""What a ruling on many targets would do, before it is written: the dry run and the real one share it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from moderation.orders.select import Selection
from streams.errors import CallerMistake
from streams.orders.fold import Case, Cases, Row, first_of_two, same_person
from streams.orders.records import Ground, Outcome
from streams.orders.states import GROUNDS_OF, OUTCOMES_OF


@dataclass(frozen=True, slots=True)
class RulingPlan:
    """What becomes of the targets that a selection means."""

    outcome: Outcome
    rows: tuple[Row, ...]
    """Those that the ruling names."""
    decides: int
    """How many of them have this outcome from then on."""
    proposes: int
    """How many wait for a second person, being protected speakers."""
    spared: int
    """Protected speakers that were meant by the filter and are left out."""
    unfit: int
    """Targets that cannot have this outcome, such as a hashtag that is to be withheld; left out."""
    unchanged: int
    """Targets that have this outcome already, or whose second person the actor cannot be."""


def plan_ruling(
    case: Case,
    cases: Cases,
    selection: Selection,
    outcome: Outcome,
    *,
    actor: str,
    reason: str,
    ground: Ground | None = None,
    against_protected: bool = False,
) -> RulingPlan:
    """Plan a ruling.

    A filter that means protected speakers by chance leaves them out when it acts; `against_protected` says that they
    are meant. Two different people must then say so.

    Raises:
        CallerMistake: nothing is meant, or nothing that is meant can have this outcome.
    """
    meant = selection.rows(case, cases)
    if not meant:
        raise CallerMistake(f"no target of {case.id} is like that", fix=f"hushtag orders show {case.id}")
    chosen: list[Row] = []
    decides = proposes = spared = unfit = unchanged = 0
    for row in meant:
        acts_on_protected = cases.needs_two(row.target, outcome, actor)
        stands = not cases.waits(row) and _stands(row, outcome, ground, reason)
        if outcome not in OUTCOMES_OF[row.target.kind]:
            unfit += 1
        elif acts_on_protected and not against_protected:
            spared += 1
        elif stands or (acts_on_protected and _said_alone(row, outcome, actor)):
            unchanged += 1
        else:
            chosen.append(row)
            first = acts_on_protected and first_of_two(row, outcome, actor) is None
            proposes += first
            decides += not first
    if unfit == len(meant):
        kinds = sorted({row.target.kind for row in meant})
        may = "; ".join(f"{kind}: {', '.join(OUTCOMES_OF[kind])}" for kind in kinds)
        raise CallerMistake(f"none of these {len(meant)} targets can be {outcome}", fix=may)
    return RulingPlan(outcome, tuple(chosen), decides, proposes, spared, unfit, unchanged)


def usual_ground(plan: RulingPlan, cases: Cases) -> Ground:
    """The ground of a ruling that names none."""
    grounds = GROUNDS_OF[plan.outcome]
    if len(grounds) == 1:
        return grounds[0]
    protected = all(cases.protected(row.target) is not None for row in plan.rows)
    return "protected_speech" if protected else "other"


def _stands(row: Row, outcome: Outcome, ground: Ground | None, reason: str) -> bool:
    ruling = row.ruling
    if ruling is None:
        return False
    return (ruling.outcome, ruling.reason) == (outcome, reason) and ground in (None, ruling.ground)


def _said_alone(row: Row, outcome: Outcome, actor: str) -> bool:
    """Whether this actor alone has said so already, and nobody whom they could confirm."""
    said = [one for one in (row.proposed, row.ruling) if one is not None and one.outcome == outcome]
    return first_of_two(row, outcome, actor) is None and any(
        len(one.actors) == 1 and same_person(one.actors[0], actor) for one in said
    )
