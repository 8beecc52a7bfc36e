"""View of a case for one person. Pure.

The machine's numbers are built only where no first answer is due, so that no template can show them before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from moderation.access.rights import Grant
from moderation.console.case_choice import Choice, choice_of
from moderation.console.case_family import Relative
from moderation.console.case_machine import MachineView, machine_views
from moderation.console.case_places import PlaceNow, places_now
from moderation.console.case_words import rule_words
from moderation.domain.cases.answers import CaseDetailAnswer, CaseRecordAnswer
from moderation.domain.cases.case import HashtagCase
from streams.actions import MODES
from streams.errors import CallerMistake
from streams.flags.overrides import OverrideHistory
from streams.log.decisions import Decision
from streams.log.moderation import Override
from streams.naming import tag_of
from streams.policy import Policy

MOST_RELATIVES = 12


@dataclass(frozen=True, slots=True)
class RuleText:
    """Rule of a category, in words without numbers."""

    category: str
    meaning: str
    mode: str


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case for one person who may see its state."""

    places: list[PlaceNow]
    notes: tuple[str, ...]
    """Hints on the spelling of the hashtag."""
    relatives: list[Relative]
    more_relatives: int
    rules: list[RuleText]
    protected: bool
    """Whether the policy never hides the hashtag by itself."""
    due: bool
    """Whether the person owes a first answer on this case."""
    due_elsewhere: str
    """Id of another open case of the hashtag on which the person owes it; "" for none."""
    machine: list[MachineView]
    mixed: bool
    """Whether harmful shares are measured on mixed sources, not on this platform, as far as is known."""
    choice: Choice | None
    appeals: int
    decided: CaseRecordAnswer | None
    """Newest decision that is not undone."""


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """Everything that a view is built from."""

    case: HashtagCase
    details: CaseDetailAnswer
    grants: Sequence[Grant]
    show_legal: bool
    latest: Sequence[Decision]
    people: OverrideHistory
    policy: Policy | None
    mixed: bool
    """Whether harmful shares are measured on mixed sources, as in `CaseView`."""
    relatives: Sequence[Relative]
    at_ms: int
    due_case: HashtagCase | None
    """Case on which the person owes a first answer, so that the hashtag has no numbers; None for none."""


def case_view(facts: CaseFacts) -> CaseView:
    """Build the view of a case that its person does not review blind."""
    case, details = facts.case, facts.details
    places = places_now(case.hashtag, facts.latest, facts.people, facts.at_ms, show_legal=facts.show_legal)
    statuses = facts.people.statuses(facts.at_ms, hashtag=case.hashtag)
    in_force = [
        status.record for status in statuses if status.state == "in force" and isinstance(status.record, Override)
        and (facts.show_legal or status.record.source != "legal")
    ]  # fmt: skip
    due = facts.due_case.id if facts.due_case is not None else ""
    decisions = [record for record in details.history or () if record.kind == "decision"]
    return CaseView(
        places=places,
        notes=_spelling_notes(case.display),
        relatives=list(facts.relatives[:MOST_RELATIVES]),
        more_relatives=max(0, len(facts.relatives) - MOST_RELATIVES),
        rules=_rules(details, facts.policy),
        protected=facts.policy is not None and facts.policy.is_never_suppressed(case.hashtag),
        due=due == case.id,
        due_elsewhere=due if due != case.id else "",
        machine=[] if due else machine_views(case, facts.latest, facts.policy),
        mixed=facts.mixed,
        choice=choice_of(case, places, in_force, facts.grants),
        appeals=sum(case_item.item.kind == "appeal" for case_item in case.open_items),
        decided=decisions[-1] if case.progress.decisions and decisions else None,
    )


def _spelling_notes(display: str) -> tuple[str, ...]:
    try:
        return tag_of(display).notes
    except CallerMistake:  # the spelling of another program need not be one that a person may type
        return ()


def _rules(details: CaseDetailAnswer, policy: Policy | None) -> list[RuleText]:
    rules = []
    for category in details.categories or ():
        modes = {
            policy.rule(category, surface, country).mode
            for surface in details.surfaces or ()
            for country in details.countries
            if policy is not None and category in policy.categories and surface in policy.surfaces
        }
        words = MODES[next(iter(modes))].meaning if len(modes) == 1 else ""
        rules.append(RuleText(category, rule_words(category), words))
    return rules
