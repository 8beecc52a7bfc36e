"""Numbers of the machine on a case: shares with bounds against thresholds, and the signals behind them. Pure.

A page shows them only after its reader's first answer, or where none is due.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from hushtag_client.registers import Reason

from moderation.console.words import percent_words
from moderation.domain.appeals.items import BLIND_KINDS, NOT_ASSESSED
from moderation.domain.cases.case import CaseItem, HashtagCase
from streams.explain.flag_text import ReasonInWords, reason_in_words
from streams.languages import language_name, read_words
from streams.log.decisions import Decision, Evidence, ScopeDecision, unread_of
from streams.policy import Policy, Rule
from web.svg import element, label, line

_LEFT, _WIDTH, _HEIGHT = 8, 320, 54


@dataclass(frozen=True, slots=True)
class Reading:
    """Evidence at one moment, with its picture."""

    when: str
    at_ms: int
    evidence: Evidence
    read: str
    """Part of the sampled authors whose texts the model has read; "" for all of them."""
    svg: str
    """Picture of the harmful share; "" where it was not assessed."""
    words: str


@dataclass(frozen=True, slots=True)
class MachineView:
    """One category in one country as the machine has judged it."""

    country: str
    category: str
    surfaces: tuple[str, ...]
    mode: str
    suppress_at: float | None
    clear_at: float | None
    readings: list[Reading]
    """Evidence of the decision, and the present evidence where it differs."""
    assessed: bool
    """Whether the model has read enough of the texts for a harmful share."""
    signals: list[ReasonInWords]
    languages: str
    """Languages of the sampled tweets."""
    cause: str
    highest: tuple[tuple[str, str], ...]
    """Id and language of the highest-scoring sampled tweets, the highest first."""
    stage_2: bool


def machine_views(case: HashtagCase, latest: Iterable[Decision], policy: Policy | None) -> list[MachineView]:
    """Build a view for each country and category that the items of a case name.

    Args:
        case: the case.
        latest: latest decision on its hashtag in each country.
        policy: the live policy; None where it cannot be read.
    """
    by_country = {decision.country: decision for decision in latest}
    chosen: dict[tuple[str, str], CaseItem] = {}
    for case_item in sorted(case.open_items or case.items, key=lambda case_item: case_item.item.reach):
        if case_item.item.evidence and case_item.item.kind not in BLIND_KINDS:
            chosen[case_item.item.country, case_item.item.category] = case_item
    return [_view(case_item, by_country.get(country), policy) for (country, _), case_item in sorted(chosen.items())]


def meter(evidence: Evidence, rule: Rule | None, title: str) -> str:
    """Draw a harmful share with its bounds on a scale from 0 to 100%, against the thresholds of a rule."""
    parts = [element("title", escape(title)), element("rect", class_="track", x=_LEFT, y=20, width=_WIDTH, height=10)]
    low, high = _x(evidence.lower), _x(evidence.upper)
    parts.append(element("rect", class_="bounds", x=low, y=20, width=max(high - low, 2.0), height=10))
    parts.append(element("rect", class_="share", x=_x(evidence.share) - 1.5, y=16, width=3, height=18))
    if rule is not None:
        hide, clear = _x(rule.suppress_at), _x(rule.clear_at)
        parts += [line(hide, 12, hide, 38, "hide-at"), line(clear, 12, clear, 38, "clear-at")]
        parts.append(label(_inside(hide), 10, f"hide from {percent_words(rule.suppress_at)}", "", "middle"))
        parts.append(label(_inside(clear), 50, f"clear below {percent_words(rule.clear_at)}", "", "middle"))
    size = {"viewBox": f"0 0 {_WIDTH + 2 * _LEFT} {_HEIGHT}"}
    return element("svg", "".join(parts), class_="meter chart", role="img", aria_label=title, **size)


def _view(case_item: CaseItem, decision: Decision | None, policy: Policy | None) -> MachineView:
    item = case_item.item
    assert item.evidence is not None
    surfaces = case_item.open_surfaces or item.surfaces
    rule = _rule(policy, item.category, surfaces, item.country)
    ruling = _ruling(decision, item.category, surfaces)
    assessed = item.kind != NOT_ASSESSED
    readings = [_reading("when it was decided", item.began_ms, item.evidence, rule, assessed)]
    if ruling is not None and decision is not None and ruling.evidence not in (None, item.evidence):
        assert ruling.evidence is not None
        readings.append(_reading("now", decision.decided_at_ms, ruling.evidence, rule, assessed))
    newest = readings[-1].evidence
    numbers = {"upper": newest.upper, "established_upper": newest.established_upper}
    reasons = ruling.reasons if ruling is not None else ()
    places = zip(item.evidence.highest, item.evidence.highest_at, strict=False)
    return MachineView(
        country=item.country,
        category=item.category,
        surfaces=surfaces,
        mode=rule.mode if rule is not None else "",
        suppress_at=rule.suppress_at if rule is not None else None,
        clear_at=rule.clear_at if rule is not None else None,
        readings=readings,
        assessed=assessed,
        signals=[
            reason_in_words(Reason(signal=reason.signal, value=reason.value, threshold=reason.threshold), numbers)
            for reason in reasons
        ],
        languages=_languages(item.evidence),
        cause=item.cause,
        highest=tuple((tweet, at.lang) for tweet, at in places),
        stage_2=bool(newest.looked),
    )


def _reading(when: str, at_ms: int, evidence: Evidence, rule: Rule | None, assessed: bool) -> Reading:
    read = read_words(evidence.scored, unread_of(evidence))
    if not assessed:
        return Reading(
            when, at_ms, evidence, read, "", "The model does not read most of its texts, and estimates no harm"
        )
    share = f"{percent_words(evidence.lower)} and {percent_words(evidence.upper)}"
    words = f"Between {share} of the authors write harm; the best estimate is {percent_words(evidence.share)}"
    return Reading(when, at_ms, evidence, read, meter(evidence, rule, words), words)


def _rule(policy: Policy | None, category: str, surfaces: Iterable[str], country: str) -> Rule | None:
    for surface in surfaces if policy is not None and category in policy.categories else ():
        if policy is not None and surface in policy.surfaces:
            return policy.rule(category, surface, country)
    return None


def _ruling(decision: Decision | None, category: str, surfaces: Iterable[str]) -> ScopeDecision | None:
    rulings = [ruling for ruling in decision.rulings if ruling.category == category] if decision is not None else []
    return next((ruling for ruling in rulings if ruling.surface in surfaces), rulings[0] if rulings else None)


def _languages(evidence: Evidence) -> str:
    counts = Counter(language_name(at.lang) for at in evidence.sampled_at)
    return ", ".join(f"{name} {count}" for name, count in counts.most_common())


def _x(share: float) -> float:
    return _LEFT + min(max(share, 0.0), 1.0) * _WIDTH


def _inside(x: float) -> float:
    """Keep a centred label of the meter inside the picture."""
    return min(max(x, 44.0), _WIDTH + 2 * _LEFT - 44.0)
