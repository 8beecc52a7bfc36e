"""Reduce the facts to a publishable report: counts only, with small ones hidden (`rounding`). Pure.

Counts that are parts of others are hidden from the top down: targets, states of each kind, grounds of declined
targets, categories of protected speakers. A lower level never reveals more of a count than the level above it.

Numbers of orders and of decisions by people are exact: they are acts, and anyone recounts them from the public log.

What each order got is published for a kind of target only where no count of that kind is small, and no difference
between the orders and the states: a difference of 2 would reveal that two accounts are named twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moderation.domain.cases.quality import ReviewQuality
from moderation.domain.rounding import THRESHOLD, Count, round_count, round_group, round_parts
from moderation.outward.report.facts import ReportFacts
from moderation.outward.report.hashtags_held_back import HeldBack
from moderation.outward.report.log_entries import CountedEntries
from moderation.outward.report.order_facts import OrderFacts
from moderation.outward.report.texts_read import TextsRead


@dataclass(frozen=True, slots=True)
class PublishedReport:
    """A report without personal data or small counts; `facts` is plain JSON."""

    facts: dict[str, Any]
    threshold: int = THRESHOLD


def publish(
    facts: ReportFacts,
    quality: ReviewQuality | None = None,
    texts: TextsRead | None = None,
    log: CountedEntries | None = None,
) -> PublishedReport:
    """Round small counts; the facts hold no reasons, names, references or accounts.

    Args:
        facts: exact counts of the period.
        quality: results of second looks and appeals; None leaves them out.
        texts: sampled texts by language; None leaves them out.
        log: entries of the public log at the report's checkpoint; None: it was not read.

    Raises:
        RecountDiffers: the public log has fewer entries than the facts count.
    """
    facts = log.counted(facts) if log else facts
    targets = {kind: round_count(count) for kind, count in facts.targets.items()}
    states = {kind: round_parts(targets[kind], counts) for kind, counts in facts.states.items()}
    declined = {kind: round_parts(states[kind]["declined"], grounds) for kind, grounds in facts.declined.items()}
    by_order = [kind for kind in facts.targets if _publishable_by_order(facts, kind)]
    spoken = facts.declined.get("account", {}).get("protected_speech", 0)
    speakers: dict[str, Count] = {}
    if facts.protected:
        unlisted = spoken - sum(facts.protected.values())
        speakers = round_parts(declined["account"]["protected_speech"], facts.protected, rest=unlisted)
    suppressions = len(facts.durations_ms)
    return PublishedReport(
        {
            "from_ms": facts.from_ms,
            "to_ms": facts.to_ms,
            "as_of_ms": facts.as_of_ms,
            "country": facts.country or "*",
            "hashtags_held_back": _held_back(facts.held_back),
            "orders": facts.orders,
            "orders_by_country": dict(sorted(facts.orders_by_country.items())),
            "orders_by_state": facts.orders_by_state,
            "confidential_orders": facts.confidential,
            "median_time_to_act_ms": facts.time_to_act_ms,
            "orders_acted_on": facts.acted,
            "orders_acted_on_before_the_deadline": facts.on_time,
            "targets": targets,
            "states": states,
            "requested": {kind: facts.requested[kind] for kind in by_order},
            "by_order": [_order(order, by_order) for order in facts.by_order],
            "declined_by_ground": declined,
            "protected_speakers_declined": speakers,
            "protected_speakers_acted_against": round_count(facts.protected_acted),
            "protected_speakers_registered_afterwards": round_count(facts.protected_later),
            "protected_speakers_released": _released_speakers(facts, states),
            "hashtags_suppressed_by_category": round_group(facts.suppressed),
            "median_suppression_ms_by_category": _of_many(facts.suppressed_for_ms, facts.suppressed),
            "hashtags_discounted_by_category": round_group(facts.discounted),
            "median_discount_ms_by_category": _of_many(facts.discounted_for_ms, facts.discounted),
            "suppressions_by_duration": round_group(Counter(map(_duration_class, facts.durations_ms))),
            "suppressions_overruled_by_people": round_count(facts.overruled),
            "suppressions_overruled_share": (
                round(facts.overruled / suppressions, 3)
                if suppressions >= THRESHOLD and isinstance(round_count(facts.overruled), int) else None
            ),
            "decisions_by_people": dict(sorted(facts.by_people.items(), key=lambda pair: (-pair[1], pair[0]))),
            "automated_decisions_lacking": [{"from_ms": gap.from_ms, "to_ms": gap.to_ms} for gap in facts.gaps],
            "texts_by_language": texts.published() if texts else None,
            "quality": quality.published() if quality else None,
            "log": log.published() if log else None,
            "counts_below_are_rounded": THRESHOLD,
        }
    )  # fmt: skip


def _held_back(held: HeldBack) -> dict[str, Count | dict[str, Count]]:
    """Round the counts of hashtags held back: parts of one total, of which a hashtag may belong to several."""
    total = round_count(held.total)
    return {
        "total": total,
        "by": round_parts(total, held.by),
        "by_country": round_parts(total, held.by_country),
        "by_category": round_parts(total, held.by_category, rest=held.by.get("people_alone", 0)),
    }


def _released_speakers(facts: ReportFacts, states: Mapping[str, Mapping[str, Count]]) -> Count:
    """Round the number of released speakers as a part of the released accounts, of which it must reveal no more."""
    part, whole = facts.protected_released, facts.states.get("account", {}).get("released", 0)
    if not 0 < part <= whole:  # others are restricted again, by another order
        return round_count(part)
    return round_parts(states["account"]["released"], {"released": part}, rest=whole - part)["released"]


def _publishable_by_order(facts: ReportFacts, kind: str) -> bool:
    """Return whether the outcomes by order reveal no small count of this kind of target."""
    got: Counter[str] = Counter()
    for order in facts.by_order:
        got.update(order.outcomes.get(kind, {}))
    states: Counter[str] = Counter()
    for state, count in facts.states[kind].items():
        states[state.partition("_")[0]] += count
    counts = [count for order in facts.by_order for count in order.outcomes.get(kind, {}).values()]
    counts += facts.states[kind].values()
    counts += (abs(got[name] - states[name]) for name in {*got, *states})
    counts.append(facts.requested[kind] - facts.targets[kind])
    return not any(0 < count < THRESHOLD for count in counts)


def _order(order: OrderFacts, kinds: Sequence[str]) -> Mapping[str, object]:
    return {
        "orders": order.orders,
        "country": order.country,
        "received_ms": order.received_ms,
        "state": order.state,
        "targets": {kind: order.targets[kind] for kind in kinds if kind in order.targets},
        "outcomes": {kind: order.outcomes[kind] for kind in kinds if kind in order.outcomes},
    }


def _of_many(median_ms: Mapping[str, int], counts: Mapping[str, int]) -> dict[str, int]:
    """Return the medians of categories whose counts are not rounded."""
    return {category: ms for category, ms in sorted(median_ms.items()) if counts[category] >= THRESHOLD}


def _duration_class(lasted_ms: int) -> str:
    hours = lasted_ms / 3_600_000
    return "hour" if hours < 1 else "six_hours" if hours < 6 else "day" if hours < 24 else "longer"
