"""Views of cases: whole, without numbers before the first answer, or hidden from a reviewer. Pure."""

from __future__ import annotations

import msgspec

from moderation.domain.appeals.items import BLIND_KINDS, ItemKind
from moderation.domain.cases.answers import (
    CaseDecidedAnswer,
    CaseDetailAnswer,
    CaseItemAnswer,
    CaseRecordAnswer,
    CaseRowAnswer,
    Numbers,
)
from moderation.domain.cases.case import CaseItem, HashtagCase
from moderation.domain.cases.case_log import CaseLog
from moderation.domain.cases.first_answer import first_answer_of
from moderation.domain.cases.languages import unread_languages
from moderation.domain.cases.records import CaseClaim, CaseDecision, CaseLook, CaseRecord, CaseSkip, FirstAnswerRecord
from moderation.domain.cases.service import CaseResult
from streams.flags.override_answers import record_view
from streams.orders.speakers import same_person

SHOWN: Numbers = "shown"
AFTER_FIRST_ANSWER: Numbers = "after_first_answer"
COUNTS = ("tweets", "authors", "unread")
"""Members of evidence that are shown before the first answer."""
_MEASURED_KINDS: frozenset[ItemKind] = frozenset({"contested", "review", "not_assessed"})
"""Kinds whose cause, after a colon, has values of signals."""
_RECORD_FIELDS = ("verdict", "effects", "why", "answer", "team", "add", "remove", "undoes", "take_over")


def case_view(case: HashtagCase, log: CaseLog, actor: str) -> CaseRowAnswer:
    """Describe a case as a person may see it; of a blind second look only what is the same for controls."""
    claimant, look = log.claimant(case), case.look
    claimed_until_ms = log.claimed_until_ms(case) if claimant else None
    if log.is_blind(case, actor):
        return CaseRowAnswer(
            id=case.id,
            hashtag=case.hashtag,
            display=case.display,
            blinded=True,
            claimed_by=claimant or None,
            claimed_until_ms=claimed_until_ms,
            team=case.progress.team,
            why=["second_look"],
            countries=[look.item.country] if look is not None else [],
        )
    countries, surfaces, categories = case.places(case.open_items or [*case.items])
    return CaseRowAnswer(
        id=case.id,
        hashtag=case.hashtag,
        display=case.display,
        blinded=False,
        claimed_by=claimant or None,
        claimed_until_ms=claimed_until_ms,
        team=case.progress.team,
        why=list(case.kinds),
        countries=countries,
        surfaces=surfaces,
        categories=categories,
        open=case.is_open,
        closed=log.closing(case),
        began_ms=case.began_ms,
        lapses_ms=case.lapses_ms,
        appealed_ms=case.appealed_ms,
        reach=case.reach,
        languages=list(unread_languages(case)),
        labels=list(case.progress.labels),
        version=log.version(case),
        first_answer=first_answer_of(case, actor),
        numbers=AFTER_FIRST_ANSWER if case.hashtag in log.hidden_numbers(actor) else SHOWN,
    )


def detailed_view(case: HashtagCase, log: CaseLog, actor: str) -> CaseDetailAnswer:
    """Describe a case with its items and history."""
    row = case_view(case, log, actor)
    seen = [part for part in (case.look,) if part is not None] if row.blinded else case.items
    tweets = dict.fromkeys(tweet for part in seen if part.item.evidence for tweet in part.item.evidence.sampled)
    members = row.members() | {"tweets": list(tweets), "texts": f"/v1/cases/{case.id}/texts"}
    if row.blinded:
        return CaseDetailAnswer.model_validate(members)
    items = [part for part in case.items if part.item.kind not in BLIND_KINDS or not part.is_open]
    history = [record for record in case.progress.history if _is_visible(record, case, actor)]
    return CaseDetailAnswer.model_validate(
        members
        | {
            "items": [_item_view(part, numbers=row.numbers == SHOWN) for part in items],
            "history": [_history_view(record, actor) for record in history],
        }
    )


def decided_view(result: CaseResult, log: CaseLog, actor: str) -> CaseDecidedAnswer:
    """Describe a decision, with its effects and what is left of the case."""
    answers = {"first_answer": first_answer_of(result.case, actor)} if isinstance(result.record, CaseDecision) else {}
    return CaseDecidedAnswer.model_validate(
        _record_members(result.record)
        | answers
        | {
            "id": result.record.id,
            "case": result.case.id,
            "effects": [record_view(effect.record) for effect in result.effects],
            "left": case_view(result.case, log, actor),
        }
    )


def _history_view(record: CaseRecord, actor: str) -> CaseRecordAnswer:
    """Describe one record as a person sees it: why another person skipped the case is that person's own."""
    members = _record_members(record)
    if isinstance(record, CaseSkip) and not same_person(record.actor, actor):
        del members["why"]
        members["reason"] = "skipped"
    return CaseRecordAnswer.model_validate(members)


def _record_members(record: CaseRecord) -> dict[str, object]:
    members = msgspec.to_builtins(record)
    kept = {name: members[name] for name in _RECORD_FIELDS if members.get(name)}
    covers = {"covers": members["covers"]} if "covers" in members else {}
    kind = members["kind"].removeprefix("case_")
    return {"kind": kind, "actor": record.actor, "reason": record.reason, "at_ms": record.at_ms} | kept | covers


def _item_view(part: CaseItem, *, numbers: bool) -> CaseItemAnswer:
    item = part.item
    counts, cause = item.numbers, item.cause
    if not numbers:
        counts = {name: counts[name] for name in COUNTS} if counts is not None else None
        cause = cause.partition(":")[0] if item.kind in _MEASURED_KINDS else cause
    return CaseItemAnswer(
        id=item.id,
        kind=item.kind,
        country=item.country,
        surfaces=list(item.surfaces),
        open_surfaces=list(part.open_surfaces),
        category=item.category,
        began_ms=item.began_ms,
        ends_ms=item.ends_ms or None,
        cause=cause,
        by=item.by,
        evidence=counts,
        open=part.is_open,
        closed_ms=part.closed_ms,
    )


def _is_visible(record: CaseRecord, case: HashtagCase, actor: str) -> bool:
    """Return whether a record is shown.

    An open second look has no records for anyone, because each reader may become its next reviewer. The first answer of
    another person is shown once the case is decided.
    """
    if (
        case.look is not None
        and case.look.is_open
        and (isinstance(record, CaseLook) or (isinstance(record, CaseClaim) and record.blind))
    ):
        return False
    return (
        not isinstance(record, FirstAnswerRecord)
        or same_person(record.actor, actor)
        or any(decision.at_ms >= record.at_ms for decision in case.progress.decisions)
    )
