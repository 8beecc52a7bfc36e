"""Reports on a hashtag under every rule, signal by signal, and the conditions that would change its state. Pure.

A decision has only the signals that spoke for it. An explanation of a tag that is *not* hidden, or of its way back,
needs the others too: they come from the last evidence that was kept of the tag, judged by the judge's own `levels`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

import msgspec
import numpy as np

from streams.constants import HOUR_MS
from streams.counting.keys import Tags
from streams.judging.circuit_breakers import scorer_fault
from streams.judging.evidence_codec import table_of
from streams.judging.hysteresis import ACTION_OF_MODE
from streams.judging.levels import BETWEEN, LOW, OVER, UNDER, levels
from streams.log.decisions import DecisionReason, ScopeDecision
from streams.log.evidence import EvidenceRecord
from streams.naming import format_duration
from streams.policy import Policy, Rule
from streams.policy.places import PolicyLine, PolicyLines
from streams.signals.base import rounded

_WORDS = {OVER: "over", BETWEEN: "between", UNDER: "under", LOW: "too small to say"}
_LEVELS = {word: level for level, word in _WORDS.items()}


class SignalValue(msgspec.Struct, frozen=True, kw_only=True):
    """Value and threshold of one signal that a rule asks for."""

    signal: str
    value: float | None
    """None: it cannot be measured, such as a burst without a past."""
    threshold: float
    passed: bool
    line: int | None = None
    """Line of the policy file that set the threshold; None for a default."""
    source: str = ""
    """Text of that line."""


class SignalReport(msgspec.Struct, frozen=True, kw_only=True):
    """A hashtag in a country under the rule of a category on a surface, at a settled tick."""

    category: str
    surface: str
    country: str
    tick_ms: int
    window_ms: int
    level: str
    """over, between, under, or too small to say."""
    tweets: int
    authors: int
    scored: int
    lower: float
    upper: float
    clear_at: float
    signals: tuple[SignalValue, ...]
    """The floors, the harmful share, then the corroborating signals."""
    need: int
    """Number of corroborating signals that the rule asks for."""
    looked: int = 0
    """Scored authors whose texts stage 2 has read; 0: the share is stage 1's alone."""
    stage_2: str = ""
    """Revision of stage 2; "" where it had no part."""
    predecessor: str = ""
    """Hidden tag that the authors come from, where `successor` is above 0."""
    dwell_ms: int = 0
    holding: bool = False
    """Whether a gap of the log was in the windows, so that nothing was cleared."""


class BelowFloor(msgspec.Struct, frozen=True):
    """A window in which a hashtag has too few tweets for its evidence to be kept."""

    country: str
    window_ms: int
    tick_ms: int
    floor: int
    """`evidence_floor` of the policy."""


class WindowVolume(msgspec.Struct, frozen=True):
    """The shortest window at a settled tick."""

    tick_ms: int
    tweets: int
    authors: int
    share: float | None
    """Harmful share of any category; None: nothing was scored."""


def row_of(record: EvidenceRecord, hashtag: str, country: str) -> int | None:
    """Return the row of a hashtag in a country; None where the record has none."""
    pairs = zip(record.hashtags, record.countries, strict=True)
    return next((row for row, pair in enumerate(pairs) if pair == (hashtag, country)), None)


def volumes(records: Iterable[EvidenceRecord], hashtag: str, country: str) -> list[WindowVolume]:
    """Return the shortest window over time, by tick; ticks at which the tag was below the evidence floor are absent."""
    found: dict[int, WindowVolume] = {}
    for record in records:
        row = row_of(record, hashtag, country) if record.window_ms == record.conditions.windows_ms[0] else None
        if row is not None:
            table = table_of([record], Tags()).take(np.array([row]))
            share = float(table.estimates()[0, 0])
            found[record.tick_ms] = WindowVolume(
                record.tick_ms, int(table.tweets[0]), int(table.authors[0]), None if np.isnan(share) else share
            )
    return [found[tick_ms] for tick_ms in sorted(found)]


def signal_reports(
    records: Mapping[int, EvidenceRecord], hashtag: str, country: str, policy: Policy, places: PolicyLines
) -> list[SignalReport]:
    """Report on a tag in a country under every rule, by the window with the highest level.

    Args:
        records: records that have the tag, of the last tick of each window.
        hashtag: hashtag in its normalised form.
        country: country of the viewers, or `*`.
        policy: policy whose rules apply.
        places: lines of the policy's file.
    """
    found = []
    for category in policy.category_names:
        for surface in policy.surfaces:
            rule = policy.rule(category, surface, country)
            seen = [
                one
                for window_ms, record in sorted(records.items())
                if window_ms in rule.windows_ms and category in record.conditions.categories
                for one in _report(record, hashtag, policy, rule, (category, surface, country), places)
            ]
            if seen:
                found.append(max(seen, key=lambda one: _LEVELS[one.level]))
    return found


def _report(
    record: EvidenceRecord, hashtag: str, policy: Policy, rule: Rule, scope: tuple[str, str, str], places: PolicyLines
) -> Iterator[SignalReport]:
    category, surface, country = scope
    row = row_of(record, hashtag, country)
    if row is None:
        return
    table = table_of([record], Tags()).take(np.array([row]))
    listed = np.array([policy.matches_curated_term(hashtag)])
    column = 1 + record.conditions.categories.index(category)
    judged = levels(table, rule, column, listed, rule.confidence)
    tweets, authors, lower = int(table.tweets[0]), int(table.authors[0]), float(judged.lower[0])
    yield SignalReport(
        category=category,
        surface=surface,
        country=country,
        tick_ms=record.tick_ms,
        window_ms=record.window_ms,
        level=_WORDS[int(judged.level[0])],
        tweets=tweets,
        authors=authors,
        scored=int(table.scored[0]),
        lower=rounded(lower),
        upper=rounded(float(judged.upper[0])),
        clear_at=rule.clear_at,
        signals=(
            _value("min_tweets", tweets, rule.min_tweets, places.of("min_tweets", *scope)),
            _value("min_authors", authors, rule.min_authors, places.of("min_authors", *scope)),
            _value("harmful_share_lower", lower, rule.suppress_at, places.of("suppress_at", *scope)),
            *(
                _value(one.signal.name, float(one.values[0]), one.threshold, places.of_signal(one.signal.name, *scope))
                for one in judged.asked
            ),
        ),
        need=rule.corroboration.need,
        looked=0 if table.correction is None else int(table.correction.looked[0]),
        stage_2="" if table.correction is None else table.correction.revisions[0],
        predecessor=table.hidden_tags[0] if table.hidden_tags else "",
        dwell_ms=rule.dwell_ms,
        holding=record.paused,
    )


def _value(name: str, value: float, threshold: float, place: PolicyLine | None) -> SignalValue:
    unknown = bool(np.isnan(value))
    return SignalValue(
        signal=name,
        value=None if unknown else rounded(value),
        threshold=float(threshold),
        passed=not unknown and value >= threshold,
        line=place.line if place else None,
        source=place.source if place else "",
    )


def fault_of(records: Iterable[EvidenceRecord], policy: Policy) -> DecisionReason | None:
    """Apply the dead-man's rule to a tick; None: the scorer was trusted, or the policy has no such rule.

    Args:
        records: all records of the shortest window at the tick.
        policy: policy with the rule.
    """
    some = [one for one in records if one.rows]
    return scorer_fault(policy.valves, table_of(some, Tags())) if some else None


def would_clear(
    action: str,
    rule: Rule | None,
    now: SignalReport | None,
    max_automated_ms: int,
    *,
    state: ScopeDecision | None = None,
    protected: bool = False,
    fault: DecisionReason | None = None,
    at_ms: int = 0,
) -> list[str]:
    """List the conditions that end an automated flag, each a clause after "it ends when". See `decide`.

    Args:
        action: action of the flag.
        rule: the rule in force; None: the policy does not have the scope any more.
        now: signals at present; None without evidence.
        max_automated_ms: longest time that an automated flag lasts without a person.
        state: the decision behind the flag, which knows the times; None: times are left out.
        protected: whether the tag is in `never_suppress`.
        fault: reason not to trust the scorer.
        at_ms: present time, Unix time in ms.
    """
    if rule is None:
        return ["the next tick settles: the policy does not have the category on this surface any more"]
    if protected:
        return ["the next tick settles: it is protected now"]
    if action != ACTION_OF_MODE[rule.mode]:
        return [f"the next tick settles: the mode is {rule.mode} now"]
    if state is not None and state.provisional:
        return ["its tick settles and it is not over then"]
    low = now is None or now.level == _WORDS[LOW]
    cleared = f"the upper bound of its harmful share falls below {rule.clear_at:g} at a settled tick"
    cleared += f", it is {now.upper:.2f} now" if now is not None and not low else ""
    if state is not None and state.since_ms + rule.dwell_ms > at_ms:
        cleared += f", not before {moment(state.since_ms + rule.dwell_ms)}"
    if now is not None and now.holding:
        cleared += ", not while a gap of the log is in its windows"
    if fault is not None:
        cleared += ", not while the scorer is not trusted"
    if action == "hold":
        return [cleared, "a person decides, or the hold expires; it is not renewed"]
    hours = f"{max_automated_ms / HOUR_MS:g} hours"
    if state is not None and state.expires_at_ms >= state.since_ms + max_automated_ms:
        return [cleared, f"it expires: nothing is renewed beyond {hours} without a person"]
    ends = [cleared]
    if fault is not None:
        ends.append("it expires before the scorer is trusted again")
    elif low:
        renewed_ms = 0 if state is None else state.expires_at_ms - rule.expiry_ms // 2
        since = f" from {moment(renewed_ms)} on" if renewed_ms > at_ms else ""
        ends.append(f"it stays below {rule.min_tweets} tweets or {rule.min_authors} authors{since} until it expires")
    limit = "" if state is None else f", at {moment(state.since_ms + max_automated_ms)}"
    return [*ends, f"{hours} have passed without a person{limit}"]


def would_hide(
    now: SignalReport,
    *,
    state: ScopeDecision | None = None,
    protected: bool = False,
    fault: DecisionReason | None = None,
) -> list[str]:
    """List the conditions that are missing until a rule acts on a tag; empty where it is over and nothing bars it.

    Args:
        now: signals at present.
        state: the last settled decision that is still kept.
        protected: whether the tag is in `never_suppress`.
        fault: reason not to trust the scorer.
    """
    floors, share, others = now.signals[:2], now.signals[2], now.signals[3:]
    missing = [
        f"{one.threshold:g} {one.signal.removeprefix('min_')} in {format_duration(now.window_ms)}, it has {one.value:g}"
        for one in floors
        if not one.passed and one.value is not None
    ]
    if not share.passed:
        missing.append(f"a lower bound of the harmful share of {share.threshold:g}, it is {now.lower:.2f}")
    passed = sum(one.passed for one in others)
    if passed < now.need:
        names = ", ".join(f"{one.signal} {one.threshold:g}" for one in others if not one.passed)
        missing.append(f"{now.need - passed} more of the corroborating signals ({names})")
    return [*missing, *_bars(now, state, protected, fault)]


def _bars(
    now: SignalReport, state: ScopeDecision | None, protected: bool, fault: DecisionReason | None
) -> Iterator[str]:
    if protected:
        yield "an end of its protection: it is in never_suppress"
    if fault is not None:
        yield f"a scorer that is trusted: {fault.signal} is {fault.value:g}, the limit {fault.threshold:g}"
    if state is None or state.action != "clear":
        return
    if state.lapsed:
        yield (
            f"an upper bound of the harmful share below {now.clear_at:g} once, it is {now.upper:.2f}: the action "
            f"before expired at {moment(state.since_ms)} without a decision by a person"
        )
    elif now.tick_ms < state.since_ms + now.dwell_ms:
        yield f"a dwell until {moment(state.since_ms + now.dwell_ms)}: it was cleared at {moment(state.since_ms)}"


def moment(at_ms: int) -> str:
    """Render date and second, UTC."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
