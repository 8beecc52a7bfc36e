"""Records that named people write before the demo begins, so that its console has cases of each kind to decide on.

Their hashtags do not occur in the demo's tweets. The course of the demo and its verdict therefore do not depend on
them; the summary states that they were prepared.
"""

from __future__ import annotations

from moderation.domain.appeals.automated_decisions import DecisionsFollower
from moderation.domain.appeals.service import ReviewService
from moderation.domain.orders.intake_plan import OrderDraft, OrderHead
from moderation.domain.orders.service import OrderService
from moderation.domain.restrictions.collection import override_restriction
from moderation.domain.speakers.registry import SpeakerEntry, plan_import
from moderation.log.drafts import OverrideDraft
from moderation.log.service import ModerationService
from streams.clock import now_ms
from streams.constants import DAY_MS, HOUR_MS, MINUTE_MS
from streams.log.moderation import Override, Verb
from streams.naming import tag_of
from streams.orders.records import Target
from streams.settings import Settings

BLOCKED, HELD, ORDERED = "FloodReliefScam", "DamBreakRumour", "BridgeClosureProtest"
PREPARED = frozenset(tag_of(name).hashtag for name in (BLOCKED, HELD, ORDERED))
"""Hashtags of the prepared records, normalised."""
_SURFACES = ("search", "trends")
_JOURNALIST = "990000000000000002"
LINES = (
    f"ravi blocked #{BLOCKED} in India, and meera appealed against it",
    f"lena held #{HELD} in India for an hour",
    f"omar took in an order on #{ORDERED}, two accounts and a tweet; one account is a journalist's",
)
"""Prepared records in words."""


async def prepare(settings: Settings) -> None:
    """Write the records to the topic.

    Raises:
        HushtagError: Kafka does not answer.
    """
    async with ModerationService(settings) as service, DecisionsFollower(settings) as follower:
        await write_records(service, ReviewService(service, follower))


async def write_records(service: ModerationService, reviews: ReviewService) -> None:
    """Write a block with an appeal against it, a hold, and an order whose deadline is near."""
    block = await _override(service, BLOCKED, "block", "ravi", "copies of a false donation account", 7 * DAY_MS)
    restriction = override_restriction(block)
    assert restriction is not None
    await reviews.appeal(
        restriction.reference, actor="meera", reason="I collect for the relief fund, and my receipts are public"
    )
    await _override(service, HELD, "hold", "lena", "a rumour, or a warning? the dam's operator is asked", HOUR_MS)
    await _order(OrderService(service))


async def _override(
    service: ModerationService, name: str, action: Verb, actor: str, reason: str, lasts_ms: int
) -> Override:
    draft = OverrideDraft(tag_of(name), action, "IN", _SURFACES, actor, f"prepared: {reason}", now_ms() + lasts_ms)
    [accepted] = await service.override([draft])
    assert isinstance(accepted.record, Override)
    return accepted.record


async def _order(orders: OrderService) -> None:
    """Take in an order under review; nothing of it is in force."""
    at_ms, hashtag = now_ms(), tag_of(ORDERED)
    entry = SpeakerEntry(_JOURNALIST, "journalist", "Reporter of the demo", "prepared: press card")
    await orders.change_registry(
        lambda fold: plan_import([entry], fold.speakers), actor="omar", reason="prepared: the press council's list"
    )
    head = OrderHead(
        authority="Ministry of the Demo", country="IN", legal_basis="IT Act 69A", reference="DEMO/1",
        issued_ms=at_ms - DAY_MS, received_ms=at_ms - 3 * HOUR_MS, deadline_ms=at_ms + 45 * MINUTE_MS,
        confidential=False,
    )  # fmt: skip
    targets = (
        Target("hashtag", hashtag.hashtag, hashtag.display), Target("account", "990000000000000001"),
        Target("account", _JOURNALIST), Target("tweet", "990000000000000003", author="990000000000000001"),
    )  # fmt: skip
    draft = OrderDraft(head, {(target.kind, target.value): target for target in targets})
    await orders.take_in([draft], actor="omar")
    await orders.step(head.id, "acknowledged", actor="omar", reason="prepared: received by mail")
    await orders.step(head.id, "under_review", actor="omar", reason="prepared: asked the policy team")
