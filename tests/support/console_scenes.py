"""A day in the console for pictures: invented hashtags and people, several countries, and harmless texts."""

from __future__ import annotations

from typing import Any

import numpy as np

from moderation.access.services import Services
from moderation.domain.orders.selection import Selection
from moderation.log.drafts import End
from streams.clock import now_ms
from streams.counting.keys import Tags
from streams.judging.evidence_codec import TickEvidence, conditions_of, records_of
from streams.log.decisions import Decision, SampledAt
from streams.log.evidence import EvidenceRecord
from streams.log.policies import WorkerReport
from streams.policy import Policy
from tests.support.console_world import ConsoleWorld
from tests.support.evidence import evidence_table
from tests.support.in_memory_crowds import crowd_record
from tests.support.in_memory_policies import SHIPPED, InMemoryPolicies, record_of
from tests.support.in_memory_texts import InMemoryTexts, native_tweet
from tests.support.live_decisions import case_decision, waiting
from tests.support.orders_console import begin_review, mixed_targets, order_head, protect, step, take_in, under_review
from tests.support.orders_world import accounts

MINUTE_MS, HOUR_MS = 60_000, 3_600_000
CASE = "GhostTrain"
"""Hashtag whose case is opened."""
CATEGORY = "hateful_conduct"
TEXTS = (
    "the new season starts tonight, who else watches?", "our street watches it together",
    "stop blaming the neighbours for a film", "अब नया एपिसोड आ गया", "the director answers questions at six",
)  # fmt: skip
LIVE = (
    SHIPPED.decode()
    .replace("mode: shadow", "mode: hold_for_review")
    .replace("    # Exceptions", "    overrides:\n      - {country: BR, suppress_at: 0.45}\n    # Exceptions", 1)
    .replace("serial: 1 ", "serial: 2 ", 1)
)


def decisions() -> list[Decision]:
    """Build the automated decisions of the last minutes."""
    tag = CASE.lower()
    return [
        case_decision(tag, display=CASE, tweets=8_400, number=1, lasts_ms=48 * MINUTE_MS, category=CATEGORY),
        case_decision(tag, country="US", display=CASE, surfaces=("trends",), tweets=3_100, number=2, category=CATEGORY),
        waiting("LateShow", tweets=2_100, minutes=74, country="GB", category="abuse"),
        waiting("किताबमेला", tweets=1_900, minutes=21),
        waiting("مهرجان_القراءة", tweets=3_300, minutes=95, country="EG", surfaces=("trends",)),
        waiting("FestivalDay", "review", tweets=12_000, country="BR"),
        waiting("NewsRoom", "discount", tweets=5_200, category="abuse"),
        waiting("CleanUpDay🎉", "review", tweets=860, country="DE", category="abuse"),
        waiting("QuietGarden", tweets=640, minutes=12),
    ]


def new_scene(**options: Any) -> ConsoleWorld:
    """Start a console with cases, claims, viewers, orders, a policy and its evidence."""
    known = decisions()
    first = record_of(SHIPPED, proposed_at_ms=now_ms() - 90 * HOUR_MS)
    live = record_of(
        LIVE.encode(), proposed_at_ms=now_ms() - 26 * HOUR_MS, proposed_by="asha", actor="asha", via="topic",
        from_tick_ms=now_ms() - 26 * HOUR_MS, reason="a week in the shadow found no protest",
        changes=("mode shadow → hold_for_review", "gendered_abuse: suppress_at in Brazil → 0.45"),
    )  # fmt: skip
    policies = InMemoryPolicies([first, live], policy_evidence(Policy.from_canonical(live.policy)))
    policies.reports["w1"] = WorkerReport(
        worker="w1", file="policy.yaml", revision=live.revision, verdict="same", why="", at_ms=now_ms(), began_hours=24,
    )  # fmt: skip
    world = ConsoleWorld(known, policies=policies, **options)
    _add_texts(world.services, known[0])
    _add_crowd(world.services)
    world.run(_people_work)
    return world


async def decide_elsewhere(services: Services) -> None:
    """Let another person decide a case that the page shows."""
    await services.cases.answer("QuietGarden", "show", actor="ben", reason="first answer")
    await services.cases.decide("QuietGarden", "show", actor="ben", reason="a garden show")


async def _people_work(services: Services) -> None:
    cases, orders = services.cases, services.orders
    await cases.claim("LateShow", actor="ben")
    for tag, person in (("FestivalDay", "chen"), ("LateShow", "ben")):
        services.presence.beat((await cases.log.find(tag)).id, person, now_ms() + 10 * MINUTE_MS)
    await cases.note(CASE, actor="chen", reason="it is also the name of a film", add=["film"])
    await protect(orders)
    order = await under_review(services, mixed_targets())
    await orders.rule(order, Selection(targets=("5500000001", "5500000004")), "withheld", actor="lee", reason="s. 153A")
    await orders.rule(order, Selection(targets=("5500000002",)), "withheld", actor="lee", reason="court order",
                      against_protected=True)  # fmt: skip
    await take_in(orders, order_head("WP 123/2026", "High Court of Examples", deadline_ms=now_ms() + 5 * HOUR_MS),
                  accounts(5500000003))  # fmt: skip
    interim = await begin_review(orders, order_head("AZ 12 Q 7/26", "Landgericht Beispielstadt", country="DE"),
                                 accounts(77, 78))  # fmt: skip
    await orders.rule(interim, Selection(kinds=("account",)), "withheld", actor="lee", reason="§ 130 StGB")
    await step(orders, interim, "interim", end=End(now_ms() + 30 * HOUR_MS))


def _add_texts(services: Services, decision: Decision) -> None:
    store = services.texts._source
    assert isinstance(store, InMemoryTexts)
    evidence = decision.rulings[0].evidence
    assert evidence is not None
    for number, (tweet, at) in enumerate(zip(evidence.sampled, evidence.sampled_at, strict=True)):
        assert isinstance(at, SampledAt)
        store.records[at.partition, at.offset] = native_tweet(
            int(tweet), f"{TEXTS[number % len(TEXTS)]} #{decision.display}"
        )


def _add_crowd(services: Services) -> None:
    fold: Any = services.crowds.fold  # type: ignore[attr-defined]
    for minute in range(70, 0, -1):
        grown = max(0, 70 - minute - 25) / 45
        established = 60 + round(90 * grown) + minute % 7 * 4
        others = round(1_500 * grown**2)
        counts = {(CASE.lower(), "IN"): (3 * (established + others), established + others, established)}
        at_ms = now_ms() // MINUTE_MS * MINUTE_MS - minute * MINUTE_MS
        fold.apply(crowd_record(at_ms, counts, young=[0.1 + 0.4 * grown], copies=[0.05 + 0.3 * grown]))


def policy_evidence(policy: Policy, hashtags: int = 420) -> list[EvidenceRecord]:
    """Build the evidence of a day, one tick an hour: most hashtags have little harm, some have much."""
    tags, dice = Tags(), np.random.default_rng(5)
    categories = tuple(policy.categories)
    keys = sorted(tags.key(f"tag{number}", ("IN", "BR", "US")[number % 3]) for number in range(hashtags))
    share = np.where(dice.random((hashtags, 1)) < 0.9, dice.beta(1.2, 9, (hashtags, len(categories) + 1)),
                     dice.beta(6, 3, (hashtags, len(categories) + 1)))  # fmt: skip
    table = evidence_table(
        600_000, keys=np.array(keys), tweets=np.full(hashtags, 300), authors=np.full(hashtags, 200), share=share,
        burst=9.0,
    )  # fmt: skip
    conditions = conditions_of(policy, shards=1, categories=categories, model_revision="0" * 12)
    first_ms = (now_ms() - 24 * HOUR_MS) // MINUTE_MS * MINUTE_MS
    return [
        record
        for hour in range(25)
        for record in records_of(TickEvidence(first_ms + hour * HOUR_MS, conditions, False, {600_000: table}), 0, tags)
    ]


async def order_under_review(services: Services) -> str:
    """Find the order that is under review; return its id."""
    known = (await services.orders.refresh()).by_id
    return next(order for order, one in known.items() if one.state == "under_review")
