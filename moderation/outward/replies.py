"""The reply to an authority with its proof: the letter, and the log entry of the step that it reports.

The opened fields are what the letter states of that step: when, for which country, to which state, and why.
"""

from __future__ import annotations

from typing import Any

from moderation.publiclog.proving import DocumentProof, NeededEntry, PublicLog, prove
from streams.orders.order import Order
from streams.orders.records import OrderStep

OPENED = ("time", "country", "action", "reason")
"""Fields that a reply opens."""
UNDECIDED = "no step on this order is recorded yet"


async def prove_reply(log: PublicLog, order: Order) -> DocumentProof:
    """Prove the latest step on an order."""
    steps = [record for _, record in order.history if isinstance(record, OrderStep)]
    if not steps:
        return DocumentProof(note=UNDECIDED)
    last = steps[-1]
    sought = {order.id: NeededEntry(("step", last.order, last.id), last.at_ms, OPENED)}
    return (await prove(log, sought))[order.id]


def reply_as_dict(order: Order, text: str, proof: DocumentProof) -> dict[str, Any]:
    """Convert a letter and its proof to plain JSON."""
    return {"order": order.id, "text": text} | proof.as_dict()
