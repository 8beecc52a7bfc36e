"""Which targets of an order are meant: the filter behind bulk decisions and lists. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from moderation.orders.intake import target_of
from moderation.tables import BadCell
from streams.errors import CallerMistake
from streams.orders.fold import Case, Cases, Row
from streams.orders.records import Outcome, SpeakerCategory, TargetKind


@dataclass(frozen=True, slots=True)
class Selection:
    """All of what is set must hold; nothing set means every target."""

    kinds: tuple[TargetKind, ...] = ()
    targets: tuple[str, ...] = ()
    """As an order writes them: account ids, #tags, tweets' addresses."""
    outcomes: tuple[Outcome, ...] = ()
    undecided: bool = False
    waiting: bool = False
    """For a second person."""
    protected: bool | None = None
    categories: tuple[SpeakerCategory, ...] = ()
    first: int | None = None
    """At most so many, the first in the order of intake."""

    def rows(self, case: Case, cases: Cases) -> list[Row]:
        """The targets meant, in the order of intake.

        Raises:
            CallerMistake: a target that is named is not in the order.
        """
        named = self._named(case)
        found = [row for row in case.rows if self._fits(row, case, cases, named)]
        return found if self.first is None else found[: self.first]

    def _named(self, case: Case) -> set[tuple[str, str]] | None:
        if not self.targets:
            return None
        there = {(row.target.kind, row.target.value) for row in case.rows}
        named: set[tuple[str, str]] = set()
        for written in self.targets:
            try:
                target = target_of(written)
            except BadCell as bad:
                raise CallerMistake(f"{bad.value!r}: {bad.problem}", fix=bad.fix) from None
            key: tuple[str, str] = (target.kind, target.value)
            if key not in there and ("tweet", target.value) in there:
                key = "tweet", target.value
            if key not in there:
                raise CallerMistake(
                    f"{written[:60]!r} is not a target of {case.id}", fix=f"hushtag orders show {case.id}"
                )
            named.add(key)
        return named

    def _fits(self, row: Row, case: Case, cases: Cases, named: set[tuple[str, str]] | None) -> bool:
        outcome = case.outcome(row)
        speaker = cases.protected(row.target)
        category = speaker.category if speaker else None
        said = outcome.outcome if outcome else None
        return all(self._conditions(row, said, category, named, waits=cases.waits(row)))

    def _conditions(
        self,
        row: Row,
        outcome: Outcome | None,
        category: SpeakerCategory | None,
        named: set[tuple[str, str]] | None,
        *,
        waits: bool,
    ) -> Iterator[bool]:
        yield named is None or (row.target.kind, row.target.value) in named
        yield not self.kinds or row.target.kind in self.kinds
        yield not self.outcomes or outcome in self.outcomes
        yield not self.undecided or (outcome is None and row.proposed is None)
        yield not self.waiting or waits
        yield self.protected is None or (category is not None) == self.protected
        yield not self.categories or category in self.categories
