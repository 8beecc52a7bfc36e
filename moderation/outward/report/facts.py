"""Count the report's facts exactly from the records; `publish` decides which numbers may be published. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median

from moderation.domain.orders.public_outcomes import published_outcomes
from moderation.outward.report.automated_decisions import CoverageGap
from moderation.outward.report.episodes import Episode, episodes
from moderation.outward.report.hashtags_held_back import HeldBack, held_back
from moderation.outward.report.named_targets import named_targets
from moderation.outward.report.order_facts import OrderFacts, order_facts, order_state
from streams.actions import WEIGHING
from streams.flags.overrides import OverrideHistory
from streams.log.decisions import Decision
from streams.log.moderation import Override, TagRecord, Undo
from streams.orders.order import Order
from streams.orders.records import OrderStep
from streams.orders.states import PENDING_STATES


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """Facts about decisions within [from_ms, to_ms), and about the orders received then, as of one moment.

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
    as_of_ms: int
    """Moment of every state: of orders, and of the accounts, hashtags and tweets that they name."""
    targets: dict[str, int]
    """Number of distinct targets by kind."""
    requested: dict[str, int]
    """Number of targets by kind, where a target of two orders counts twice."""
    states: dict[str, dict[str, int]]
    """Number of distinct targets by kind and `ResolvedOutcome`."""
    by_order: tuple[OrderFacts, ...]
    """Request and result of each order."""
    declined: dict[str, dict[str, int]]
    """Number of distinct declined targets by kind and ground; a ground for another outcome counts as `other`."""
    protected: dict[str, int]
    """Number of accounts declined as protected speech, by the registry's category."""
    protected_acted: int
    """Number of protected speakers' accounts acted against, by two people each."""
    protected_later: int
    """Number of accounts that one person acted against before they entered the registry."""
    protected_released: int
    """Number of registered accounts that an order restricted until an appeal or a new ruling declined them."""
    time_to_act_ms: int | None
    """Median time from receipt to the first interim or final decision, or refusal of the whole order."""
    on_time: int
    """Number of orders acted on before their deadline."""
    acted: int
    held_back: HeldBack
    """Distinct hashtags held back within the period by the pipeline, people and orders."""
    suppressed: dict[str, int]
    """Number of suppressions that began in the period, by category; a hashtag in two countries counts twice."""
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
    with_effect: dict[str, int] = field(default_factory=dict)
    """Number of public orders and of decisions by people, by the type of their entry in the public log."""
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
        now_ms: the moment of all states; no record of `people` may be later.
        gaps: periods for which decisions may be missing.
    """
    fold, decisions = people.fold, list(decisions)
    orders = [
        order
        for order in fold.orders.by_id.values()
        if from_ms <= order.received.received_ms < to_ms and country in (None, order.received.country)
    ]
    outcomes = [(order, published_outcomes(order, now_ms)) for order in orders]
    named = named_targets(outcomes, fold, now_ms)
    declined = [target for target in named if target.outcome(country) == "declined"]
    accounts = [target for target in named if target.kind == "account"]
    by_two = [target for target in accounts if any(len(ruling.actors) > 1 for ruling in target.restrictions())]
    by_one = [target for target in accounts if any(len(ruling.actors) == 1 for ruling in target.restrictions())]
    spoken = [target for target in declined if target.category is not None and target.ground() == "protected_speech"]
    released = [target for target in named if any(got == "released" for _, _, got in target.rows)]
    acted = [(order, at_ms) for order in orders if (at_ms := first_act_ms(order)) is not None]
    relevant = [
        decision for decision in decisions if country in (None, decision.country) and decision.decided_at_ms < to_ms
    ]
    hidden = episodes(relevant, from_ms, to_ms)
    contested = episodes(relevant, from_ms, to_ms, WEIGHING)
    records = [
        record
        for offset, record in people.history
        if offset not in fold.stale and from_ms <= record.at_ms < to_ms and country in (None, record.country)
    ]
    return ReportFacts(
        from_ms=from_ms,
        to_ms=to_ms,
        country=country,
        orders=len(orders),
        orders_by_country=dict(Counter(order.received.country for order in orders)),
        orders_by_state=dict(Counter(order_state(order, now_ms) for order in orders)),
        confidential=sum(order.received.confidential for order in orders),
        as_of_ms=now_ms,
        targets=dict(Counter(target.kind for target in named)),
        requested=dict(Counter(row.target.kind for order in orders for row in order.rows)),
        states=_by_kind((target.kind, target.outcome(country)) for target in named),
        by_order=order_facts(outcomes, now_ms),
        declined=_by_kind((target.kind, target.ground()) for target in declined),
        protected=dict(Counter(target.category for target in spoken if target.category is not None)),
        protected_acted=len(by_two),
        protected_later=sum(target.category is not None for target in by_one),
        protected_released=sum(target.category is not None for target in released),
        time_to_act_ms=_median([at_ms - order.received.received_ms for order, at_ms in acted]),
        on_time=sum(at_ms <= order.received.deadline_ms for order, at_ms in acted),
        acted=len(acted),
        held_back=held_back(fold, decisions, from_ms, min(to_ms, now_ms + 1), country),
        suppressed=dict(Counter(episode.category for episode in hidden)),
        suppressed_for_ms=_median_by_category(hidden),
        discounted=dict(Counter(episode.category for episode in contested)),
        discounted_for_ms=_median_by_category(contested),
        overruled=_overruled(hidden, records),
        by_people=dict(Counter(map(_verb, records))),
        with_effect=_by_type(orders, records),
        gaps=tuple(gaps),
        durations_ms=tuple(episode.lasted_ms for episode in hidden),
    )


def first_act_ms(order: Order) -> int | None:
    """Return the time of the first decision on an order; None if there is none."""
    steps = (record for _, record in order.history if isinstance(record, OrderStep))
    return next((step.at_ms for step in steps if step.to not in PENDING_STATES and step.to != "revoked"), None)


def _overruled(hidden: Sequence[Episode], records: Sequence[TagRecord]) -> int:
    allowed = [record for record in records if isinstance(record, Override) and record.action == "allow"]
    return sum(
        any(
            record.hashtag == episode.hashtag
            and record.country in (episode.country, "*")
            and episode.from_ms <= record.at_ms <= episode.to_ms
            for record in allowed
        )
        for episode in hidden
    )


def _by_type(orders: Iterable[Order], records: Iterable[TagRecord]) -> dict[str, int]:
    """Count records with effect by the types of `moderation.publiclog.leaf_fields`."""
    counts = Counter(f"override/{_verb(record)}/{record.country}" for record in records)
    counts.update(f"order/received/{order.received.country}" for order in orders if not order.received.confidential)
    return dict(counts)


def _by_kind(pairs: Iterable[tuple[str, str]]) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[str]] = {}
    for kind, name in pairs:
        counts.setdefault(kind, Counter())[name] += 1
    return {kind: dict(names) for kind, names in counts.items()}


def _verb(record: TagRecord) -> str:
    if isinstance(record, Undo):
        return "undo"
    return "pause" if record.hashtag == "*" else record.action


def _median_by_category(episodes: Sequence[Episode]) -> dict[str, int]:
    return {
        category: _median([episode.lasted_ms for episode in episodes if episode.category == category]) or 0
        for category in {episode.category for episode in episodes}
    }


def _median(values: Sequence[int]) -> int | None:
    return round(median(values)) if values else None
