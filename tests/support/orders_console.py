"""Legal orders for pages: every state, protected speakers, hostile names, and many targets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from moderation.access.services import Services
from moderation.domain.orders.intake_plan import OrderDraft, OrderHead
from moderation.domain.orders.selection import Selection
from moderation.domain.orders.service import OrderService
from moderation.domain.speakers.registry import SpeakerEntry, plan_import
from moderation.log.drafts import End
from streams.clock import now_ms
from streams.orders.records import Target

HOUR_MS = 3_600_000
HOSTILE_AUTHORITY = "\u202eوزارة <script>alert(1)</script> 🔥"
JOURNALIST, POLITICIAN = "5500000002", "5500000009"


def order_head(reference: str, authority: str = "Ministry of Examples", **more: Any) -> OrderHead:
    """Build the fields of an order that was received an hour ago and is due in two days."""
    at_ms = now_ms()
    fields: dict[str, Any] = {
        "authority": authority, "country": "IN", "legal_basis": "IT Act 2000, s. 69A", "reference": reference,
        "issued_ms": at_ms - 26 * HOUR_MS, "received_ms": at_ms - HOUR_MS, "deadline_ms": at_ms + 48 * HOUR_MS,
        "confidential": False,
    }  # fmt: skip
    return OrderHead(**fields | more)


def mixed_targets(accounts: int = 6) -> list[Target]:
    """Build targets of all kinds: accounts with a journalist, a tweet, and two hashtags that look alike."""
    return [
        *(Target("account", str(5_500_000_001 + number)) for number in range(accounts)),
        Target("tweet", "1700000000000000001", author=POLITICIAN, handle="a_politician", resolved_ms=now_ms()),
        Target("hashtag", "exampletag", "ExampleTag"),
        Target("hashtag", "ехаmpletаg", "ЕхаmpleTаg"),
    ]


async def protect(orders: OrderService) -> None:
    """Enter a journalist and a politician into the register."""
    entries = [
        SpeakerEntry(JOURNALIST, "journalist", "A Reporter", "accredited by the press council"),
        SpeakerEntry(POLITICIAN, "politician", "‮A Politician <b>", "member of parliament"),
    ]
    await orders.change_registry(lambda known: plan_import(entries, known.speakers), actor="ann", reason="press list")


async def take_in(orders: OrderService, head: OrderHead, targets: Sequence[Target]) -> str:
    """Take an order in; return its id."""
    draft = OrderDraft(head, {(target.kind, target.value): target for target in targets})
    await orders.take_in([draft], actor="lee")
    return head.id


async def step(orders: OrderService, order: str, *states: Any, **more: Any) -> None:
    """Move an order through states."""
    for state in states:
        await orders.step(order, state, actor="lee", reason="counsel", **more)


async def begin_review(orders: OrderService, head: OrderHead, targets: Sequence[Target]) -> str:
    """Take an order in and begin its review; return its id."""
    order = await take_in(orders, head, targets)
    await step(orders, order, "acknowledged", "under_review")
    return order


async def under_review(services: Services, targets: Sequence[Target] | None = None, **more: Any) -> str:
    """Make an order under review with a protected journalist among its targets; return its id."""
    orders = services.orders
    await protect(orders)
    return await begin_review(orders, order_head("EX/69A/7", **more), mixed_targets() if targets is None else targets)


async def all_states(services: Services) -> str:
    """Make orders in every state; return the one under review, where a journalist waits for a second person."""
    orders, at_ms = services.orders, now_ms()
    order = await under_review(services)
    await orders.rule(order, Selection(targets=("5500000001",)), "withheld", actor="lee", reason="s. 153A")
    await orders.rule(
        order, Selection(targets=(JOURNALIST,)), "withheld", actor="lee", reason="court order", against_protected=True
    )
    await take_in(orders, order_head("WP 123/2026", "High Court of Examples", deadline_ms=at_ms - 5 * HOUR_MS),
                  [Target("account", "5500000003")])  # fmt: skip
    await take_in(orders, order_head("٧/٢٠٢٦", HOSTILE_AUTHORITY, country="EG", confidential=True),
                  mixed_targets(1))  # fmt: skip
    interim = await begin_review(orders, order_head("AZ 12 Q 7/26", "Landgericht Beispielstadt", country="DE"),
                                 [Target("account", "77"), Target("hashtag", "beispiel", "Beispiel")])  # fmt: skip
    await orders.rule(interim, Selection(kinds=("account",)), "withheld", actor="lee", reason="§ 130 StGB")
    await orders.rule(interim, Selection(kinds=("hashtag",)), "declined", actor="kim", reason="satire",
                      ground="not_unlawful")  # fmt: skip
    await step(orders, interim, "interim", end=End(at_ms + 5 * HOUR_MS))
    for number, last in enumerate(("final", "revoked", "declined")):
        closed = await begin_review(orders, order_head(f"OLD/{number}"), [Target("account", f"99{number}")])
        await orders.rule(closed, Selection(kinds=("account",)), "withheld", actor="lee", reason="binding")
        await step(orders, closed, last, **{"ground": "overbroad"} if last == "declined" else {})
    return order
