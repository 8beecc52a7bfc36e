"""View of an appeal: the contested decision in words, and the consequences of each outcome. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from moderation.console.hashtag_words import measure_words
from moderation.console.words import listed, plain_words
from moderation.domain.appeals.appeals import AppealSubject, Effect
from moderation.domain.appeals.automated_decisions import AutomatedFold
from moderation.domain.appeals.records import AppealOutcome
from moderation.domain.restrictions.collection import order_restrictions, override_restriction
from moderation.domain.restrictions.restriction import Restriction, TargetKind
from streams.countries import in_country
from streams.flags.overrides import OverrideHistory
from streams.log.moderation import Override, Undo
from streams.orders.records import OrderRuling

OLD_MS = 7 * 86_400_000
"""Age from which an open appeal is marked as old. The DSA wants complaints decided in a timely manner (Article 20)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppealRow:
    """Appeal in the list of the page."""

    id: str
    display: str
    is_tag: bool
    """Whether it is about a hashtag, not about another target of an order."""
    at_ms: int
    old: bool
    """Whether it has been open for longer than `OLD_MS`."""
    order: bool
    """Whether it contests a legal order."""
    decision: str
    """Contested restriction in words, or why nothing of it is in force."""
    ends_ms: int
    """End of the restriction; 0: none."""
    own: bool
    """Whether the reader took the contested decision."""
    outcome: AppealOutcome | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """Outcome of an appeal, with its consequences in words."""

    title: str
    button: str
    consequences: list[str]


def restriction_words(restriction: Restriction) -> str:
    """Describe a restriction in one phrase.

    >>> restriction_words(Restriction(target="a", display="a", measure="held", surfaces=("trends",), country="IN",
    ...     source="automated", actor="hushtag", began_ms=1, ends_ms=2, decision="1", identity="1", category="abuse"))
    'held back for abuse in India on trends, by the pipeline'
    """
    of = f" for {plain_words(restriction.category)}" if restriction.category else ""
    on = f" on {listed(list(restriction.surfaces))}" if restriction.kind == "hashtag" and restriction.surfaces else ""
    what = measure_words(restriction.measure)
    return f"{what}{of} {in_country(restriction.country)}{on}, by {decider_words(restriction)}"


def decider_words(restriction: Restriction) -> str:
    """Name who decided a restriction; a legal order stays nameless."""
    return {"automated": "the pipeline", "legal": "a legal order"}.get(restriction.source, restriction.actor)


def restrictions_in_force(
    kind: TargetKind, target: str, automated: AutomatedFold, history: OverrideHistory, at_ms: int
) -> list[Restriction]:
    """List all restrictions of a target that have not ended, also those below a stronger decision."""
    in_force: list[Restriction] = []
    if kind == "hashtag":
        of_target = [restriction for restriction in automated.restrictions.values() if restriction.target == target]
        in_force += [restriction for restriction in of_target if restriction.ends_ms > at_ms]
        for status in history.statuses(at_ms, hashtag=target):
            if status.state in ("in force", "superseded") and isinstance(status.record, Override):
                by_person = override_restriction(status.record, status.surfaces)
                in_force += [] if by_person is None else [by_person]
    for order in history.fold.orders.by_id.values():
        rows = [row for row in order.rows if (row.target.kind, row.target.value) == (kind, target)]
        in_force += order_restrictions(order, at_ms, rows)
    return in_force


def reversal_words(
    subject: AppealSubject, effect: Effect | None, lifted: Iterable[str], every: Iterable[Restriction]
) -> list[str]:
    """Say what a reversal changes, and what stays.

    Args:
        subject: restriction that the appeal contests.
        effect: record that would reverse it; None where nothing is in force.
        lifted: references of other automated restrictions that it lifts.
        every: all restrictions of the target that have not ended.
    """
    if subject.contested is None or effect is None:
        return [f"Changes nothing that is shown now: {subject.ended or 'the decision has ended'}."]
    contested, also = subject.contested.restriction, set(lifted)
    words = [_effect_words(contested, effect)]
    others = {other.reference: other for other in every if other.reference != contested.reference}
    gone = [other for other in others.values() if other.reference in also or _replaces(effect, other)]
    stays = [other for other in others.values() if other not in gone]
    words += [f"Also lifts: {restriction_words(restriction)}." for restriction in gone]
    if stays:
        words += [f"{len(stays)} other restriction{' stays' if len(stays) == 1 else 's stay'}:"]
        words += [f"{restriction_words(restriction)}." for restriction in stays]
    else:
        words += ["No other restriction stays."]
    return words


def uphold_words(subject: AppealSubject) -> list[str]:
    """Say what an upheld decision leaves in force."""
    if subject.contested is None:
        return [f"Changes nothing: {subject.ended or 'the decision has ended'}."]
    return [f"It stays {restriction_words(subject.contested.restriction)}."]


def _effect_words(contested: Restriction, effect: Effect) -> str:
    what = measure_words(contested.measure)
    place = in_country(contested.country)
    if isinstance(effect, OrderRuling):
        return f"Declines this target of the legal order, so this order no longer keeps it {what} {place}."
    if isinstance(effect, Undo):
        return f"Undoes the decision of {contested.actor}: no longer {what} {place} on {listed(list(effect.surfaces))}."
    return f"Shows it again {place} on {listed(list(effect.surfaces))} for 7 days, against the pipeline."


def _replaces(effect: Effect, restriction: Restriction) -> bool:
    """Return whether an `allow` is newer than a person's restriction of the same scope."""
    return (
        isinstance(effect, Override)
        and restriction.source == "human"
        and restriction.country == effect.country
        and set(restriction.surfaces) <= set(effect.surfaces)
    )
