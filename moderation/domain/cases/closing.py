"""End of a case: the way it was closed and the person, for people who had it in their list. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from moderation.domain.appeals.automated_decisions import AutomatedFold
from moderation.domain.appeals.fold import AppealStatus
from moderation.domain.appeals.items import BLIND_KINDS, NOT_ASSESSED
from moderation.domain.cases.answers import CaseClosingAnswer, ClosedHow
from moderation.domain.cases.case import CaseItem, HashtagCase
from streams.log.moderation import Override


def closing_at(at_ms: int, how: ClosedHow, by: str = "") -> CaseClosingAnswer:
    """Describe the end of a case; `by` is the person who decided, "" for a second look and where no person did."""
    return CaseClosingAnswer(at_ms=at_ms, how=how, by=by)


def closing_of(
    case: HashtagCase, overrides: Sequence[Override], appeals: Iterable[AppealStatus], automated: AutomatedFold
) -> CaseClosingAnswer | None:
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
        return closing_at(last.at_ms, last.verdict, last.actor) if last is not None else None
    at_ms, item = max(ends, key=lambda pair: pair[0])
    return _of_item(at_ms, item, case, overrides, appeals, automated)


def _of_item(
    at_ms: int,
    part: CaseItem,
    case: HashtagCase,
    overrides: Sequence[Override],
    appeals: Iterable[AppealStatus],
    automated: AutomatedFold,
) -> CaseClosingAnswer:
    item = part.item
    if item.kind in BLIND_KINDS:
        return closing_at(at_ms, "second_look" if item.id in case.progress.looks else "ended")
    if item.kind == "appeal":
        outcome = next((status.outcome for status in appeals if status.appeal.id == item.id), None)
        return closing_at(at_ms, outcome.verdict, outcome.actor) if outcome is not None else closing_at(at_ms, "ended")
    answered = [record for record in overrides if record.at_ms == part.closed_ms and record.action != "hold"]
    for decision in reversed(case.progress.decisions):
        covers = any(covered.item == item.id for covered in decision.covers)
        if covers and (part.closed_ms == decision.at_ms or any(record.id in decision.effects for record in answered)):
            return closing_at(at_ms, decision.verdict, decision.actor)
    if answered:
        last = answered[-1]
        return closing_at(at_ms, "hide" if last.action == "block" else "show", last.actor)
    how = automated.outcome(item) if item.kind == NOT_ASSESSED else None
    if how == "assessed" or how == "cooled":
        return closing_at(at_ms, how)
    lapsed = item.kind == "hold" and part.closed_ms == item.ends_ms
    if lapsed and item.by:
        lapsed = any(record.action == "hold" and record.expires_at_ms == item.ends_ms for record in overrides)
    return closing_at(at_ms, "lapsed" if lapsed else "ended")
