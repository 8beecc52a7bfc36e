"""What of the facts may be published: small counts are rounded, so that nobody is found by being the only one. Pure.

A count from 1 to one below the threshold is given as `<5`. Where a group has one such cell alone, it could be had by
taking the others from the total: the next smallest is then given as `<5` or to the nearest ten.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moderation.report.facts import Facts

THRESHOLD = 5
Count = int | str


@dataclass(frozen=True, slots=True)
class Published:
    """A report as it may be given to anyone: plain JSON in `facts`, the same names as `Facts` has."""

    facts: dict[str, Any]
    threshold: int = THRESHOLD


def publish(facts: Facts) -> Published:
    """Round what is small. Reasons, names, references and accounts are not in the facts to begin with."""
    kinds = {kind: rounded(counts) for kind, counts in facts.outcomes.items()}
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
            "targets": rounded(facts.targets),
            "outcomes": kinds,
            "declined_by_ground": rounded(facts.declined),
            "protected_speakers_declined": rounded(facts.protected),
            "reversed": one(facts.reversed),
            "hashtags_suppressed_by_category": rounded(facts.suppressed),
            "median_suppression_ms_by_category": {
                category: ms for category, ms in sorted(facts.suppressed_for_ms.items())
                if facts.suppressed[category] >= THRESHOLD
            },
            "suppressions_by_duration": rounded(Counter(map(_how_long, facts.durations_ms))),
            "suppressions_overruled_by_people": one(facts.overruled),
            "suppressions_overruled_share": (
                round(facts.overruled / len(facts.durations_ms), 3) if len(facts.durations_ms) >= THRESHOLD else None
            ),
            "decisions_by_people": rounded(facts.by_people),
            "automated_decisions_known_since_ms": facts.automated_since_ms,
            "counts_below_are_rounded": THRESHOLD,
        }
    )  # fmt: skip


def _how_long(lasted_ms: int) -> str:
    hours = lasted_ms / 3_600_000
    return "hour" if hours < 1 else "six_hours" if hours < 6 else "day" if hours < 24 else "longer"


def one(count: int) -> Count:
    """A count on its own.

    >>> one(0), one(4), one(5)
    (0, '<5', 5)
    """
    return f"<{THRESHOLD}" if 0 < count < THRESHOLD else count


def rounded(counts: Mapping[str, int]) -> dict[str, Count]:
    """The counts of a group, the greatest first; no small one can be had from the others.

    >>> rounded({"a": 700, "b": 3, "c": 2}), rounded({"a": 700, "b": 38, "c": 2}), rounded({"a": 9, "b": 0})
    ({'a': 700, 'b': '<5', 'c': '<5'}, {'a': 700, 'b': 'about 40', 'c': '<5'}, {'a': 9, 'b': 0})
    """
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    given: dict[str, Count] = {name: one(count) for name, count in ordered}
    small = [name for name, count in ordered if 0 < count < THRESHOLD]
    others = [(count, name) for name, count in ordered if count >= THRESHOLD]
    if len(small) == 1 and others:
        count, name = min(others)
        given[name] = f"about {max(10, (count + 5) // 10 * 10)}"
    return given


def number(count: Count) -> float:
    """A published count as the length of a bar.

    >>> number(7), number("<5"), number("about 40")
    (7.0, 2.5, 40.0)
    """
    if isinstance(count, str):
        return THRESHOLD / 2 if count.startswith("<") else float(count.split()[-1])
    return float(count)
