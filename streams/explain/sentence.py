"""One sentence about a hashtag: hidden where, by whom, why, until when and what ends it, or why it is shown. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hushtag_client.registers import ANY_HASHTAG, HIDING, Register

from streams.actions import AWAITING_PERSON, WEIGHING, row_of
from streams.countries import in_country
from streams.explain.explanation import Explanation
from streams.explain.flag_text import one_line, source_words
from streams.explain.hashtag_report import SurfaceState
from streams.explain.signal_report import SignalReport, moment, reading_of
from streams.naming import format_duration

_LEVELS = {
    "over": "over the limits",
    "over without established authors": "over the limits without its established authors",
}
"""Levels whose name alone does not complete a sentence."""


@dataclass(frozen=True, slots=True)
class DecidedPlaces:
    """Surfaces on which equal registers decide: one decision, as a reader sees it."""

    register: Register
    surfaces: tuple[str, ...]
    shown: bool
    weight: float


def decided_places(states: Iterable[SurfaceState]) -> list[DecidedPlaces]:
    """Group the states that a register decides: those that hide first, then by weight, the widest first."""
    alike: dict[tuple[object, ...], list[SurfaceState]] = {}
    for state in states:
        if (register := state.decided_by) is not None:
            scope = register.category, register.country
            same = register.source, register.action, *scope, register.actor, _reason(register)
            alike.setdefault(same, []).append(state)
    groups = []
    for group in alike.values():
        first = group[0]
        assert first.decided_by is not None
        surfaces = tuple(sorted({state.surface for state in group}, reverse=True))
        groups.append(DecidedPlaces(first.decided_by, surfaces, first.shown, first.weight))
    return sorted(groups, key=lambda at: (at.shown, at.weight, at.register.country != "*", -len(at.surfaces)))


def sentence_of(whole: Explanation) -> str:
    """Return the sentence about a hashtag."""
    report = whole.report
    decided = decided_places(report.states())
    name = f"#{report.display}"
    what = _effect(decided[0]) if decided else ""
    if decided and not decided[0].shown:
        also = [f"also hidden from {where_words(at)} by {_author(at.register)}" for at in decided[1:] if not at.shown]
        return f"{name} is {what} {'; '.join([_decision(whole, decided[0].register), *also])}."
    if what:
        return f"{name} is {what}, {_decision(whole, decided[0].register)}."
    where = "everywhere" if report.country is None else in_country(report.country)
    why = _allowed(decided[0].register, report.now_ms) if decided else ""
    reasons = [_unpublished(whole), why, _overruled(whole) or _distance(whole)]
    return f"{name} is shown {where}: {'; '.join(filter(None, reasons))}."


def _effect(places: DecidedPlaces) -> str:
    """Describe the effect of a decision; "" where it has none."""
    row = row_of(places.register.action)
    if row.weighs and places.weight == 1:
        return ""
    return row.sentence.format(where=where_words(places), weight=places.weight)


def where_words(places: DecidedPlaces) -> str:
    """Return the surfaces and the country of a decision in words."""
    return f"{' and '.join(places.surfaces)} {in_country(places.register.country)}"


def nearest_rule(whole: Explanation) -> tuple[SignalReport, list[str]] | None:
    """Return the rule that the hashtag is nearest to, with what is missing; None without evidence."""
    judged = [(report, whole.missing(report)) for report in whole.evidence.reports]
    return min(judged, key=lambda pair: (len(pair[1]), _gap(pair[0])), default=None)


def _decision(whole: Explanation, register: Register) -> str:
    """Describe who decided, why, until when, and what ends it."""
    at_ms, hashtag = whole.report.now_ms, whole.report.hashtag
    if register.source == "automated":
        ends = whole.ends_when(register)
        earlier = f"; it ends earlier when {ends[0]}" if ends else ""
        of = f" for {register.category.replace('_', ' ')}" if register.category else ""
        renewed = "" if register.action in AWAITING_PERSON else " unless renewed"
        return f"by {source_words(register)}{of} ({_why(register)}), {_until(register, at_ms)}{renewed}{earlier}"
    if register.source == "legal":
        return f"by {source_words(register)}, {_until(register, at_ms)}; hushtag orders list names it"
    awaits_person = register.action in AWAITING_PERSON
    ends_by = "a review decides it" if awaits_person else f"a person ends it: hushtag undo {hashtag}"
    return f"by {_author(register)}, {_until(register, at_ms)}, or until {ends_by}"


def _author(register: Register) -> str:
    return source_words(register) + (f" ({_reason(register)})" if register.source == "human" else "")


def _why(register: Register) -> str:
    return one_line(register).replace("contested. ", "contested: ")


def _until(register: Register, at_ms: int) -> str:
    if not register.expires_at_ms:
        return "until it is revoked"
    return f"until {moment(register.expires_at_ms)} ({format_duration(register.expires_at_ms - at_ms)})"


def _allowed(register: Register, at_ms: int) -> str:
    """Describe the register by which a hashtag is shown."""
    if register.source == "automated":
        return ""
    by = f"{_author(register)}, {_until(register, at_ms)}"
    if register.hashtag == ANY_HASHTAG:
        of = f" for {register.category.replace('_', ' ')}" if register.category not in ("", "*") else ""
        return f"automated suppression{of} is paused by {by}"
    return f"allowed {in_country(register.country)} by {by}"


def _unpublished(whole: Explanation) -> str:
    """Describe the newest decision that would hide the hashtag and that surfaces do not have yet; "" without one."""
    unpublished, now_ms = whole.report.unpublished(), whole.report.now_ms
    late = [register for register in unpublished if register.action in HIDING and register.in_force(now_ms)]
    if not late:
        return ""
    last = max(late, key=lambda register: register.version)
    surfaces = sorted({register.surface for register in late if register.version == last.version}, reverse=True)
    where = f"{' and '.join(surfaces)} {in_country(last.country)}"
    return f"{source_words(last)} hides it from {where}, which is not published yet"


def _overruled(whole: Explanation) -> str:
    """Describe the pipeline's decision that is in force and has no effect now; "" without one."""
    overruled = [
        register
        for state in whole.report.states()
        for register, outcome in state.registers
        if outcome in ("lifted", "overruled") and register.source == "automated"
    ]
    hides = next((register for register in overruled if register.action in HIDING), None)
    if hides is not None:
        return f"without that the pipeline hides it ({_why(hides)})"
    if not overruled:
        return ""
    shows = overruled[0]
    if shows.action in WEIGHING:
        return f"without that its tweets count {shows.weight:.0%} ({_why(shows)})"
    return f"without that it is {row_of(shows.action).done or shows.action} ({_why(shows)})"


def _distance(whole: Explanation) -> str:
    """Describe how far a hashtag is from being hidden."""
    evidence = whole.evidence
    if evidence.protected:
        return "the policy protects it (never_suppress), and no rule acts on it"
    nearest = nearest_rule(whole)
    if nearest is None:
        below = evidence.below[:1]
        if below:
            window = format_duration(below[0].window_ms)
            return f"it has fewer than {below[0].floor} tweets in {window}, too few to be judged"
        return "no automated decision is in force, and the last hour has no evidence of it"
    report, missing = nearest
    scope = f"{report.category.replace('_', ' ')} on {report.surface}"
    if not report.is_assessed:
        return f"it is not assessed for {scope}, {reading_of(report)}"
    if missing:
        return f"it would be hidden for {scope} with {_and(missing)}"
    quiet = [
        scope.action
        for decision in whole.report.latest()
        for scope in decision.rulings
        if (scope.category, scope.surface, decision.country) == report.scope
    ]
    done = f"{quiet[0]}, which hides nothing" if quiet and quiet[0] in ("review", "shadow") else "not hidden yet"
    return f"it is {_LEVELS.get(report.level, report.level)} for {scope}: {done}"


def _gap(report: SignalReport) -> float:
    """Return how far the harmful share lies below its threshold, as a part of it."""
    share = report.signals[2]
    return 1.0 if share.value is None else max(0.0, 1 - share.value / share.threshold)


def _and(parts: Sequence[str]) -> str:
    return "; and ".join(parts)


def _reason(register: Register) -> str:
    return " ".join(str(register.evidence.get("reason", "")).split())
