"""End of a case: the way it was closed and the person, for people who had it in their list. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from moderation.domain.appeals.automated_decisions import AutomatedFold
from moderation.domain.appeals.fold import AppealStatus
from moderation.domain.appeals.items import BLIND_KINDS, NOT_ASSESSED
from moderation.domain.cases.case import CaseItem, HashtagCase
from streams.log.moderation import Override

ClosedHow = Literal[
    "hide", "show", "leave", "uphold", "overturn", "second_look", "lapsed", "assessed", "cooled", "ended"
]  # fmt: skip
"""Verdict of a person, or of the reviewers of a `second_look`. `lapsed`: a hold ended without an answer. Of a hashtag
that was not assessed: `assessed`, the model reads enough of it now and the policy decides; `cooled`, it is small again,
no longer corroborated, or read and harmless. `ended`: the pipeline or a stop button no longer asks, a hold was undone,
or the time to answer is over."""


@dataclass(frozen=True, slots=True)
class CaseClosing:
    """End of a case."""

    at_ms: int
    how: ClosedHow
    by: str = ""
    """Person who decided; "" for a second look, whose reviewers are not named, and where no person did."""

    def as_dict(self) -> dict[str, Any]:
        """Convert to plain JSON."""
        return asdict(self)


def closing_of(
    case: HashtagCase, overrides: Sequence[Override], appeals: Iterable[AppealStatus], automated: AutomatedFold
) -> CaseClosing | None:
    """Find out what closed the last part of a case; None while it is open, or if nothing of it is kept.

    Args:
        case: the case.
        overrides: people's overrides of its hashtag, oldest first.
        appeals: appeals about its hashtag.
        automated: automated decisions.
    """
    if case.is_open:
        return None
    ends = [(max(part.closed_ms, part.item.began_ms), part) for part in case.items if part.closed_ms is not None]
    if not ends:
        last = case.progress.decisions[-1] if case.progress.decisions else None
        return CaseClosing(last.at_ms, last.verdict, last.actor) if last is not None else None
    at_ms, item = max(ends, key=lambda pair: pair[0])
    return _of_item(at_ms, item, case, overrides, appeals, automated)


def _of_item(
    at_ms: int,
    part: CaseItem,
    case: HashtagCase,
    overrides: Sequence[Override],
    appeals: Iterable[AppealStatus],
    automated: AutomatedFold,
) -> CaseClosing:
    item = part.item
    if item.kind in BLIND_KINDS:
        return CaseClosing(at_ms, "second_look" if item.id in case.progress.looks else "ended")
    if item.kind == "appeal":
        outcome = next((status.outcome for status in appeals if status.appeal.id == item.id), None)
        return (
            CaseClosing(at_ms, outcome.verdict, outcome.actor) if outcome is not None else CaseClosing(at_ms, "ended")
        )
    answered = [record for record in overrides if record.at_ms == part.closed_ms and record.action != "hold"]
    for decision in reversed(case.progress.decisions):
        covers = any(covered.item == item.id for covered in decision.covers)
        if covers and (part.closed_ms == decision.at_ms or any(record.id in decision.effects for record in answered)):
            return CaseClosing(at_ms, decision.verdict, decision.actor)
    if answered:
        last = answered[-1]
        return CaseClosing(at_ms, "hide" if last.action == "block" else "show", last.actor)
    how = automated.outcome(item) if item.kind == NOT_ASSESSED else None
    if how == "assessed" or how == "cooled":
        return CaseClosing(at_ms, how)
    lapsed = item.kind == "hold" and part.closed_ms == item.ends_ms
    if lapsed and item.by:
        lapsed = any(record.action == "hold" and record.expires_at_ms == item.ends_ms for record in overrides)
    return CaseClosing(at_ms, "lapsed" if lapsed else "ended")
