"""Derive all cases at a moment from the automated decisions, people's overrides, appeals and case records. Pure.

An item is closed when it has ended, or when people have answered it on all of its surfaces:

- An override in force (block or allow) answers the items of its scope. If it puts a decision of a case into effect, it
  answers those that the decision covers, and those that began later. An undone or expired override answers nothing.
- A decision that leaves things as they are answers what it covers.
- An appeal ends with its outcome, a second look with its last verdict.

A new item belongs to the open case of its hashtag, or begins a new one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hushtag_client.registers import ANY_HASHTAG

from moderation.domain.appeals.automated_decisions import KEPT_MS, AutomatedFold
from moderation.domain.appeals.fold import AppealStatus
from moderation.domain.appeals.items import BLIND_KINDS, ReviewItem, reference_of
from moderation.domain.cases.case import CaseItem, HashtagCase
from moderation.domain.cases.episodes import episodes_of
from moderation.domain.cases.fold import CaseFold, CaseProgress, look_result
from moderation.domain.cases.records import CaseDecision
from moderation.domain.restrictions.collection import decision_restrictions, override_restriction
from streams.flags.moderation_fold import Scope
from streams.flags.overrides import OverrideHistory
from streams.log.decisions import Decision
from streams.log.moderation import Override


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseInputs:
    """Input of the derivation: of all hashtags, or of one."""

    items: Iterable[ReviewItem]
    """Items of automated decisions."""
    decisions: Iterable[Decision]
    """Latest automated decision of each hashtag and country."""
    overrides: Sequence[tuple[int, Override]]
    """Overrides with their offsets."""
    appeals: Sequence[AppealStatus]
    recorded: Iterable[CaseProgress]
    """Progress of the cases that have records."""


@dataclass(frozen=True, slots=True)
class CaseSources:
    """State of the logs at one moment.

    Args:
        fold: case records.
        automated: automated decisions.
        history: people's overrides.
        stops: stop buttons in force, by scope.
        at_ms: the moment, Unix time in ms.
    """

    fold: CaseFold
    automated: AutomatedFold
    history: OverrideHistory
    stops: Sequence[tuple[Scope, Override]]
    at_ms: int


def cases_of(
    fold: CaseFold,
    automated: AutomatedFold,
    history: OverrideHistory,
    appeals: Mapping[str, AppealStatus],
    at_ms: int,
) -> dict[str, HashtagCase]:
    """Derive the cases by id: all open ones, and closed ones while their items or records are kept.

    `case_board` keeps them, and is quicker.

    Args:
        fold: case records.
        automated: automated decisions.
        history: people's overrides.
        appeals: appeals by id.
        at_ms: the moment, Unix time in ms.
    """
    inputs = CaseInputs(
        items=automated.items.values(),
        decisions=automated.latest.values(),
        overrides=[(offset, record) for offset, record in history.history if isinstance(record, Override)],
        appeals=[*appeals.values()],
        recorded=fold.cases.values(),
    )
    stops = stops_in_force(history, history.scopes(ANY_HASHTAG), at_ms)
    return derive_cases(inputs, CaseSources(fold, automated, history, stops, at_ms))


def stops_in_force(history: OverrideHistory, scopes: Iterable[Scope], at_ms: int) -> list[tuple[Scope, Override]]:
    """List people's stop buttons that are in force at a moment, of the scopes of every hashtag."""
    return history.in_force(at_ms, [scope for scope in scopes if scope[3] == "human"])


def derive_cases(inputs: CaseInputs, sources: CaseSources) -> dict[str, HashtagCase]:
    """Derive the cases by id from the inputs of whole hashtags."""
    fold, automated, history, at_ms = sources.fold, sources.automated, sources.history, sources.at_ms
    by_tag: dict[str, list[CaseItem]] = defaultdict(list)
    for item in inputs.items:
        if item.kind not in BLIND_KINDS:
            by_tag[item.hashtag].append(_answered(item, automated.end_ms(item), fold, history, at_ms))
        elif item.kind == "second_look" or item.hashtag not in automated.flagged or _looks(fold, item):
            by_tag[item.hashtag] += _looked_at(item, fold, history, at_ms)
    for item in (*_holds(inputs.overrides, history, at_ms), *_paused(inputs.decisions, sources)):
        by_tag[item.hashtag].append(_answered(item, item.ends_ms, fold, history, at_ms))
    for item, closed_ms in _appealed(inputs, automated, at_ms):
        by_tag[item.hashtag].append(CaseItem(item, closed_ms))
    cases = {case.id: case for items in by_tag.values() for case in episodes_of(items, fold)}
    for progress in inputs.recorded:
        if progress.id not in cases:
            cases[progress.id] = HashtagCase(
                id=progress.id,
                hashtag=progress.hashtag,
                display=progress.hashtag,
                began_ms=progress.began_ms,
                items=(),
                progress=progress,
            )
    return cases


def _answered(item: ReviewItem, ends_ms: int, fold: CaseFold, history: OverrideHistory, at_ms: int) -> CaseItem:
    """Find the surfaces on which people have not answered an item, now or at its end."""
    moment_ms = min(at_ms, ends_ms - 1) if ends_ms else at_ms
    answers = {surface: _answer_ms(item, surface, fold, history, moment_ms) for surface in item.surfaces}
    waiting = tuple(surface for surface, answer_ms in answers.items() if answer_ms is None)
    if not waiting:
        return CaseItem(item, max(answer_ms for answer_ms in answers.values() if answer_ms is not None))
    return CaseItem(item, ends_ms) if 0 < ends_ms <= at_ms else CaseItem(item, None, waiting)


def _answer_ms(item: ReviewItem, surface: str, fold: CaseFold, history: OverrideHistory, at_ms: int) -> int | None:
    """Return the time at which a person answered an item on a surface; None if no answer counts at a moment."""
    times_ms = [
        decision.at_ms
        for decision in _decisions(fold, item)
        if not decision.effects and decision.at_ms <= at_ms and _names(decision, item, surface)
    ]
    by_person = item.kind == "hold" and bool(item.by)
    stacks = history.fold.stacks()
    for country in (item.country,) if by_person else dict.fromkeys((item.country, "*")):
        stack = stacks.get((item.hashtag, surface, country, "human"))
        for record in (e.record for e in reversed(stack.entries) if e.was_in_force(at_ms)) if stack else ():
            if record.action == "hold" and (not by_person or _hold_id(record) == item.id):
                break  # what is below was decided before this hold
            if _covers(record, item, surface, fold):
                times_ms.append(record.at_ms)
    return min(times_ms, default=None)


def _decisions(fold: CaseFold, item: ReviewItem) -> list[CaseDecision]:
    case = fold.case_of_item.get(item.id)
    return fold.cases[case].decisions if case is not None else []


def _names(decision: CaseDecision, item: ReviewItem, surface: str) -> bool:
    return any(covered.item == item.id and surface in covered.surfaces for covered in decision.covers)


def _covers(record: Override, item: ReviewItem, surface: str, fold: CaseFold) -> bool:
    decision = fold.decision_of_effect.get(record.id)
    if decision is None or item.began_ms > decision.at_ms:
        return True
    return _names(decision, item, surface)


def _looks(fold: CaseFold, item: ReviewItem) -> bool:
    """Return whether a second look has begun: a person has claimed it, or has judged it."""
    progress = fold.progress(fold.case_of_item.get(item.id, ""))
    return bool(progress.blind) or item.id in progress.looks


def _looked_at(item: ReviewItem, fold: CaseFold, history: OverrideHistory, at_ms: int) -> list[CaseItem]:
    """Build a second look; a control that reviewers would hide becomes an open question, too."""
    looks = fold.progress(fold.case_of_item.get(item.id, "")).looks.get(item.id, [])
    result = look_result(looks)
    if result is None:
        kept_until_ms = item.ends_ms + KEPT_MS
        return [CaseItem(item, kept_until_ms if kept_until_ms <= at_ms else None)]
    items = [CaseItem(item, looks[-1].at_ms)]
    if item.kind == "control" and result == "hide":
        missed = ReviewItem(
            id=reference_of(f"missed|{item.id}"),
            kind="review",
            hashtag=item.hashtag,
            display=item.display,
            country=item.country,
            surfaces=item.surfaces,
            category=item.category,
            began_ms=looks[-1].at_ms,
            ends_ms=looks[-1].at_ms + KEPT_MS,
            cause="blind reviewers would hide it",
            evidence=item.evidence,
        )
        items.append(_answered(missed, missed.ends_ms, fold, history, at_ms))
    return items


def _hold_id(record: Override) -> str:
    restriction = override_restriction(record) if record.action == "hold" else None
    return "" if restriction is None else restriction.reference


def _holds(overrides: Iterable[tuple[int, Override]], history: OverrideHistory, at_ms: int) -> Iterable[ReviewItem]:
    """Build an item for each hold by a person."""
    for offset, record in overrides:
        if record.action != "hold" or record.source != "human":
            continue
        if offset in history.fold.stale or record.expires_at_ms + KEPT_MS < at_ms:
            continue
        undone_ms = [
            entry.undone.at_ms
            for surface in record.surfaces
            for entry in history.fold.stacks()[record.hashtag, surface, record.country, "human"].entries
            if entry.offset == offset and entry.undone is not None
        ]
        whole = len(undone_ms) == len(set(record.surfaces))
        yield ReviewItem(
            id=_hold_id(record),
            kind="hold",
            hashtag=record.hashtag,
            display=record.display,
            country=record.country,
            surfaces=tuple(sorted(set(record.surfaces))),
            category="",
            began_ms=record.at_ms,
            ends_ms=min(record.expires_at_ms, max(undone_ms)) if whole else record.expires_at_ms,
            cause=record.reason,
            by=record.actor,
            evidence=None,
        )


def _paused(decisions: Iterable[Decision], sources: CaseSources) -> Iterable[ReviewItem]:
    """Build an item for each suppression that a stop button lifts."""
    stops, at_ms = sources.stops, sources.at_ms
    for decision in decisions if stops else ():
        for restriction in decision_restrictions(decision):
            lifting = {
                scope[1]: stop
                for scope, stop in stops
                if scope[1] in restriction.surfaces
                and scope[2] in ("*", restriction.country)
                and stop.category in ("", restriction.category)
            }
            if restriction.measure != "reduced" or restriction.ends_ms <= at_ms or not lifting:
                continue
            stop = next(iter(lifting.values()))
            yield ReviewItem(
                id=reference_of(f"paused|{restriction.reference}|{stop.id}"),
                kind="paused",
                hashtag=restriction.target,
                display=restriction.display,
                country=restriction.country,
                surfaces=tuple(sorted(lifting)),
                category=restriction.category,
                began_ms=max(restriction.began_ms, stop.at_ms),
                ends_ms=min(restriction.ends_ms, stop.expires_at_ms),
                cause=f"the stop button lifts its suppression: {stop.reason}",
                evidence=restriction.evidence,
            )


def _appealed(inputs: CaseInputs, automated: AutomatedFold, at_ms: int) -> Iterable[tuple[ReviewItem, int | None]]:
    """Build an item for each appeal about a hashtag that is not against a legal order, with the time of its outcome."""
    tags = {status.appeal.hashtag for status in inputs.appeals if status.appeal.case not in automated.restrictions}
    overrides = [record for _, record in inputs.overrides if record.hashtag in tags]
    by_people = {
        restriction.reference: restriction
        for record in overrides
        if (restriction := override_restriction(record)) is not None
    }
    for status in inputs.appeals:
        appeal, outcome = status.appeal, status.outcome
        if appeal.order or (outcome is not None and outcome.at_ms + KEPT_MS < at_ms):
            continue
        contested = automated.restrictions.get(appeal.case) or by_people.get(appeal.case)
        item = ReviewItem(
            id=appeal.id,
            kind="appeal",
            hashtag=appeal.hashtag,
            display=appeal.hashtag if contested is None else contested.display,
            country="*" if contested is None else contested.country,
            surfaces=() if contested is None else contested.surfaces,
            category="" if contested is None else contested.category,
            began_ms=appeal.at_ms,
            ends_ms=0,
            cause=appeal.reason,
            by=appeal.actor,
            evidence=None if contested is None else contested.evidence,
        )
        yield item, None if outcome is None else outcome.at_ms
