"""The letter to the authority, as it would be sent now."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import Query, Request
from starlette.responses import Response

from moderation.access.access import needs
from moderation.access.blinding import refuse_while_blind
from moderation.access.bodies import OrderPath
from moderation.access.services import services_of
from moderation.console.orders_order import attachment
from moderation.console.render import page
from moderation.console.route import page_router
from moderation.domain.orders.letter import SENDER, letter
from moderation.domain.orders.shown_outcomes import counts
from moderation.outward.replies import reply_view
from streams.orders.order import Order

router = page_router()
Sender = Annotated[str, Query(max_length=200)]


@router.get("/orders/{order}/letter", openapi_extra=needs("orders"))
async def show_letter(request: Request, order: OrderPath, sender: Sender = SENDER) -> Response:
    """Show the letter; it names targets, so it is refused while the person reviews a hashtag blind."""
    legal_order, text = await _letter(request, order, sender)
    undecided = counts(legal_order)["undecided"]
    return page(
        request, "orders_letter.html", order=legal_order, text=text, sender=sender or SENDER, undecided=undecided
    )


@router.get("/orders/{order}/letter.txt", openapi_extra=needs("orders"))
async def download_letter(request: Request, order: OrderPath, sender: Sender = SENDER) -> Response:
    """Download the letter as plain text."""
    _, text = await _letter(request, order, sender)
    return attachment(text, f"{order}.txt", "text/plain; charset=utf-8")


@router.get("/orders/{order}/letter.json", openapi_extra=needs("orders"))
async def download_proof(request: Request, order: OrderPath, sender: Sender = SENDER) -> Response:
    """Download the letter with the proof of the order's last step in the public log."""
    legal_order, text = await _letter(request, order, sender)
    reply = await reply_view(services_of(request).public_log, legal_order, text)
    return attachment(json.dumps(reply.members(), ensure_ascii=False), f"{order}.json", "application/json")


async def _letter(request: Request, order: str, sender: str) -> tuple[Order, str]:
    await refuse_while_blind(request)
    orders = services_of(request).orders
    legal_order = await orders.find(order)
    return legal_order, letter(
        legal_order, orders.states({row.target.value for row in legal_order.rows}), sender=sender.strip() or SENDER
    )
