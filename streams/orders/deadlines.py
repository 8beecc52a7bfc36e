"""The clock of legal orders: how long until the nearest deadline. Pure; for the metric, the list and the alert."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from streams.orders.fold import Case


@dataclass(frozen=True, slots=True)
class Clock:
    """The open orders of one country."""

    country: str
    nearest_seconds: float
    """To the nearest deadline, or end of an interim decision; negative once it has passed."""
    open_orders: int


def open_cases(cases: Iterable[Case]) -> list[Case]:
    """Orders on which a clock runs, the nearest deadline first."""
    return sorted((case for case in cases if case.due_ms is not None), key=lambda case: (case.due_ms or 0, case.id))


def clocks(cases: Iterable[Case], now_ms: int) -> list[Clock]:
    """The clock of each country that has an open order, by country."""
    running = open_cases(cases)
    many = Counter(case.order.country for case in running)
    nearest: dict[str, int] = {}
    for case in running:
        nearest.setdefault(case.order.country, case.due_ms or 0)
    return [Clock(country, (nearest[country] - now_ms) / 1000, many[country]) for country in sorted(many)]
