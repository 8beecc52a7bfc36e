"""Entries of the public log that a report counts: how many of each type, at which checkpoint. Pure.

Anyone recounts them from the openings of type and day of every entry. The numbers of orders and of people's decisions
are these counts: a record without effect counts too, such as the second of two decisions at the same moment. The
report could otherwise leave out any entry and claim that it had none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from moderation.outward.report.facts import ReportFacts
from moderation.publiclog.leaf_fields import day_of
from streams.constants import DAY_MS
from streams.errors import EXIT_NO, HushtagError

COUNTED_TYPES = ("override/", "order/received/")
"""Beginnings of the types from which numbers of the report follow."""


class RecountDiffers(HushtagError):
    """The log has fewer entries than the report counts: one of them was changed."""

    exit_code = EXIT_NO


@dataclass(frozen=True, slots=True)
class CountedEntries:
    """Entries of a period below a checkpoint, by type."""

    checkpoint: str
    """Signed checkpoint with its cosignatures, as it is published."""
    size: int
    """Entries that it covers."""
    by_type: Mapping[str, int]
    """Number of entries of each type in the period; empty where the period is not of whole days."""
    first_day: str | None
    last_day: str | None
    """First and last UTC day of the period; None where it is not of whole days."""

    def published(self) -> Mapping[str, object]:
        """Convert to plain JSON."""
        return {
            "checkpoint": self.checkpoint,
            "size": self.size,
            "first_day": self.first_day,
            "last_day": self.last_day,
            "entries": None if self.first_day is None else dict(sorted(self.by_type.items())),
        }

    def counted(self, facts: ReportFacts) -> ReportFacts:
        """Return the facts with the numbers of orders and of people's decisions that the log has.

        Raises:
            RecountDiffers: a number of the report is greater than that of the entries.
        """
        if self.first_day is None:
            return facts
        people, orders = Counter(facts.by_people), Counter(facts.orders_by_country)
        for type_, more in self._without_effect(facts).items():
            kind, verb, country = type_.split("/")
            if kind == "order":
                orders[country] += more
            else:
                people[verb] += more
        return replace(facts, by_people=dict(people), orders=orders.total(), orders_by_country=dict(orders))

    def _without_effect(self, facts: ReportFacts) -> dict[str, int]:
        for type_, count in facts.with_effect.items():
            logged = self.by_type.get(type_, 0)
            if count > logged:
                raise RecountDiffers(
                    f"{type_}: the report counts {count}, and the log has {logged} in its {self.size:,} entries up to "
                    "the checkpoint",
                    fix="run hushtag audit verify --sources; until then publish no report",
                )
        effective = facts.with_effect
        counted = {type_: count for type_, count in self.by_type.items() if type_.startswith(COUNTED_TYPES)}
        rest = {type_: count - effective.get(type_, 0) for type_, count in sorted(counted.items())}
        return {type_: count for type_, count in rest.items() if count > 0}


@dataclass(slots=True)
class EntryCounter:
    """Count of the entries of a report's period, by type.

    Args:
        from_ms, to_ms: the period [from_ms, to_ms).
        country: count only types of this country; None: all types.
    """

    from_ms: int
    to_ms: int
    country: str | None = None
    _counts: Counter[str] = field(default_factory=Counter)

    def add(self, type_: str, period: str | None) -> None:
        """Count an entry by its opened type and day."""
        first, last = self._days()
        if first is None or last is None or period is None or not first <= period <= last:
            return
        if self.country is None or type_.endswith(f"/{self.country}"):
            self._counts[type_] += 1

    def at(self, checkpoint: str, size: int) -> CountedEntries:
        """Return the counts of the entries below a checkpoint, all of which were added."""
        return CountedEntries(checkpoint, size, dict(self._counts), *self._days())

    def _days(self) -> tuple[str | None, str | None]:
        if self.from_ms % DAY_MS or self.to_ms % DAY_MS or self.from_ms >= self.to_ms:
            return None, None
        return day_of(self.from_ms), day_of(self.to_ms - 1)
