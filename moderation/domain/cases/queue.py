"""Cases that wait for one person. Pure."""

from __future__ import annotations

from moderation.domain.cases.case import HashtagCase
from moderation.domain.cases.fold import look_problem
from streams.policy.look_alikes import visual_form


def is_waiting(case: HashtagCase, person: str, team: str, at_ms: int) -> bool:
    """Return whether an open case of a team waits for a person, who has not skipped it and may look at it."""
    if not case.is_open or case.progress.team != team or visual_form(person) in case.progress.skipped:
        return False
    return not (case.is_blind and look_problem(case.progress, person, at_ms))
