"""Where a hashtag stands against every rule, signal by signal, and what would change that. Pure.

A decision tells the signals that spoke for it. Who asks why a tag is *not* hidden, or what would show it again, wants
the others too: this judges the last evidence that was kept of the tag with the judge's own `levels`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

import msgspec
import numpy as np

from streams.counting.keys import Tags
from streams.judging.circuit_breakers import scorer_fault
from streams.judging.evidence_codec import table_of
from streams.judging.hysteresis import ACTION_OF_MODE
from streams.judging.levels import BETWEEN, LOW, OVER, UNDER, levels
from streams.log.decisions import Reason, Ruling
from streams.log.evidence import EvidenceRecord
from streams.naming import in_words
from streams.policy import Policy, Rule
from streams.policy.where import Place, Places

_WORDS = {OVER: "over", BETWEEN: "between", UNDER: "under", LOW: "too small to say"}


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that the rule asks for."""

    signal: str
    value: float | None
    """None: it cannot be told, such as a burst without a past."""
    threshold: float
    passed: bool
    line: int | None = None
    """Of the policy file that set the threshold; None for a default."""
    source: str = ""
    """That line."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A hashtag in a country before the rule of a category on a surface, at a settled tick."""

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
    signals: tuple[Signal, ...]
    """The floors, the harmful share, then what corroborates."""
    need: int
    """How many of the corroborating signals must have passed."""
    looked: int = 0
    """How many of the scored authors' texts stage 2 has read; 0: the share is stage 1's alone."""
    stage_2: str = ""
    """Revision of stage 2; "" where it had no part."""
    predecessor: str = ""
    """The hidden tag that the authors come from, where `successor` is above 0."""
    dwell_ms: int = 0
    holding: bool = False
    """A gap of the log was in the windows: nothing cleared."""


class Below(msgspec.Struct, frozen=True):
    """A window in which a hashtag has fewer tweets than are kept: it does not stand anywhere there."""

    country: str
    window_ms: int
    tick_ms: int
    floor: int
    """`evidence_floor`"""


class Volume(msgspec.Struct, frozen=True):
    """The shortest window at a settled tick."""

    tick_ms: int
    tweets: int
    authors: int
    share: float | None
    """Harmful, of any category; None: nothing was scored."""


def row_of(record: EvidenceRecord, hashtag: str, country: str) -> int | None:
    """Where a record has a hashtag in a country."""
    pairs = zip(record.hashtags, record.countries, strict=True)
    return next((row for row, pair in enumerate(pairs) if pair == (hashtag, country)), None)


def volumes(records: Iterable[EvidenceRecord], hashtag: str, country: str) -> list[Volume]:
    """The shortest window over time, by tick; a tick at which the tag was below the evidence floor is not there."""
    found: dict[int, Volume] = {}
    for record in records:
        row = row_of(record, hashtag, country) if record.window_ms == record.conditions.windows_ms[0] else None
        if row is not None:
            table = table_of([record], Tags()).take(np.array([row]))
            share = float(table.estimates()[0, 0])
            found[record.tick_ms] = Volume(
                record.tick_ms, int(table.tweets[0]), int(table.authors[0]), None if np.isnan(share) else share
            )
    return [found[tick_ms] for tick_ms in sorted(found)]


def standings(
    records: Mapping[int, EvidenceRecord], hashtag: str, country: str, policy: Policy, places: Places
) -> list[Standing]:
    """Where a tag stands in a country under every rule, by the window that says most.

    Args:
        records: that have the tag, of the last tick of each window: an earlier one is not where it stands.
    """
    found = []
    for category in policy.category_names:
        for surface in policy.surfaces:
            rule = policy.rule(category, surface, country)
            seen = [
                one
                for window_ms, record in sorted(records.items())
                if window_ms in rule.windows_ms and category in record.conditions.categories
                for one in _standing(record, hashtag, country, policy, rule, category, surface, places)
            ]
            if seen:
                order = {word: level for level, word in _WORDS.items()}
                found.append(max(seen, key=lambda one: order[one.level]))
    return found


def _standing(
    record: EvidenceRecord, hashtag: str, country: str, policy: Policy, rule: Rule, category: str, surface: str,
    places: Places,
) -> Iterator[Standing]:  # fmt: skip
    row = row_of(record, hashtag, country)
    if row is None:
        return
    table = table_of([record], Tags()).take(np.array([row]))
    terms = np.array([policy.matches_curated_term(hashtag)])
    column = 1 + record.conditions.categories.index(category)
    judged = levels(table, rule, column, terms, rule.confidence)
    tweets, authors, lower = int(table.tweets[0]), int(table.authors[0]), float(judged.lower[0])

    def signal(name: str, value: float, threshold: float, place: Place | None) -> Signal:
        unknown = bool(np.isnan(value))
        return Signal(
            signal=name,
            value=None if unknown else round(value, 6),
            threshold=float(threshold),
            passed=not unknown and value >= threshold,
            line=place.line if place else None,
            source=place.source if place else "",
        )

    scope = category, surface, country
    yield Standing(
        category=category,
        surface=surface,
        country=country,
        tick_ms=record.tick_ms,
        window_ms=record.window_ms,
        level=_WORDS[int(judged.level[0])],
        tweets=tweets,
        authors=authors,
        scored=int(table.scored[0]),
        lower=round(lower, 6),
        upper=round(float(judged.upper[0]), 6),
        clear_at=rule.clear_at,
        signals=(
            signal("min_tweets", tweets, rule.min_tweets, places.of("min_tweets", *scope)),
            signal("min_authors", authors, rule.min_authors, places.of("min_authors", *scope)),
            signal("harmful_share_lower", lower, rule.suppress_at, places.of("suppress_at", *scope)),
            *(
                signal(name, float(values[0]), threshold, places.of_signal(name, *scope))
                for name, values, threshold in judged.signals
            ),
        ),
        need=rule.corroboration.need,
        looked=0 if table.correction is None else int(table.correction.looked[0]),
        stage_2="" if table.correction is None else table.correction.revisions[0],
        predecessor=table.successors.of[0] if table.successors else "",
        dwell_ms=rule.dwell_ms,
        holding=record.holding,
    )


def fault_of(records: Iterable[EvidenceRecord], policy: Policy) -> Reason | None:
    """The dead-man's rule: why the scorer was not to be believed at a tick; None: it was, or nobody asked.

    Args:
        records: of the shortest window, all of the tick.
    """
    some = [one for one in records if one.rows]
    return scorer_fault(policy.valves, table_of(some, Tags())) if some else None


def would_clear(
    action: str,
    rule: Rule | None,
    now: Standing | None,
    max_automated_ms: int,
    *,
    state: Ruling | None = None,
    protected: bool = False,
    fault: Reason | None = None,
    at_ms: int = 0,
) -> list[str]:
    """What would end an automated flag, each in a sentence that goes on from "it ends when". See `decide`.

    Args:
        rule: that holds now, whatever held when it began; None: the policy has no such scope any more.
        state: the ruling behind it, which knows the times; None: they are not told.
        protected: it is in `never_suppress`.
        fault: why the scorer is not believed.
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
        cleared += ", not while the scorer is not believed"
    if action == "hold":
        return [cleared, "a person decides, or the hold runs out; it is not renewed"]
    hours = f"{max_automated_ms / 3_600_000:g} hours"
    if state is not None and state.expires_at_ms >= state.since_ms + max_automated_ms:
        return [cleared, f"it runs out: nothing is renewed beyond {hours} without a person"]
    ends = [cleared]
    if fault is not None:
        ends.append("it runs out before the scorer is believed again")
    elif low:
        renewed_ms = 0 if state is None else state.expires_at_ms - rule.expiry_ms // 2
        since = f" from {moment(renewed_ms)} on" if renewed_ms > at_ms else ""
        ends.append(f"it stays below {rule.min_tweets} tweets or {rule.min_authors} authors{since} until it runs out")
    limit = "" if state is None else f", at {moment(state.since_ms + max_automated_ms)}"
    return [*ends, f"{hours} have gone by without a person{limit}"]


def would_hide(
    now: Standing, *, state: Ruling | None = None, protected: bool = False, fault: Reason | None = None
) -> list[str]:
    """What is missing until a rule acts on a tag, in sentences; nothing where it is over and nothing bars it.

    Args:
        state: the last settled ruling, if it still says anything.
        protected: it is in `never_suppress`.
        fault: why the scorer is not believed.
    """
    floors, share, others = now.signals[:2], now.signals[2], now.signals[3:]
    missing = [
        f"{one.threshold:g} {one.signal.removeprefix('min_')} in {in_words(now.window_ms)}, it has {one.value:g}"
        for one in floors
        if not one.passed and one.value is not None
    ]
    if not share.passed:
        missing.append(f"a lower bound of the harmful share of {share.threshold:g}, it is {now.lower:.2f}")
    passed = sum(one.passed for one in others)
    if passed < now.need:
        names = ", ".join(f"{one.signal} {one.threshold:g}" for one in others if not one.passed)
        missing.append(f"{now.need - passed} more of what corroborates ({names})")
    return [*missing, *_bars(now, state, protected, fault)]


def _bars(now: Standing, state: Ruling | None, protected: bool, fault: Reason | None) -> Iterator[str]:
    if protected:
        yield "its protection would have to end: it is in never_suppress"
    if fault is not None:
        yield f"a scorer that is believed: {fault.signal} is {fault.value:g}, the limit {fault.threshold:g}"
    if state is None or state.action != "clear":
        return
    if state.lapsed:
        yield (
            f"an upper bound of the harmful share below {now.clear_at:g} once, it is {now.upper:.2f}: the ruling "
            f"before ran out at {moment(state.since_ms)} with no word of a person"
        )
    elif now.tick_ms < state.since_ms + now.dwell_ms:
        yield f"rest until {moment(state.since_ms + now.dwell_ms)}: it was cleared at {moment(state.since_ms)}"


def moment(at_ms: int) -> str:
    """A moment in words."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
