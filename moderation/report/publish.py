"""Reduce the facts to a publishable report: counts only, with small ones hidden (`rounding`). Pure.

Counts that are parts of others are hidden from the top down: targets, outcomes of each kind, grounds of declined
targets, categories of protected speakers. A lower level never reveals more of a count than the level above it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moderation.report.facts import ReportFacts
from moderation.report.quality import ReviewQuality
from moderation.report.rounding import THRESHOLD, Count, round_count, round_group, round_parts


@dataclass(frozen=True, slots=True)
class PublishedReport:
    """A report without personal data or small counts; `facts` is plain JSON."""

    facts: dict[str, Any]
    threshold: int = THRESHOLD


def publish(facts: ReportFacts, quality: ReviewQuality | None = None) -> PublishedReport:
    """Round small counts; the facts hold no reasons, names, references or accounts.

    Args:
        facts: exact counts of the period.
        quality: results of second looks and appeals; None leaves them out.
    """
    targets = {kind: round_count(count) for kind, count in facts.targets.items()}
    kinds = {kind: round_parts(targets[kind], counts) for kind, counts in facts.outcomes.items()}
    declined = {kind: round_parts(kinds[kind]["declined"], grounds) for kind, grounds in facts.declined.items()}
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
            "country": facts.country or "*",
            "orders": facts.orders,
            "orders_by_country": dict(sorted(facts.orders_by_country.items())),
            "orders_by_state": facts.orders_by_state,
            "confidential_orders": facts.confidential,
            "median_time_to_act_ms": facts.time_to_act_ms,
            "orders_acted_on": facts.acted,
            "orders_acted_on_before_the_deadline": facts.on_time,
            "targets": targets,
            "outcomes": kinds,
            "declined_by_ground": declined,
            "protected_speakers_declined": speakers,
            "protected_speakers_acted_against": round_count(facts.protected_acted),
            "protected_speakers_registered_afterwards": round_count(facts.protected_later),
            "reversed": round_count(facts.reversed),
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
            "decisions_by_people": round_group(facts.by_people),
            "automated_decisions_lacking": [{"from_ms": gap.from_ms, "to_ms": gap.to_ms} for gap in facts.gaps],
            "quality": quality.published() if quality else None,
            "counts_below_are_rounded": THRESHOLD,
        }
    )  # fmt: skip


def _of_many(median_ms: Mapping[str, int], counts: Mapping[str, int]) -> dict[str, int]:
    """Return the medians of categories whose counts are not rounded."""
    return {category: ms for category, ms in sorted(median_ms.items()) if counts[category] >= THRESHOLD}


def _duration_class(lasted_ms: int) -> str:
    hours = lasted_ms / 3_600_000
    return "hour" if hours < 1 else "six_hours" if hours < 6 else "day" if hours < 24 else "longer"
