"""JSON of cases: whole, without numbers before the first answer, or blinded for a reviewer. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from moderation.cases.case import CaseItem, HashtagCase
from moderation.cases.case_log import CaseLog
from moderation.cases.first_answer import first_answer_of
from moderation.cases.languages import unread_languages
from moderation.cases.records import CaseClaim, CaseDecision, CaseLook, CaseRecord, CaseSkip, FirstAnswerRecord
from moderation.cases.service import CaseResult
from moderation.review.items import BLIND_KINDS, ItemKind
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
        "languages": [one.as_dict() for one in unread_languages(case)],
        "labels": list(case.progress.labels),
        "version": log.version(case),
        "first_answer": first_answer_of(case, actor),
        "numbers": AFTER_FIRST_ANSWER if case.hashtag in log.withheld(actor) else SHOWN,
    }


def detailed_dict(case: HashtagCase, log: CaseLog, actor: str) -> dict[str, Any]:
    """Build the JSON of a case with its items and history."""
    plain, look = case_as_dict(case, log, actor), case.look
    if plain["blinded"]:
        evidence = look.item.evidence if look is not None else None
        return plain | {"tweets": list(evidence.sampled) if evidence is not None else []}
    shown = [one for one in case.items if one.item.kind not in BLIND_KINDS or not one.is_open]
    return plain | {
        "items": [_item_as_dict(one, numbers=plain["numbers"] == SHOWN) for one in shown],
        "tweets": list(dict.fromkeys(t for one in case.items if one.item.evidence for t in one.item.evidence.sampled)),
        "history": [_history_dict(one, actor) for one in case.progress.history if _is_visible(one, case, actor)],
    }


def _history_dict(record: CaseRecord, actor: str) -> dict[str, Any]:
    """Build the JSON of one record as a person sees it: why another person skipped the case is that person's own."""
    plain = record_dict(record)
    if isinstance(record, CaseSkip) and not same_person(record.actor, actor):
        plain = {name: value for name, value in plain.items() if name != "why"} | {"reason": "skipped"}
    return plain


def record_dict(record: CaseRecord) -> dict[str, Any]:
    """Build the JSON of one record in a case's history."""
    plain = msgspec.to_builtins(record)
    kept = {name: plain[name] for name in _RECORD_FIELDS if plain.get(name)}
    covers = {"covers": plain["covers"]} if "covers" in plain else {}
    kind = plain["kind"].removeprefix("case_")
    return {"kind": kind, "actor": record.actor, "reason": record.reason, "at_ms": record.at_ms} | kept | covers


def case_result_dict(result: CaseResult, log: CaseLog, actor: str) -> dict[str, Any]:
    """Build the JSON of a decision, with its effects and what is left of the case."""
    plain = record_dict(result.record) | {"id": result.record.id, "case": result.case.id}
    effects = [record_as_dict(one.record) for one in result.effects]
    if isinstance(result.record, CaseDecision):
        plain |= {"first_answer": first_answer_of(result.case, actor)}
    return plain | {"effects": effects, "left": case_as_dict(result.case, log, actor)}


def _item_as_dict(one: CaseItem, *, numbers: bool) -> dict[str, Any]:
    plain = one.item.as_dict() | {"open": one.is_open, "closed_ms": one.closed_ms}
    if not numbers:
        evidence = plain["evidence"]
        plain["evidence"] = {name: evidence[name] for name in COUNTS} if evidence is not None else None
        if one.item.kind in _MEASURED_KINDS:
            plain["cause"] = plain["cause"].partition(":")[0]
    return plain | {"open_surfaces": list(one.open_surfaces)}


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
        or any(one.at_ms >= record.at_ms for one in case.progress.decisions)
    )
