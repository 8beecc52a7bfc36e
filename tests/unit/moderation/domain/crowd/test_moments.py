"""Moments of decisions about the hashtag of a case."""

from __future__ import annotations

from moderation.domain.crowd.answers import CrowdMomentAnswer
from moderation.domain.crowd.moments import moments_of
from tests.support.case_decisions import decision, ruling
from tests.support.moderation_world import World


async def moments(world: World, since_ms: int = 0, until_ms: int = 10_000) -> list[CrowdMomentAnswer]:
    case = await world.case()
    restrictions = world.reviews.automated.restrictions.values()
    return moments_of(case, restrictions, world.moderation.view, since_ms, until_ms)


async def test_decisions_of_pipeline_and_people_are_in_order() -> None:
    world = World(decision(ruling("hold", since_ms=5)), decision(ruling("hold"), tag="other", number=2))
    await world.person("block", country="DE")
    world.now_ms = 200
    await world.cases.decide("tag", "show", actor="ann", reason="r")
    world.now_ms = 300
    await world.cases.undo("tag", actor="ann", reason="r")
    assert [(one.at_ms, one.source, one.what, one.actor) for one in await moments(world)] == [
        (5, "automated", "held", ""), (100, "human", "hidden", "zoe"), (200, "human", "shown", "ann"),
        (300, "human", "undone", "ann"),
    ]  # fmt: skip
    assert [one.at_ms for one in await moments(world, 100, 200)] == [100, 200]


async def test_open_second_look_does_not_say_that_the_pipeline_hid_it() -> None:
    hidden = decision(ruling("suppress", since_ms=5), ruling("review", "search", since_ms=6))
    world = World(hidden, share=1.0)
    assert {one.what for one in await moments(world)} == {"sent_to_people"}
    world = World(hidden, share=0.0)
    assert {one.what for one in await moments(world)} == {"sent_to_people", "hidden"}
