"""Appeals for six months after a restriction ended, by the reference on its statement."""

from __future__ import annotations

import pytest

from moderation.domain.appeals.automated_decisions import KEPT_MS
from moderation.domain.orders.intake_plan import OrderHead
from moderation.domain.orders.selection import Selection
from moderation.domain.restrictions.collection import decision_restrictions, order_restrictions, override_restriction
from moderation.log.drafts import End, OverrideDraft
from moderation.log.errors import NoSuchCase
from moderation.publiclog.inputs import AuditInput, SourcePosition
from moderation.publiclog.sources import kept_decision
from streams.constants import DAY_MS
from streams.log.decisions import Decision, encode_record
from streams.log.moderation import Override
from streams.naming import tag_of
from streams.orders.records import Outcome
from tests.support.case_decisions import HOUR_MS, decision, ruling
from tests.support.moderation_world import World
from tests.support.orders_console import begin_review
from tests.support.orders_world import accounts

PERIOD_MS = 183 * DAY_MS


def logged(*decisions: Decision) -> list[AuditInput]:
    """Put decisions into the audit log as its writer does."""
    return [
        AuditInput(
            SourcePosition("suppression-decisions", 0, n, decided.decided_at_ms),
            b"k",
            kept_decision(encode_record(decided)),
        )
        for n, decided in enumerate(decisions)
    ]


async def test_automated_restriction_is_appealed_six_months_after_its_end() -> None:
    """The topic keeps the decision for days; a renewal had moved its end."""
    suppressed = decision(ruling("suppress", since_ms=1, expires_at_ms=HOUR_MS))
    renewed = decision(ruling("suppress", since_ms=1, expires_at_ms=2 * HOUR_MS), number=2, at_ms=2)
    [restriction] = decision_restrictions(suppressed)
    world = World(renewed)
    world.audited += logged(suppressed, decision(ruling("suppress"), tag="other"), renewed)
    await world.reviews.refresh()
    world.now_ms = 2 * HOUR_MS + PERIOD_MS
    world.automated.fold.prune(world.now_ms)
    assert not world.automated.fold.restrictions and PERIOD_MS > KEPT_MS
    filed = await world.reviews.appeal(restriction.reference, actor="clerk", reason="it is a film")
    assert (filed.hashtag, filed.deciders, filed.order) == ("tag", ("hushtag",), "")
    done = await world.reviews.end_appeal(filed.id, "overturn", actor="ann", reason="it is")
    assert (done.effect, done.ended) == (None, "the decision has ended, or is no longer kept")
    world.now_ms += 1
    with pytest.raises(NoSuchCase, match="ended before the appeal period"):
        await world.reviews.appeal(restriction.reference, actor="clerk", reason="late")


async def test_unknown_reference_is_in_neither_log() -> None:
    world = World()
    world.audited += logged(decision(ruling("suppress")))
    with pytest.raises(NoSuchCase, match="there is no restriction 'hushtag-000000000000000000000000'"):
        await world.reviews.appeal("hushtag-" + "0" * 24, actor="clerk", reason="r")


async def test_block_is_appealed_six_months_after_its_expiry() -> None:
    world = World()
    draft = OverrideDraft(tag_of("tag"), "block", "*", ("trends",), "ann", "r", HOUR_MS)
    [written] = await world.moderation.override([draft])
    assert isinstance(written.record, Override)
    restriction = override_restriction(written.record)
    assert restriction is not None
    world.now_ms = HOUR_MS + PERIOD_MS
    filed = await world.reviews.appeal(restriction.reference, actor="clerk", reason="no")
    assert filed.deciders == ("ann",)


@pytest.mark.parametrize(
    ("end", "ended"),
    [("lapse", ""), ("revoked", "the order is revoked"), ("declined", "the target is now declined"), ("withheld", "")],
)
async def test_legal_restriction_is_appealed_six_months_after_its_end(end: str, ended: str) -> None:
    world = World()
    orders = world.orders
    head = OrderHead("Ministry", "IN", "s. 69A", "No. 1", 1, 2, 3, False)
    order = await begin_review(orders, head, accounts(1, 2))
    await orders.rule(order, Selection(), "withheld", actor="lee", reason="r")
    case = await orders.step(order, "interim", actor="lee", reason="r", end=End(world.now_ms + HOUR_MS))
    restriction = order_restrictions(case, world.now_ms)[0]
    world.now_ms += 1
    if end == "revoked":
        await orders.step(order, "revoked", actor="max", reason="r")
    elif end != "lapse":
        outcome: Outcome = "declined" if end == "declined" else "withheld"
        await orders.rule(order, Selection(targets=("1",)), outcome, actor="max", reason="better words")
    world.now_ms += PERIOD_MS
    filed = await world.reviews.appeal(restriction.reference, actor="clerk", reason="it is satire")
    assert (filed.hashtag, filed.order, filed.number, filed.deciders) == ("1", case.id, 0, ("lee",))
    done = await world.reviews.end_appeal(filed.id, "overturn", actor="ben", reason="it is")
    assert done.ended == ended
    assert (done.effect is None) is bool(ended), "an interim decision that lapsed could still be made final"


async def test_ruling_that_was_never_in_force_cannot_be_appealed() -> None:
    world = World()
    orders = world.orders
    head = OrderHead("Ministry", "IN", "s. 69A", "No. 1", 1, 2, 3, False)
    order = await begin_review(orders, head, accounts(1))
    await orders.rule(order, Selection(), "withheld", actor="lee", reason="r")
    case = await orders.step(order, "revoked", actor="lee", reason="r")
    assert case.rows[0].enforced == ()
