"""Views of appeals and their ends. Pure."""

from __future__ import annotations

from moderation.domain.appeals.answers import (
    AppealAnswer,
    AppealEndedAnswer,
    AppealOutcomeAnswer,
    TargetRulingAnswer,
)
from moderation.domain.appeals.appeals import Effect
from moderation.domain.appeals.fold import AppealStatus
from moderation.domain.appeals.service import AppealResult
from streams.flags.override_answers import DecisionRecordAnswer, record_view
from streams.orders.records import OrderRuling


def appeal_view(status: AppealStatus) -> AppealAnswer:
    """Describe an appeal; only the legal team may know who decided on an order's targets."""
    appeal, outcome = status.appeal, status.outcome
    return AppealAnswer(
        id=appeal.id,
        case=appeal.case,
        hashtag=appeal.hashtag,
        actor=appeal.actor,
        reason=appeal.reason,
        at_ms=appeal.at_ms,
        against_order=bool(appeal.order),
        outcome=None
        if outcome is None
        else AppealOutcomeAnswer(verdict=outcome.verdict, actor=outcome.actor, reason=outcome.reason),
    )


def ended_view(result: AppealResult) -> AppealEndedAnswer:
    """Describe the end of an appeal."""
    outcome = result.record
    return AppealEndedAnswer(
        kind="appeal_outcome",
        id=outcome.id,
        appeal=outcome.appeal,
        case=outcome.case,
        hashtag=outcome.hashtag,
        verdict=outcome.verdict,
        actor=outcome.actor,
        reason=outcome.reason,
        at_ms=outcome.at_ms,
        effect=None if result.effect is None else _effect_view(result.effect),
        also_lifts=list(result.also_lifts),
        ended=result.ended,
    )


def _effect_view(effect: Effect) -> DecisionRecordAnswer | TargetRulingAnswer:
    if isinstance(effect, OrderRuling):
        return TargetRulingAnswer(action=effect.outcome, order=effect.order, target=effect.targets[0][0] + 1)
    return record_view(effect)
