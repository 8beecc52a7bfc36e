"""Cases that wait for one person, and the filter of a list of cases. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from moderation.domain.cases.answers import CaseRowAnswer
from moderation.domain.cases.case import HashtagCase
from moderation.domain.cases.fold import look_problem
from streams.orders.speakers import same_person
from streams.policy.look_alikes import visual_form

Claimed = Literal["free", "mine", "others"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFilter:
    """Filter of a list of cases, by what its reader sees of each; None selects all."""

    country: str | None = None
    category: str | None = None
    why: str | None = None
    label: str | None = None
    language: str | None = None
    """Language that the model does not read."""
    claimed: Claimed | None = None

    def selects(self, case: CaseRowAnswer, person: str) -> bool:
        """Return whether the filter selects a case, from the answer to a person."""
        return (
            (self.country is None or self.country in case.countries)
            and (self.category is None or self.category in (case.categories or ()))
            and (self.why is None or self.why in case.why)
            and (self.label is None or self.label in (case.labels or ()))
            and (self.language is None or any(self.language == unread.language for unread in case.languages or ()))
            and self.claimed in (None, claim_word(case.claimed_by, person))
        )


def is_waiting(case: HashtagCase, person: str, team: str, at_ms: int) -> bool:
    """Return whether an open case of a team waits for a person, who has not skipped it and may look at it."""
    if not case.is_open or case.progress.team != team or visual_form(person) in case.progress.skipped:
        return False
    return not (case.is_blind and look_problem(case.progress, person, at_ms))


def claim_word(claimant: str | None, person: str) -> Claimed:
    """Return whose a case is for a person; None or "": it has no claimant."""
    if not claimant:
        return "free"
    return "mine" if same_person(claimant, person) else "others"
