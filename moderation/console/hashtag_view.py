"""View of a hashtag, built from its report: places, people's decisions, history and statements. Pure.

Numbers of the machine are built only where the reader may see them, so that no template can show them before.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hushtag_client.registers import ANY_HASHTAG, Register

from moderation.console.hashtag_words import STATES, by_words
from moderation.console.words import listed, plain_words
from moderation.domain.restrictions.collection import active_restrictions
from moderation.domain.restrictions.restriction import Restriction
from moderation.outward.statements.text import user_text
from streams.actions import row_of
from streams.explain.flag_text import ReasonInWords, numbers_of, read_part, reason_in_words
from streams.explain.hashtag_report import HashtagReport, Outcome
from streams.flags.overrides import OverrideHistory
from streams.log.moderation import Override

OUTCOMES: dict[Outcome, str] = {
    "wins": "decides",
    "overruled": "overruled",
    "expired": "expired",
    "cleared": "cleared",
    "lifted": "lifted by the stop button",
}
MOST_EVENTS = 200


@dataclass(frozen=True, slots=True)
class Cause:
    """Decision of one source about a place, and its outcome."""

    state: str
    by: str
    outcome: str
    decides: bool
    reason: str
    """Reason in the words of the person who decided."""
    early: bool
    ends_ms: int
    counts: str
    read: str
    """Part of the sampled authors whose texts the model has read; "" for all, or where the reader may not see it."""
    numbers: list[ReasonInWords]
    """Signals and thresholds; empty where the reader may not see them."""


@dataclass(frozen=True, slots=True)
class TagPlace:
    """State of the hashtag for viewers in a country, on surfaces where it is the same."""

    country: str
    surfaces: str
    badge: str
    state: str
    causes: list[Cause]


def places_of(report: HashtagReport, *, hide_numbers: bool, show_legal: bool) -> list[TagPlace]:
    """List where the hashtag is hidden, ranked lower and shown; surfaces with the same state and causes together."""
    groups: dict[tuple[str, str, str], tuple[list[str], list[Cause]]] = {}
    for surface_state in report.states():
        action = surface_state.decided_by.action if surface_state.decided_by is not None else ""
        badge = action if action in STATES else "good"
        causes = [
            cause_of(register, outcome, report.now_ms, hide_numbers=hide_numbers, show_legal=show_legal)
            for register, outcome in surface_state.registers
            if outcome not in ("cleared", "expired")
        ]
        surfaces, _ = groups.setdefault((surface_state.country, badge, repr(causes)), ([], causes))
        surfaces.append(surface_state.surface)
    order = [*STATES, "good"]
    places = [
        TagPlace(country, listed(surfaces), badge, STATES.get(badge, "shown"), causes)
        for (country, badge, _), (surfaces, causes) in groups.items()
    ]
    return sorted(places, key=lambda place: (order.index(place.badge), not place.causes, place.country))


def cause_of(register: Register, outcome: Outcome, at_ms: int, *, hide_numbers: bool, show_legal: bool) -> Cause:
    """Describe a register and its outcome in words."""
    hidden = register.source == "legal" and not show_legal
    evidence = numbers_of(register.evidence)
    counts = [f"{evidence[name]:,.0f} {name}" for name in ("tweets", "authors") if name in evidence]
    stops = register.hashtag == ANY_HASHTAG
    return Cause(
        state="the stop button" if stops else row_of(register.action).state,
        by=by_words(register, show_legal=show_legal),
        outcome=OUTCOMES[outcome],
        decides=outcome == "wins",
        reason="" if hidden else str(register.evidence.get("reason", "")) if register.by_people else "",
        early=register.provisional,
        ends_ms=register.expires_at_ms,
        counts=" by ".join(counts),
        read="" if hide_numbers else read_part(register.evidence),
        numbers=[] if hide_numbers else [reason_in_words(reason, register.evidence) for reason in register.reasons],
    )


@dataclass(frozen=True, slots=True)
class OverrideNow:
    """Decision of a person that is in force, which an undo ends."""

    action: str
    country: str
    surfaces: list[str]
    actor: str
    reason: str
    at_ms: int
    ends_ms: int
    family: str


def overrides_now(report: HashtagReport) -> list[OverrideNow]:
    """List people's decisions in force, the newest first."""
    return [
        OverrideNow(
            status.record.action, status.record.country, sorted(status.surfaces), status.record.actor,
            status.record.reason, status.record.at_ms, status.record.expires_at_ms, status.record.family,
        )
        for status in report.overrides
        if status.state == "in force" and isinstance(status.record, Override) and status.record.source == "human"
    ]  # fmt: skip


def version_of_tag(history: OverrideHistory, hashtag: str) -> str:
    """Return the version of people's decisions on a hashtag, which the next one names; "" before the first."""
    return history.fold.version([scope for scope in history.scopes(hashtag) if scope[3] == "human"])


@dataclass(frozen=True, slots=True)
class PastEvent:
    """Automated decision or decision of a person, in words."""

    at_ms: int
    country: str
    what: str
    by: str
    reason: str
    repeats: int
    """Later decisions that only renewed it."""


def history_of(report: HashtagReport, *, show_legal: bool) -> list[PastEvent]:
    """List the automated and people's decisions, the newest first; a renewal counts in the one it renews."""
    events = []
    for event in reversed(report.timeline()[-MOST_EVENTS:]):
        hidden = event.source == "legal" and not show_legal
        by = "the pipeline" if event.source == "automated" else "a legal order" if hidden else event.actor
        reason = "" if hidden else event.reason
        events.append(PastEvent(event.at_ms, event.country, plain_words(event.what), by, reason, event.repeats))
    return events


@dataclass(frozen=True, slots=True)
class StatementInWords:
    """Statement of a restriction in English and Hindi; "" where its numbers are hidden."""

    reference: str
    measure: str
    country: str
    surfaces: list[str]
    category: str
    by: str
    began_ms: int
    ends_ms: int
    text: str
    hindi: str


def statements_of(report: HashtagReport, *, hide_numbers: bool, show_legal: bool) -> list[StatementInWords]:
    """Build the statements of the restrictions in force."""
    active = active_restrictions(report)
    return [statement_view(restriction, hide_numbers=hide_numbers, show_legal=show_legal) for restriction in active]


def statement_view(restriction: Restriction, *, hide_numbers: bool, show_legal: bool) -> StatementInWords:
    """Build the statement of a restriction; an automated one has numbers, and is left out where they are hidden."""
    secret = restriction.secret or (restriction.source == "legal" and not show_legal)
    automated = restriction.source == "automated"
    stated = not (hide_numbers and automated)
    return StatementInWords(
        reference=restriction.reference,
        measure=restriction.measure,
        country=restriction.country,
        surfaces=list(restriction.surfaces),
        category=restriction.category,
        by="the pipeline" if automated else "a legal order" if secret else restriction.actor,
        began_ms=restriction.began_ms,
        ends_ms=restriction.ends_ms,
        text=user_text(restriction, "en") if stated else "",
        hindi=user_text(restriction, "hi") if stated else "",
    )


def countries_named(places: Iterable[TagPlace], overrides: Iterable[OverrideNow]) -> list[str]:
    """List the countries that a decision probably is about."""
    return sorted({place.country for place in places} | {override.country for override in overrides})
