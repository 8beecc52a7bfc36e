"""The case that comes next in the order of work. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from moderation.cases.case import HashtagCase, work_order
from moderation.cases.case_log import CaseLog
from moderation.cases.queue import is_waiting
from streams.orders.speakers import same_person


def waiting_in_order(
    cases: Iterable[HashtagCase], log: CaseLog, person: str, team: str, at_ms: int
) -> list[HashtagCase]:
    """Return the cases that a person can take now, in the order of work; those that others hold are left out."""
    found = [
        one
        for one in cases
        if is_waiting(one, person, team, at_ms)
        and ((claimant := log.claimant(one)) == "" or same_person(claimant, person))
    ]
    return sorted(found, key=lambda one: work_order(one, blinded=log.is_blind(one, person)))


def next_case(order: list[HashtagCase], after: str, then: str) -> HashtagCase | None:
    """Return the case to work on after another one.

    Args:
        order: cases that the person can take, in the order of work.
        after: id of the case that the person has finished; it is never the answer.
        then: id of the case that followed it when it was opened; "" for none.
    """
    others = [one for one in order if one.id != after]
    return next((one for one in others if one.id == then), others[0] if others else None)
