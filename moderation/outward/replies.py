"""The reply to an authority with its proof: the letter, and the log entry of the step that it reports.

The opened fields are what the letter states of that step: when, for which country, to which state, and why.
"""

from __future__ import annotations

from moderation.publiclog.disclosure import Value
from moderation.publiclog.proving import DocumentProof, NeededEntry, PublicLog, prove
from streams.answers import AnswerModel, JsonObject
from streams.orders.order import Order
from streams.orders.records import OrderStep

OPENED = ("time", "country", "action", "reason")
"""Fields that a reply opens."""
UNDECIDED = "no step on this order is recorded yet"


class ReplyAnswer(AnswerModel):
    """Letter with the proof of the latest step on its order; without a proof, the reason."""

    order: str
    text: str
    entry: dict[str, Value] | None
    proof: JsonObject | None
    proof_note: str = ""


async def reply_view(log: PublicLog, order: Order, text: str) -> ReplyAnswer:
    """Prove the latest step on an order, for the letter that reports it."""
    proof = DocumentProof(note=UNDECIDED)
    if steps := [record for _, record in order.history if isinstance(record, OrderStep)]:
        last = steps[-1]
        needed = {order.id: NeededEntry(("step", last.order, last.id), last.at_ms, OPENED)}
        proof = (await prove(log, needed))[order.id]
    return ReplyAnswer(order=order.id, text=text, **proof.members())
