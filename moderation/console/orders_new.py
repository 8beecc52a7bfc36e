"""The form of a new order: its fields, and its targets as text or from a file that the browser reads."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from moderation.access.access import needs
from moderation.access.bodies import MOST_HANDLES
from moderation.access.services import services_of
from moderation.console.render import page
from moderation.console.route import page_router
from moderation.console.words import named_countries
from streams.countries import COUNTRIES
from streams.orders.records import MOST_TARGETS
from streams.settings import load_settings

router = page_router()
_MOST_KNOWN = 200


@router.get("/orders/new", openapi_extra=needs("orders"))
async def show_form(request: Request) -> Response:
    """Show the empty form, with the authorities and laws of earlier orders as suggestions."""
    orders = (await services_of(request).orders.refresh()).by_id.values()
    latest = sorted(orders, key=lambda order: -order.history[-1][0])
    return page(
        request,
        "orders_new.html",
        countries=named_countries(COUNTRIES),
        authorities=list(dict.fromkeys(order.received.authority for order in latest))[:_MOST_KNOWN],
        laws=list(dict.fromkeys(order.received.legal_basis for order in latest))[:_MOST_KNOWN],
        resolver=bool(load_settings().handle_resolver),
        most_handles=MOST_HANDLES,
        most_targets=MOST_TARGETS,
    )
