"""Filter of an order's targets, as the address of its page has it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast, get_args

from moderation.console.list_address import list_address
from moderation.domain.orders.selection import Selection
from moderation.domain.orders.shown_outcomes import SHOWN_OUTCOMES
from streams.orders.fold import OrderFold
from streams.orders.order import Order, TargetRow
from streams.orders.records import TARGET_KINDS, SpeakerCategory

PAGE = 100
"""Targets on one page."""


@dataclass(frozen=True, slots=True)
class TargetFilter:
    """Filters of the targets, as the address has them; "" selects all."""

    kind: str = ""
    outcome: str = ""
    """An outcome, `dropped`, `undecided` or `waiting`."""
    speaker: str = ""
    """`protected`, `others`, or a category of protected speakers."""
    find: str = ""
    """Part of a target or of its handle."""
    page: str = ""

    @property
    def number(self) -> int:
        """Number of the page, from 1."""
        return max(1, int(self.page[:6])) if self.page.isdecimal() else 1

    @property
    def narrows(self) -> bool:
        """Whether it leaves anything out."""
        return any((self.kind, self.outcome, self.speaker, self.find))

    def selection(self) -> Selection:
        """Build the filter of the service, which a ruling on all matching targets sends too."""
        return Selection(
            kinds=(self.kind,) if self.kind in TARGET_KINDS else (),
            outcomes=(self.outcome,) if self.outcome in SHOWN_OUTCOMES else (),
            undecided=self.outcome == "undecided",
            waiting=self.outcome == "waiting",
            protected={"protected": True, "others": False}.get(self.speaker),
            categories=(cast(SpeakerCategory, self.speaker),) if self.speaker in get_args(SpeakerCategory) else (),
        )

    def as_body(self) -> dict[str, Any] | None:
        """Build the members of a ruling on everything that matches; None for a text or `dropped`: it names neither."""
        if self.find.strip() or self.outcome == "dropped":
            return None
        chosen = self.selection()
        if chosen == Selection():
            return {"everything": True}
        return {
            "kinds": list(chosen.kinds), "outcomes": list(chosen.outcomes), "undecided": chosen.undecided,
            "waiting": chosen.waiting, "protected": chosen.protected, "categories": list(chosen.categories),
        }  # fmt: skip

    def rows(self, order: Order, fold: OrderFold) -> list[TargetRow]:
        """List the targets that pass, by number."""
        selected = self.selection().rows(order, fold)
        part = self.find.strip().lstrip("#＃@＠").casefold()
        if not part:
            return selected
        return [row for row in selected if any(part in text.casefold() for text in _texts(row))]

    def link(self, order: str, **changes: str) -> str:
        """Build the address of the order's page with other filters."""
        return f"{list_address(f'/console/orders/{order}', self, **changes)}#targets"


def _texts(row: TargetRow) -> tuple[str, ...]:
    return row.target.value, row.target.display, row.target.handle
