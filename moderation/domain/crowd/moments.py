"""Moments of decisions about a hashtag, to be marked in its crowd. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from moderation.domain.appeals.items import BLIND_KINDS
from moderation.domain.cases.case import HashtagCase
from moderation.domain.crowd.answers import CrowdMomentAnswer
from moderation.domain.restrictions.restriction import Restriction
from streams.actions import ACTION_OF_VERB, ACTIONS, ROW_OF_MEASURE
from streams.flags.overrides import OverrideHistory
from streams.log.moderation import Override


def moments_of(
    case: HashtagCase,
    restrictions: Iterable[Restriction],
    history: OverrideHistory,
    since_ms: int,
    until_ms: int,
) -> list[CrowdMomentAnswer]:
    """List the decisions about the hashtag of a case in a time, each once, oldest first.

    While a second look of the case is open, the result does not say whether the pipeline hid the hashtag.

    Args:
        case: the case.
        restrictions: automated ones, of any hashtag.
        history: decisions of people.
        since_ms: beginning of the time, inclusive.
        until_ms: end of the time, inclusive.
    """
    moments = {
        CrowdMomentAnswer(
            at_ms=restriction.began_ms,
            source="automated",
            what=ROW_OF_MEASURE[restriction.measure].moment,
            country=restriction.country,
            surfaces=restriction.surfaces,
            actor="",
        )
        for restriction in restrictions
        if restriction.target == case.hashtag and restriction.source == "automated"
    }
    if case.look is not None and case.look.is_open:
        moments = {moment for moment in moments if moment.what != "hidden"}
    for item in (part.item for part in case.items if part.item.kind not in BLIND_KINDS):
        if item.kind == "review" and not item.by:
            moments.add(
                CrowdMomentAnswer(
                    at_ms=item.began_ms,
                    source="automated",
                    what="sent_to_people",
                    country=item.country,
                    surfaces=item.surfaces,
                    actor="",
                )
            )
    for offset, record in history.history:
        if record.hashtag == case.hashtag and record.source == "human" and offset not in history.fold.stale:
            what = ACTIONS[ACTION_OF_VERB[record.action]].moment if isinstance(record, Override) else "undone"
            moments.add(
                CrowdMomentAnswer(
                    at_ms=record.at_ms,
                    source="human",
                    what=what,
                    country=record.country,
                    surfaces=tuple(record.surfaces),
                    actor=record.actor,
                )
            )
    in_time = [moment for moment in moments if since_ms <= moment.at_ms <= until_ms]
    return sorted(in_time, key=lambda moment: [*moment.members().values()])
