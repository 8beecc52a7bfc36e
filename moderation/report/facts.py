"""Count the report's facts exactly from the records; `publish` decides which numbers may be published. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median

from moderation.orders.public_outcomes import HELD_BACK, published_outcomes
from moderation.report.automated import CoverageGap
from moderation.report.episodes import Episode, episodes
from streams.flags.overrides import OverrideHistory
from streams.log.decisions import Decision
from streams.log.moderation import Override, TagRecord, Undo
from streams.orders.cases import Case
from streams.orders.records import OrderRuling, OrderStep, numbers_of
from streams.orders.states import GROUNDS_OF, PENDING_STATES, RESTRICTING


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """Facts about orders received in [from_ms, to_ms) with their present state, and about decisions in that period.

    Durations are in ms; None where there is no value.
    """

    from_ms: int
    to_ms: int
    country: str | None
    orders: int
    orders_by_country: dict[str, int]
    orders_by_state: dict[str, int]
    confidential: int
    """Number of orders that may not be published one by one; the counts include them."""
    targets: dict[str, int]
    """Number of targets by kind."""
    outcomes: dict[str, dict[str, int]]
    """Number of targets by kind and `PublicOutcome`."""
    declined: dict[str, dict[str, int]]
    """Number of declined targets by kind and ground; a ground for another outcome counts as `other`."""
    protected: dict[str, int]
    """Number of accounts declined as protected speech, by the registry's category."""
    protected_acted: int
    """Number of protected speakers' accounts acted against, by two people each."""
    protected_later: int
    """Number of accounts that one person acted against before they entered the registry."""
    time_to_act_ms: int | None
    """Median time from receipt to the first interim or final decision, or refusal of the whole order."""
    on_time: int
    """Number of orders acted on before their deadline."""
    acted: int
    suppressed: dict[str, int]
    """Number of hashtags hidden by the pipeline, by category; a hashtag in two countries counts twice."""
    suppressed_for_ms: dict[str, int]
    """Median duration of suppressions, by category."""
    discounted: dict[str, int]
    """Number of contested hashtags that the pipeline ranked by their established accounts, by category."""
    discounted_for_ms: dict[str, int]
    """Median duration of that, by category."""
    overruled: int
    """Number of suppressed hashtags that a person allowed while they were hidden."""
    by_people: dict[str, int]
    """Number of people's decisions on hashtags, by verb: block, allow, hold, pause, undo."""
    reversed: int
    """Number of targets whose restriction a later ruling took back."""
    gaps: tuple[CoverageGap, ...] = ()
    """Periods for which neither the topic nor the audit log holds all automated decisions."""
    durations_ms: tuple[int, ...] = field(default=(), repr=False)
    """Durations of all suppressions, for the plot."""


def count_facts(
    people: OverrideHistory,
    decisions: Iterable[Decision],
    from_ms: int,
    to_ms: int,
    country: str | None = None,
    *,
    now_ms: int,
    gaps: Iterable[CoverageGap] = (),
) -> ReportFacts:
    """Count the facts of a period.

    Args:
        people: the fold of the moderation topic.
        decisions: all automated decisions; see `AutomatedDecisions`.
        from_ms: start of the period, inclusive.
        to_ms: end of the period, exclusive.
        country: count only orders of this country and decisions for it.
        now_ms: the moment at which orders count as in force or not.
        gaps: periods for which decisions may be missing.
    """
    registry = people.fold.orders
    cases = [
        case
        for case in registry.cases.values()
        if from_ms <= case.order.received_ms < to_ms and country in (None, case.order.country)
    ]
    targets = [
        (case, row, outcome)
        for case in cases
        for row, outcome in zip(case.rows, published_outcomes(case, now_ms), strict=True)
    ]
    acted = [(case, at_ms) for case in cases if (at_ms := first_act_ms(case)) is not None]
    relevant = [one for one in decisions if country in (None, one.country) and one.decided_at_ms < to_ms]
    hidden = episodes(relevant, from_ms, to_ms)
    contested = episodes(relevant, from_ms, to_ms, ("discount",))
    records = [
        record
        for offset, record in people.history
        if offset not in people.fold.stale and from_ms <= record.at_ms < to_ms and country in (None, record.country)
    ]
    protected: Counter[str] = Counter()
    protected_acted = protected_later = 0
    outcomes: dict[str, Counter[str]] = {}
    declined: dict[str, Counter[str]] = {}
    for case, row, outcome in targets:
        kind, ruling = row.target.kind, case.outcome(row)
        outcomes.setdefault(kind, Counter())[outcome] += 1
        if ruling is None:
            continue
        speaker = registry.protected(row.target)
        if outcome == "declined":
            ground = ruling.ground if ruling.ground in GROUNDS_OF["declined"] else "other"
            declined.setdefault(kind, Counter())[ground] += 1
            if speaker is not None and kind == "account" and ground == "protected_speech":
                protected[speaker.category] += 1
        elif kind == "account" and outcome in HELD_BACK:
            by_two = len(ruling.actors) > 1
            protected_acted += by_two
            protected_later += speaker is not None and not by_two
    return ReportFacts(
        from_ms=from_ms,
        to_ms=to_ms,
        country=country,
        orders=len(cases),
        orders_by_country=dict(Counter(case.order.country for case in cases)),
        orders_by_state=dict(Counter(case.state for case in cases)),
        confidential=sum(case.order.confidential for case in cases),
        targets=dict(Counter(row.target.kind for _, row, _ in targets)),
        outcomes={kind: dict(counts) for kind, counts in outcomes.items()},
        declined={kind: dict(counts) for kind, counts in declined.items()},
        protected=dict(protected),
        protected_acted=protected_acted,
        protected_later=protected_later,
        time_to_act_ms=_median([at_ms - case.order.received_ms for case, at_ms in acted]),
        on_time=sum(at_ms <= case.order.deadline_ms for case, at_ms in acted),
        acted=len(acted),
        suppressed=dict(Counter(one.category for one in hidden)),
        suppressed_for_ms=_median_by_category(hidden),
        discounted=dict(Counter(one.category for one in contested)),
        discounted_for_ms=_median_by_category(contested),
        overruled=_overruled(hidden, records),
        by_people=dict(Counter(map(_verb, records))),
        reversed=sum(_reversed(case) for case in cases),
        gaps=tuple(gaps),
        durations_ms=tuple(one.lasted_ms for one in hidden),
    )


def first_act_ms(case: Case) -> int | None:
    """Return the time of the first decision on an order; None if there is none."""
    steps = (record for _, record in case.history if isinstance(record, OrderStep))
    return next((step.at_ms for step in steps if step.to not in PENDING_STATES and step.to != "revoked"), None)


def _overruled(hidden: Sequence[Episode], records: Sequence[TagRecord]) -> int:
    allowed = [record for record in records if isinstance(record, Override) and record.action == "allow"]
    return sum(
        any(
            record.hashtag == one.hashtag
            and record.country in (one.country, "*")
            and one.from_ms <= record.at_ms <= one.to_ms
            for record in allowed
        )
        for one in hidden
    )


def _reversed(case: Case) -> int:
    """Count the targets whose last ruling took back an earlier restriction after it was in force."""
    acted_on: set[int] = set()
    back: set[int] = set()
    in_force = False
    for _, record in case.history:
        if isinstance(record, OrderStep):
            in_force = in_force or record.to in ("interim", "final")
        if not isinstance(record, OrderRuling):
            continue
        named = set(numbers_of(record.targets))
        if record.outcome in RESTRICTING:
            acted_on |= named
            back -= named
        elif in_force:
            back |= named & acted_on
    return len(back)


def _verb(record: TagRecord) -> str:
    if isinstance(record, Undo):
        return "undo"
    return "pause" if record.hashtag == "*" else record.action


def _median_by_category(found: Sequence[Episode]) -> dict[str, int]:
    return {
        category: _median([one.lasted_ms for one in found if one.category == category]) or 0
        for category in {one.category for one in found}
    }


def _median(values: Sequence[int]) -> int | None:
    return round(median(values)) if values else None
