"""Authors: the number of distinct authors in the window."""

from __future__ import annotations

from streams.signals.base import COUNT, Bools, Numbers, Signal
from streams.signals.views import MeasuredTable


class Authors(Signal):
    """The estimate in every evidence table, so it needs no separate column."""

    name = "authors"
    order = 40
    kind = COUNT
    description = "Distinct authors in the window."
    label = "Distinct authors"
    statement = "the number of people who use it"
    recorded = False

    def values(self, table: MeasuredTable, listed: Bools) -> Numbers:
        """Return the number of distinct authors of each tag."""
        return table.authors


SIGNAL = Authors()
