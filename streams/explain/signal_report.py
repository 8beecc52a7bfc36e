"""Reports on a hashtag under every rule, signal by signal. Pure.

A decision has only the signals that spoke for it. An explanation of a tag that is *not* hidden, or of its way back,
needs the others too: they come from the last evidence that was kept of the tag, judged by the judge's own `levels`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Literal, NamedTuple

import msgspec
import numpy as np

from streams.counting.keys import Tags
from streams.judging.author_group import AuthorGroup, ShareBounds
from streams.judging.circuit_breakers import scorer_fault
from streams.judging.evidence import EvidenceTable
from streams.judging.evidence_codec import table_of
from streams.judging.levels import (
    BETWEEN,
    CONTESTED,
    LOW,
    OVER,
    OVER_ALONE,
    OVER_WITHOUT,
    UNDER,
    UNREAD,
    RuleLevels,
    combine,
    levels,
)
from streams.languages import in_order, read_words
from streams.log.decisions import SPEAKING_SHARE, DecisionReason, unread_of
from streams.log.evidence import EvidenceRecord
from streams.policy import Policy, Rule
from streams.policy.places import PolicyLine, PolicyLines
from streams.signals.base import rounded

LevelWord = Literal[
    "over", "over without established authors", "over without corroboration", "contested", "not assessed", "between",
    "under", "too small to say",
]  # fmt: skip
_WORDS: dict[int, LevelWord] = {
    OVER: "over",
    OVER_WITHOUT: "over without established authors",
    CONTESTED: "contested",
    UNREAD: "not assessed",
    OVER_ALONE: "over without corroboration",
    BETWEEN: "between",
    UNDER: "under",
    LOW: "too small to say",
}


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


class LanguageCount(msgspec.Struct, frozen=True):
    """Sampled authors whose texts are in a language that the model does not read."""

    language: str
    authors: int


class SignalReport(msgspec.Struct, frozen=True, kw_only=True):
    """A hashtag in a country under the rule of a category on a surface, at a settled tick."""

    category: str
    surface: str
    country: str
    tick_ms: int
    window_ms: int
    shortest_window_ms: int
    """Window of the rule that decides whether a tag is contested."""
    level: LevelWord
    tweets: int
    authors: int
    scored: int
    """Sampled authors whose texts the model has read."""
    lower: float
    upper: float
    established: int
    """Number of established authors."""
    established_lower: float
    established_upper: float
    coordinated: int
    """Number of authors that are not established."""
    coordinated_lower: float
    coordinated_upper: float
    min_established: int
    """Number of established authors from which their verdict counts."""
    weight: float
    """Factor on the tweets of a contested tag in rankings: about the established part of its authors."""
    innocent_past: int
    """Established authors of a large and harmless past; 0 without one."""
    suppress_at: float
    clear_at: float
    signals: tuple[SignalValue, ...]
    """The floors, the harmful share of the authors that decide (where it is not assessed: the part of them that was
    read), then the corroborating signals."""
    need: int
    """Number of corroborating signals that the rule asks for."""
    unread: tuple[LanguageCount, ...] = ()
    """Sampled authors whose texts it does not read, by language, the commonest first."""
    established_read: float = 1.0
    """Part of the established sampled authors whose texts it reads."""
    coordinated_read: float = 1.0
    """Part of the other sampled authors whose texts it reads."""
    min_scored: float = 0.0
    """Part of the sampled authors from which an automated decision is taken."""
    is_calibrated: bool = True
    """Whether the harmful share is on a scale fitted to the platform's labels; else it is measured on mixed sources."""
    looked: int = 0
    """Scored authors whose texts stage 2 has read; 0: the share is stage 1's alone."""
    stage_2: str = ""
    """Revision of stage 2; "" where it had no part."""
    predecessor: str = ""
    """Hidden tag that the authors come from, where `successor` is above 0."""
    dwell_ms: int = 0
    clear_after_ms: int = 0
    """Time after which an action ends whose tag has not been over."""
    holding: bool = False
    """Whether a gap of the log was in the windows, so that nothing was cleared."""

    @property
    def scope(self) -> tuple[str, str, str]:
        """Scope of the rule: category, surface and country."""
        return self.category, self.surface, self.country

    @property
    def read_part(self) -> float:
        """Part of the sampled authors whose texts the model has read; 1 where none was sampled."""
        sampled = self.scored + sum(count.authors for count in self.unread)
        return self.scored / sampled if sampled else 1.0

    @property
    def is_assessed(self) -> bool:
        """Whether the model has read enough for a verdict; if not, no bound of a harmful share is known."""
        return self.level != "not assessed"


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
    """Harmful share of any category, of the authors whose texts were read; None: nothing was scored."""


def reading_of(report: SignalReport) -> str:
    """Say which part of the sampled authors' texts the model has read, and what follows; "" where it has read all."""
    unread = {count.language: count.authors for count in report.unread}
    if not unread:
        return ""
    then = "" if report.is_assessed else ": no automated decision"
    return f"read {read_words(report.scored, unread)}, min_scored {report.min_scored:.0%}{then}"


def row_of(record: EvidenceRecord, hashtag: str, country: str) -> int | None:
    """Return the row of a hashtag in a country; None where the record has none."""
    pairs = zip(record.hashtags, record.countries, strict=True)
    return next((row for row, pair in enumerate(pairs) if pair == (hashtag, country)), None)


def volumes(records: Iterable[EvidenceRecord], hashtag: str, country: str) -> list[WindowVolume]:
    """Return the shortest window over time, by tick; ticks at which the tag was below the evidence floor are absent."""
    by_tick: dict[int, WindowVolume] = {}
    for record in records:
        row = row_of(record, hashtag, country) if record.window_ms == record.conditions.windows_ms[0] else None
        if row is not None:
            table = table_of([record], Tags()).take(np.array([row]))
            share = float(table.everyone.estimates()[0, 0])
            by_tick[record.tick_ms] = WindowVolume(
                record.tick_ms, int(table.tweets[0]), int(table.authors[0]), None if np.isnan(share) else share
            )
    return [by_tick[tick_ms] for tick_ms in sorted(by_tick)]


def signal_reports(
    records: Mapping[int, EvidenceRecord], hashtag: str, country: str, policy: Policy, places: PolicyLines
) -> list[SignalReport]:
    """Report on a tag in a country under every rule, by the window that decides.

    Args:
        records: records that have the tag, of the last tick of each window.
        hashtag: hashtag in its normalised form.
        country: country of the viewers, or `*`.
        policy: policy whose rules apply.
        places: lines of the policy's file.
    """
    reports = []
    for category in policy.category_names:
        for surface in policy.surfaces:
            rule = policy.rule(category, surface, country)
            seen = [
                (record, _judge(record, row, policy.matches_curated_term(hashtag), rule, category))
                for window_ms, record in sorted(records.items())
                if window_ms in rule.windows_ms
                and category in record.conditions.categories
                and (row := row_of(record, hashtag, country)) is not None
            ]
            best = combine(judged.levels.result(0) for _, judged in seen)
            shown = [(record, judged) for record, judged in seen if best.judged in (None, judged.levels)]
            scope = category, surface, country
            reports += [_report(record, judged, best.level, scope, places) for record, judged in shown[:1]]
    return reports


_UNKNOWN = ShareBounds(0.0, 0.0, 1.0)


class _JudgedRow(NamedTuple):
    levels: RuleLevels
    own: ShareBounds
    """Harmful share of the established authors, which the levels leave out below the floors."""
    others: ShareBounds


def _judge(record: EvidenceRecord, row: int, listed: bool, rule: Rule, category: str) -> _JudgedRow:
    """Judge one row of a record under one rule."""
    table = table_of([record], Tags()).take(np.array([row]))
    column = 1 + record.conditions.categories.index(category)
    groups = (table.established, table.everyone.without(table.established))
    own, others = (part.bounds(column, rule.confidence).at(0) for part in groups)
    return _JudgedRow(levels(table, rule, column, np.array([listed]), rule.confidence), own, others)


def _report(
    record: EvidenceRecord, judged_row: _JudgedRow, level: int, scope: tuple[str, str, str], places: PolicyLines
) -> SignalReport:
    judged, (category, surface, country) = judged_row.levels, scope
    table, rule, voice = judged.table, judged.rule, judged.voice(0)
    tweets, authors = int(table.tweets[0]), int(table.authors[0])
    own, correction = int(table.established.authors[0]), table.everyone.correction
    everyone, deciding = judged.everyone.at(0), _deciding(judged_row)
    if level == UNREAD:
        everyone, judged_row = _UNKNOWN, _JudgedRow(judged, _UNKNOWN, _UNKNOWN)
    return SignalReport(
        category=category,
        surface=surface,
        country=country,
        tick_ms=record.tick_ms,
        window_ms=record.window_ms,
        shortest_window_ms=rule.windows_ms[0],
        level=_WORDS[level],
        tweets=tweets,
        authors=authors,
        scored=int(table.everyone.scored[0]),
        lower=rounded(everyone.lower),
        upper=rounded(everyone.upper),
        established=own,
        established_lower=rounded(judged_row.own.lower),
        established_upper=rounded(judged_row.own.upper),
        coordinated=max(0, authors - own),
        coordinated_lower=rounded(judged_row.others.lower),
        coordinated_upper=rounded(judged_row.others.upper),
        min_established=rule.min_established,
        weight=voice.weight,
        innocent_past=voice.innocent_past,
        suppress_at=rule.suppress_at,
        clear_at=rule.clear_at,
        signals=(
            _value("min_tweets", tweets, rule.min_tweets, places.of("min_tweets", *scope)),
            _value("min_authors", authors, rule.min_authors, places.of("min_authors", *scope)),
            _value(*deciding, places.of_signal(deciding[0], *scope)),
            *(
                _value(
                    asked.signal.name,
                    float(asked.values[0]),
                    asked.threshold,
                    places.of_signal(asked.signal.name, *scope),
                )
                for asked in judged.asked
            ),
        ),
        need=rule.corroboration.need,
        unread=tuple(LanguageCount(*pair) for pair in in_order(unread_of(judged.evidence(0))).items()),
        established_read=_read_part(table.established),
        coordinated_read=_read_part(table.everyone.without(table.established)),
        min_scored=rule.min_scored,
        is_calibrated=_is_calibrated(table, judged.column),
        looked=0 if correction is None else int(correction.looked[0]),
        stage_2="" if correction is None else correction.revisions[0],
        predecessor=table.hidden_tags[0] if table.hidden_tags else "",
        dwell_ms=rule.dwell_ms,
        clear_after_ms=rule.clear_after_ms,
        holding=record.paused,
    )


def _is_calibrated(table: EvidenceTable, column: int) -> bool:
    """Return whether the scales of the languages in the only row are fitted to the platform's labels."""
    scale, groups = table.everyone.scale, table.everyone.groups
    if scale is None:
        return True
    there = np.ones(scale.n_groups, bool) if groups is None else groups[0] > 0
    return bool(scale.is_calibrated[there, column].all())


def _read_part(group: AuthorGroup) -> float:
    return rounded(float(group.read_part()[0]))


def _deciding(judged_row: _JudgedRow) -> tuple[str, float, float]:
    """Return name, value and threshold of the signal that decides: a harmful share, or the part that was read."""
    rule, level = judged_row.levels.rule, int(judged_row.levels.level[0])
    if level == UNREAD and judged_row.levels.over_but_for_silence[0]:
        return SPEAKING_SHARE, float(judged_row.levels.speaking_lower[0]), rule.suppress_at
    if level == UNREAD:
        return "scored_share", float(judged_row.levels.read_part[0]), rule.min_scored
    if level == CONTESTED:
        return "coordinated_share_lower", judged_row.others.lower, rule.suppress_at
    if judged_row.levels.enough[0]:
        return "established_share_lower", judged_row.own.lower, rule.suppress_at
    return "harmful_share_lower", float(judged_row.levels.everyone.lower[0]), rule.suppress_at


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
    some = [record for record in records if record.rows]
    return scorer_fault(policy.valves, table_of(some, Tags())) if some else None


def moment(at_ms: int) -> str:
    """Render date and second, UTC."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
