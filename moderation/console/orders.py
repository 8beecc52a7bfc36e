"""Orders: the legal orders whose clock runs, the most urgent first; closed ones on demand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

from moderation.access.access import needs
from moderation.access.rights import Caller
from moderation.access.services import Services, present_ms, services_of
from moderation.console.list_address import list_address, shown_rows
from moderation.console.render import page
from moderation.console.route import page_router
from moderation.console.words import named_countries
from moderation.domain.orders.answers import OrderAnswer
from moderation.domain.orders.view import order_view, urgency_of
from streams.orders.fold import OrderFold
from streams.orders.order import Order, due_place, open_orders
from streams.orders.records import STATES
from streams.orders.states import state_label

router = page_router()
PAGE = 200
"""Orders before "Show more"."""
MOST = 10_000
SHOWN = {"open": "With a deadline", "closed": "Without one (final, declined, revoked)", "all": "All"}


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Filters of the list, as the address has them; "" selects all."""

    show: str = "open"
    state: str = ""
    country: str = ""
    find: str = ""
    """Part of the authority, the reference or the id."""
    most: str = ""

    @property
    def narrows(self) -> bool:
        """Whether it leaves out any order of its list."""
        return any((self.state, self.country, self.find))

    @property
    def rows(self) -> int:
        """Number of rows to show."""
        return shown_rows(self.most, least=PAGE, greatest=MOST)

    def selects(self, order: Order) -> bool:
        """Return whether an order passes."""
        received = order.received
        part = self.find.casefold().strip()
        return (
            self.show in ("all", "closed" if order.due_ms is None else "open")
            and self.state in ("", order.state)
            and self.country in ("", received.country)
            and (
                not part or any(part in text.casefold() for text in (received.authority, received.reference, order.id))
            )
        )

    def link(self, **changes: str) -> str:
        """Build the address of the list with other filters."""
        return list_address("/console/orders", self, **changes)


@dataclass(frozen=True, slots=True)
class OrderLine:
    """Row of the list."""

    order: Order
    answer: OrderAnswer
    """The order as the API answers it."""
    urgency: str


def order_line(order: Order, fold: OrderFold, at_ms: int) -> OrderLine:
    """Build the row of an order."""
    return OrderLine(order, order_view(order, fold, at_ms), urgency_of(order, at_ms))


def selected_orders(orders: Iterable[Order], filters: OrderFilter) -> list[Order]:
    """Select and sort the orders of the list."""
    return sorted(filter(filters.selects, orders), key=due_place)


def badge(services: Services, caller: Caller, person: str) -> dict[str, str]:
    """Build the live text of the navigation: the length of the open list."""
    if not caller.may("orders"):
        return {}
    return {"orders-count": f"{len(open_orders(services.orders.fold.by_id.values())):,}"}


@router.get("/orders", openapi_extra=needs("orders"))
async def show_orders(request: Request, filters: Annotated[OrderFilter, Depends()]) -> Response:
    """Show the orders that match the filters."""
    fold, at_ms = await services_of(request).orders.refresh(), present_ms(request)
    filters = replace(filters, show=filters.show if filters.show in SHOWN else "open")
    selected = selected_orders(fold.by_id.values(), filters)
    return page(
        request,
        "orders.html",
        lines=[order_line(order, fold, at_ms) for order in selected[: filters.rows]],
        total=len(selected),
        overdue=sum(urgency_of(order, at_ms) == "overdue" for order in selected),
        filters=filters,
        shown=SHOWN,
        states=[(state, state_label(state)) for state in STATES],
        countries=named_countries({order.received.country for order in fold.by_id.values()}),
        label=state_label,
    )
