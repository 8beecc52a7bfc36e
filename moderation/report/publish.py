"""What of the facts may be published: counts, the small ones hidden (`rounding`), and nobody named. Pure.

Counts that are parts of others are hidden from the top down: targets, outcomes of each kind, grounds of what was
declined, categories of protected speakers. What is below tells no more of what is above than that says itself.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from moderation.report.facts import Facts
from moderation.report.quality import Quality
from moderation.report.rounding import THRESHOLD, Count, one, rounded, split


@dataclass(frozen=True, slots=True)
class Published:
    """A report as it may be given to anyone: plain JSON in `facts`, the same names as `Facts` has."""

    facts: dict[str, Any]
    threshold: int = THRESHOLD


def publish(facts: Facts, quality: Quality | None = None) -> Published:
    """Round what is small. Reasons, names, references and accounts are not in the facts to begin with.

    Args:
        quality: second looks and appeals; None: nothing is said of them.
    """
    targets = {kind: one(count) for kind, count in facts.targets.items()}
    kinds = {kind: split(targets[kind], counts) for kind, counts in facts.outcomes.items()}
    declined = {kind: split(kinds[kind]["declined"], grounds) for kind, grounds in facts.declined.items()}
    spoken = facts.declined.get("account", {}).get("protected_speech", 0)
    speakers: dict[str, Count] = {}
    if facts.protected:
        unlisted = spoken - sum(facts.protected.values())
        speakers = split(declined["account"]["protected_speech"], facts.protected, rest=unlisted)
    suppressions = len(facts.durations_ms)
    return Published(
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
            "protected_speakers_acted_against": one(facts.protected_acted),
            "protected_speakers_registered_afterwards": one(facts.protected_later),
            "reversed": one(facts.reversed),
            "hashtags_suppressed_by_category": rounded(facts.suppressed),
            "median_suppression_ms_by_category": {
                category: ms for category, ms in sorted(facts.suppressed_for_ms.items())
                if facts.suppressed[category] >= THRESHOLD
            },
            "suppressions_by_duration": rounded(Counter(map(_how_long, facts.durations_ms))),
            "suppressions_overruled_by_people": one(facts.overruled),
            "suppressions_overruled_share": (
                round(facts.overruled / suppressions, 3)
                if suppressions >= THRESHOLD and isinstance(one(facts.overruled), int) else None
            ),
            "decisions_by_people": rounded(facts.by_people),
            "automated_decisions_lacking": [{"from_ms": one.from_ms, "to_ms": one.to_ms} for one in facts.lacking],
            "quality": quality.published() if quality else None,
            "counts_below_are_rounded": THRESHOLD,
        }
    )  # fmt: skip


def _how_long(lasted_ms: int) -> str:
    hours = lasted_ms / 3_600_000
    return "hour" if hours < 1 else "six_hours" if hours < 6 else "day" if hours < 24 else "longer"
