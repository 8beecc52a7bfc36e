"""Answer on a restriction: what statements, the API and the public log have of it. Pure."""

from __future__ import annotations

from dataclasses import asdict

from moderation.domain.restrictions.restriction import LegalOrder, Restriction, Source, TargetKind
from streams.answers import AnswerModel, JsonObject
from streams.log.decisions import Evidence, unread_of
from streams.signals.registry import WEIGHED


class RestrictionSignalAnswer(AnswerModel):
    """Signal behind a restriction, and the threshold that it passed."""

    signal: str
    value: float
    threshold: float


class LegalOrderAnswer(AnswerModel):
    """Legal order behind a restriction; of a confidential one, only the fact that it exists."""

    authority: str | None = None
    legal_basis: str | None = None
    reference: str | None = None
    confidential: bool


class RestrictionAnswer(AnswerModel):
    """Decision that hides a hashtag, an account or a tweet, or that lowers the rank of a hashtag."""

    kind: TargetKind
    target: str
    display: str
    measure: str
    surfaces: list[str]
    country: str
    source: Source
    actor: str
    began_ms: int
    ends_ms: int
    decision: str
    category: str
    weight: float | None
    reason: str
    signals: list[RestrictionSignalAnswer]
    evidence: JsonObject | None
    policy_revision: str
    model_revision: str
    order: LegalOrderAnswer | None
    in_force: bool
    also_hidden_in: list[str] | None
    shown_in: list[str]
    reference: str


def restriction_answer(restriction: Restriction) -> RestrictionAnswer:
    """Build the answer about a restriction; a confidential order is reduced to the fact that one exists."""
    evidence, secret = restriction.evidence, restriction.secret
    return RestrictionAnswer(
        kind=restriction.kind,
        target=restriction.target,
        display=restriction.display,
        measure=restriction.measure,
        surfaces=list(restriction.surfaces),
        country=restriction.country,
        source=restriction.source,
        actor="" if secret else restriction.actor,
        began_ms=restriction.began_ms,
        ends_ms=restriction.ends_ms,
        decision="" if secret else restriction.decision,
        category=restriction.category,
        weight=restriction.weight,
        reason="" if secret else restriction.reason,
        signals=[
            RestrictionSignalAnswer(signal=signal.signal, value=signal.value, threshold=signal.threshold)
            for signal in restriction.signals
        ],
        evidence=None if evidence is None else _evidence(evidence),
        policy_revision=restriction.policy_revision,
        model_revision=restriction.model_revision,
        order=None if restriction.order is None else _order(restriction.order),
        in_force=restriction.in_force,
        also_hidden_in=None if restriction.also_hidden_in is None else list(restriction.also_hidden_in),
        shown_in=list(restriction.shown_in),
        reference=restriction.reference,
    )


def _order(order: LegalOrder) -> LegalOrderAnswer:
    return LegalOrderAnswer(confidential=True) if order.confidential else LegalOrderAnswer(**asdict(order))


def _evidence(evidence: Evidence) -> JsonObject:
    """Convert evidence without its sampled tweet ids, because those lead to their authors."""
    counts = ("window_ms", "tweets", "authors", "scored")
    shares = ("share", "lower", "upper", "established", "established_lower", "established_upper")
    kept = (*counts, *shares, *(signal.name for signal in WEIGHED if signal.recorded))
    return {name: getattr(evidence, name) for name in kept} | {"unread": dict(unread_of(evidence))}
