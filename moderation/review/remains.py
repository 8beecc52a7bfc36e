"""What is left of a restriction when the appeal against it is judged, and who may not judge it. Pure.

An appeal outlives what it is against: an order is revoked, a target is ruled on again and then bears another reference,
the pipeline's topic lets go of a decision. So the appeal keeps what its end needs, and whatever holds the same target
of the same order back by then is what it takes back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from moderation.review.automated import Automated
from moderation.review.records import Appeal
from moderation.review.reversal import Against, look_up, standing
from moderation.statements.orders import restrictions_of
from streams.flags.overrides import PeopleView
from streams.orders.fold import Case, Row, Ruled, in_words, same_person
from streams.orders.records import OrderRuling, numbers_of
from streams.orders.states import ACTED

_NO_CLOCK = 0
"""A moment at which no order's measure has run out: an interim decision that has can still be made final."""


@dataclass(frozen=True, slots=True)
class Remains:
    """What an appeal comes down to."""

    deciders: tuple[str, ...]
    """Who took the decision appealed against, or the one that has taken its place."""
    against: Against | None
    """What an overturn takes back; None: nothing is left."""
    ended: str = ""
    """In words, why nothing is left."""

    def decided_by(self, actor: str) -> bool:
        """Whether somebody is one of those who took the decision."""
        return any(same_person(one, actor) for one in self.deciders)


def remains(appeal: Appeal, automated: Automated, view: PeopleView, at_ms: int) -> Remains:
    """What is left at a moment of what an appeal is against."""
    against = look_up(appeal.case, automated, view, at_ms)
    if against is not None:
        deciders = (*appeal.deciders, *against.deciders)
        if against.record is not None and not standing(against.record, view, at_ms):
            return Remains(deciders, None, f"the {against.record.action} has run out or was undone")
        return Remains(deciders, against)
    if appeal.order:
        return _of_order(appeal, view.fold.cases.cases.get(appeal.order))
    now = [one for one in automated.restrictions.values() if one.target == appeal.hashtag and one.ends_ms > at_ms]
    others = "".join(f"; {one.reference} holds it back now, a decision of its own" for one in now)
    return Remains(appeal.deciders, None, f"the decision has ended, or is not kept any more{others}")


def _of_order(appeal: Appeal, case: Case | None) -> Remains:
    row, deciders = (None, ()) if case is None else _target(appeal, case)
    if case is None or row is None:
        return Remains(appeal.deciders, None, "its target is not known any more")
    for restriction in restrictions_of(case, _NO_CLOCK, [row]):
        against = Against(restriction, case=case, row=row)
        return Remains((*deciders, *against.deciders), against)
    if row.ruling is not None and row.ruling.outcome == "declined":
        return Remains(deciders, None, "the target is declined by now")
    return Remains(deciders, None, f"the order is {in_words(case.state)}")


def _target(appeal: Appeal, case: Case) -> tuple[Row | None, tuple[str, ...]]:
    """The target of an order and who decided on it; from the order's history where the appeal does not say.

    There it is the ruling that gives the appeal's reference. Who had ruled the same on the target before counts as one
    who decided, too: they may have been the first of two.
    """
    if appeal.number is not None:
        return (case.rows[appeal.number] if appeal.number < len(case.rows) else None), appeal.deciders
    final = replace(case, state="final")
    actors: dict[tuple[int, str], tuple[str, ...]] = {}
    for _, said in case.history:
        if not isinstance(said, OrderRuling) or said.outcome not in ACTED:
            continue
        for row in (case.rows[number] for number in numbers_of(said.targets)):
            if row.target.value != appeal.hashtag:
                continue
            deciders = actors[row.number, said.outcome] = (*actors.get((row.number, said.outcome), ()), said.actor)
            ruled = Ruled(said.outcome, said.ground, said.reason, said.surfaces, deciders, said.at_ms)
            made = restrictions_of(final, _NO_CLOCK, [Row(row.number, row.target, ruled)])
            if any(one.reference == appeal.case for one in made):
                return row, deciders
    return None, ()
