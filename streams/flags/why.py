"""Where a hashtag stands against every rule, signal by signal, and what would change that. Pure.

A decision tells the signals that spoke for it. Who asks why a tag is *not* hidden, or what would show it again, wants
the others too: this judges the last evidence that was kept of the tag with the judge's own `levels`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec
import numpy as np

from streams.counting.keys import Tags
from streams.judging.kept import table_of
from streams.judging.levels import BETWEEN, LOW, OVER, UNDER, levels
from streams.log.evidence import EvidenceRecord
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
        records: the last record that has the tag, by window.
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
    )


def would_clear(action: str, rule: Rule, now: Standing | None, max_automated_ms: int) -> list[str]:
    """What would end an automated ruling, each in a sentence that goes on from "it ends when"."""
    if action == "hold":
        return ["a person decides, or the hold runs out; it is not renewed"]
    says = f", it is {now.upper:.2f} now" if now is not None and now.level != _WORDS[LOW] else ""
    said = [f"the upper bound of its harmful share falls below {rule.clear_at:g} at a settled tick{says}"]
    if now is None or now.level == _WORDS[LOW]:
        said.append(f"it stays below {rule.min_tweets} tweets or {rule.min_authors} authors until it runs out")
    return [*said, f"{max_automated_ms / 3_600_000:g} hours have gone by without a person"]


def would_hide(now: Standing) -> list[str]:
    """What is missing until a rule acts on a tag, in sentences; nothing where it is over."""
    floors, share, others = now.signals[:2], now.signals[2], now.signals[3:]
    missing = [
        f"{one.threshold:g} {one.signal.removeprefix('min_')} in {now.window_ms // 60_000} min, it has {one.value:g}"
        for one in floors
        if not one.passed and one.value is not None
    ]
    if not share.passed:
        missing.append(f"a lower bound of the harmful share of {share.threshold:g}, it is {now.lower:.2f}")
    passed = sum(one.passed for one in others)
    if passed < now.need:
        names = ", ".join(f"{one.signal} {one.threshold:g}" for one in others if not one.passed)
        missing.append(f"{now.need - passed} more of what corroborates ({names})")
    return missing
