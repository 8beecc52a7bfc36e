"""Selection of an order's targets, for bulk decisions and lists. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from moderation.domain.orders.errors import cell_error
from moderation.domain.orders.handles import handle_of
from moderation.domain.orders.intake import parse_target
from moderation.domain.orders.shown_outcomes import ShownOutcome, shown_outcome
from moderation.domain.tables import BadCell
from streams.errors import CallerMistake
from streams.orders.fold import OrderFold
from streams.orders.order import Order, TargetRow
from streams.orders.records import SpeakerCategory, TargetKind


@dataclass(frozen=True, slots=True)
class Selection:
    """A filter whose conditions must all hold; without conditions it selects every target."""

    kinds: tuple[TargetKind, ...] = ()
    targets: tuple[str, ...] = ()
    """Targets as an order writes them: account ids, @handles, #tags, addresses of tweets."""
    outcomes: tuple[ShownOutcome, ...] = ()
    undecided: bool = False
    waiting: bool = False
    """Only targets that wait for a second person."""
    protected: bool | None = None
    categories: tuple[SpeakerCategory, ...] = ()
    first: int | None = None
    """Maximum number of targets, in the order of intake."""

    def rows(self, order: Order, fold: OrderFold) -> list[TargetRow]:
        """List the selected targets in the order of intake.

        Raises:
            CallerMistake: a named target is not in the order.
        """
        named = self._named(order)
        rows = [row for row in order.rows if all(self._conditions(row, order, fold, named))]
        return rows if self.first is None else rows[: self.first]

    def _named(self, order: Order) -> set[tuple[str, str]] | None:
        if not self.targets:
            return None
        keys = {(row.target.kind, row.target.value) for row in order.rows}
        named: set[tuple[str, str]] = set()
        accounts = (row.target for row in order.rows if row.target.kind == "account" and row.target.handle)
        handles = {target.handle.lower(): target for target in accounts}
        for written in self.targets:
            if handle := handle_of(written):
                if (named_account := handles.get(handle.lower())) is None:
                    raise _not_a_target(written, order)
                named.add(("account", named_account.value))
                continue
            try:
                target = parse_target(written)
            except BadCell as bad:
                raise cell_error(bad) from None
            key: tuple[str, str] = (target.kind, target.value)
            if key not in keys and ("tweet", target.value) in keys:
                key = "tweet", target.value
            if key not in keys:
                raise _not_a_target(written, order)
            named.add(key)
        return named

    def _conditions(
        self, row: TargetRow, order: Order, fold: OrderFold, named: set[tuple[str, str]] | None
    ) -> Iterator[bool]:
        outcome, speaker = shown_outcome(order, row), fold.protected(row.target)
        yield named is None or (row.target.kind, row.target.value) in named
        yield not self.kinds or row.target.kind in self.kinds
        yield not self.outcomes or outcome in self.outcomes
        yield not self.undecided or (outcome is None and row.proposed is None)
        yield not self.waiting or fold.waits(row)
        yield self.protected is None or (speaker is not None) == self.protected
        yield not self.categories or (speaker is not None and speaker.category in self.categories)


def _not_a_target(written: str, order: Order) -> CallerMistake:
    return CallerMistake(f"{written[:60]!r} is not a target of {order.id}", fix=f"hushtag orders show {order.id}")
