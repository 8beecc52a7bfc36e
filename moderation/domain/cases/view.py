"""JSON of cases: whole, without numbers before the first answer, or hidden from a reviewer. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from moderation.domain.appeals.items import BLIND_KINDS, ItemKind
from moderation.domain.cases.case import CaseItem, HashtagCase
from moderation.domain.cases.case_log import CaseLog
from moderation.domain.cases.first_answer import first_answer_of
from moderation.domain.cases.languages import unread_languages
from moderation.domain.cases.records import CaseClaim, CaseDecision, CaseLook, CaseRecord, CaseSkip, FirstAnswerRecord
from moderation.domain.cases.service import CaseResult
from streams.flags.overrides import record_as_dict
from streams.orders.speakers import same_person

SHOWN, AFTER_FIRST_ANSWER = "shown", "after_first_answer"
"""Values of `numbers` in answers."""
COUNTS = ("tweets", "authors", "unread")
"""Members of evidence that are shown before the first answer."""
_MEASURED_KINDS: frozenset[ItemKind] = frozenset({"contested", "review", "not_assessed"})
"""Kinds whose cause, after a colon, has values of signals."""
_RECORD_FIELDS = ("verdict", "effects", "why", "answer", "team", "add", "remove", "undoes", "take_over")


def case_as_dict(case: HashtagCase, log: CaseLog, actor: str) -> dict[str, Any]:
    """Build the JSON of a case as a person may see it; of a blind second look only what is the same for controls."""
    claimant = log.claimant(case)
    shown: dict[str, Any] = {
        "id": case.id,
        "hashtag": case.hashtag,
        "display": case.display,
        "blinded": log.is_blind(case, actor),
        "claimed_by": claimant or None,
        "claimed_until_ms": log.claimed_until_ms(case) if claimant else None,
        "team": case.progress.team,
    }
    if shown["blinded"]:
        look = case.look
        return shown | {
            "why": ["second_look"],
            "countries": [look.item.country] if look is not None else [],
        }
    waiting, closing = case.open_items, log.closing(case)
    countries, surfaces, categories = case.places(waiting or [*case.items])
    return shown | {
        "why": list(case.kinds),
        "countries": countries,
        "surfaces": surfaces,
        "categories": categories,
        "open": case.is_open,
        "closed": closing.as_dict() if closing is not None else None,
        "began_ms": case.began_ms,
        "lapses_ms": case.lapses_ms,
        "appealed_ms": case.appealed_ms,
        "reach": case.reach,
        "languages": [language.as_dict() for language in unread_languages(case)],
        "labels": list(case.progress.labels),
        "version": log.version(case),
        "first_answer": first_answer_of(case, actor),
        "numbers": AFTER_FIRST_ANSWER if case.hashtag in log.hidden_numbers(actor) else SHOWN,
    }


def detailed_dict(case: HashtagCase, log: CaseLog, actor: str) -> dict[str, Any]:
    """Build the JSON of a case with its items and history."""
    answer, look = case_as_dict(case, log, actor), case.look
    if answer["blinded"]:
        evidence = look.item.evidence if look is not None else None
        return answer | {"tweets": list(evidence.sampled) if evidence is not None else []}
    shown = [part for part in case.items if part.item.kind not in BLIND_KINDS or not part.is_open]
    return answer | {
        "items": [_item_as_dict(part, numbers=answer["numbers"] == SHOWN) for part in shown],
        "tweets": list(
            dict.fromkeys(t for part in case.items if part.item.evidence for t in part.item.evidence.sampled)
        ),
        "history": [
            _history_dict(record, actor) for record in case.progress.history if _is_visible(record, case, actor)
        ],
    }


def _history_dict(record: CaseRecord, actor: str) -> dict[str, Any]:
    """Build the JSON of one record as a person sees it: why another person skipped the case is that person's own."""
    answer = record_dict(record)
    if isinstance(record, CaseSkip) and not same_person(record.actor, actor):
        answer = {name: value for name, value in answer.items() if name != "why"} | {"reason": "skipped"}
    return answer


def record_dict(record: CaseRecord) -> dict[str, Any]:
    """Build the JSON of one record in a case's history."""
    members = msgspec.to_builtins(record)
    kept = {name: members[name] for name in _RECORD_FIELDS if members.get(name)}
    covers = {"covers": members["covers"]} if "covers" in members else {}
    kind = members["kind"].removeprefix("case_")
    return {"kind": kind, "actor": record.actor, "reason": record.reason, "at_ms": record.at_ms} | kept | covers


def case_result_dict(result: CaseResult, log: CaseLog, actor: str) -> dict[str, Any]:
    """Build the JSON of a decision, with its effects and what is left of the case."""
    answer = record_dict(result.record) | {"id": result.record.id, "case": result.case.id}
    effects = [record_as_dict(effect.record) for effect in result.effects]
    if isinstance(result.record, CaseDecision):
        answer |= {"first_answer": first_answer_of(result.case, actor)}
    return answer | {"effects": effects, "left": case_as_dict(result.case, log, actor)}


def _item_as_dict(part: CaseItem, *, numbers: bool) -> dict[str, Any]:
    answer = part.item.as_dict() | {"open": part.is_open, "closed_ms": part.closed_ms}
    if not numbers:
        evidence = answer["evidence"]
        answer["evidence"] = {name: evidence[name] for name in COUNTS} if evidence is not None else None
        if part.item.kind in _MEASURED_KINDS:
            answer["cause"] = answer["cause"].partition(":")[0]
    return answer | {"open_surfaces": list(part.open_surfaces)}


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
