"""From the evidence of unread texts, by the judge's own rules, to the item of a case and its end."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from moderation.domain.cases.answers import unread_language
from moderation.domain.cases.closing import closing_at
from moderation.domain.cases.view import case_view
from streams.counting.keys import Tags
from streams.judging.circuit_breakers import rule_under_breaker
from streams.judging.evidence_codec import table_of
from streams.judging.hysteresis import decide
from streams.judging.levels import levels
from streams.log.decisions import ScopeDecision
from tests.support.case_decisions import decision
from tests.support.explanations import IN_LANGUAGES, POLICY, UNREAD_TAG, tag_records
from tests.support.moderation_world import World

SCOPE = ("hateful_conduct", "trends")
HOUR_MS = 3_600_000
READ_TAG = {"authors": 64, "scored": 64, "established": 40}


def judged(before: ScopeDecision | None, tick_ms: int, mode: str = "suppress", **given: float) -> ScopeDecision | None:
    """Decide a tag with some evidence at a tick."""
    rule = dataclasses.replace(POLICY.rule(*SCOPE, "*"), mode=mode, dwell_ms=10_000, clear_after_ms=10_000)
    [record] = tag_records(given, scale=IN_LANGUAGES)
    result = levels(table_of([record], Tags()), rule, 1, np.zeros(1, bool), rule.confidence).result(0)
    rule = rule_under_breaker(rule, before, result.level)
    return decide(result, before, rule, tick_ms, scope=SCOPE, protected=False, max_automated_ms=24 * HOUR_MS)


@pytest.mark.parametrize("mode", ["suppress", "hold_for_review", "review"])
async def test_unread_tag_opens_a_case_in_every_mode_that_asks(mode: str) -> None:
    begun = judged(None, 10_000, mode, **UNREAD_TAG)
    assert begun is not None
    world = World(decision(begun))
    case = await world.case()
    assert case.kinds == ("not_assessed",)
    assert case_view(case, world.cases.log, "ann").languages == [unread_language("ta", 0.81)]


def test_unread_tag_in_the_shadow_asks_nobody() -> None:
    assert judged(None, 10_000, "shadow", **UNREAD_TAG) is None


@pytest.mark.parametrize(("share", "how"), [(0.9, "assessed"), (0.0, "cooled")])
async def test_case_ends_once_the_texts_are_read(share: float, how: str) -> None:
    begun = judged(None, 10_000, **UNREAD_TAG)
    assert begun is not None
    after = judged(begun, 40_000, **READ_TAG, share=share, established_share=share)
    assert after is not None and after.action == ("suppress" if how == "assessed" else "clear")
    world = World(decision(begun), decision(after, number=2, at_ms=40_000))
    world.now_ms = 50_000
    assert world.cases.log.closing(await world.case()) == closing_at(40_000, how)  # type: ignore[arg-type]


async def test_case_of_a_small_tag_ends_when_it_expires() -> None:
    begun = judged(None, 10_000, **UNREAD_TAG)
    assert begun is not None
    kept = judged(begun, 40_000, **UNREAD_TAG | {"tweets": 3})
    assert kept is begun, "below the floors nothing is known"
    ended = judged(begun, begun.expires_at_ms, **UNREAD_TAG | {"tweets": 3})
    assert ended is not None
    world = World(decision(begun), decision(ended, number=2, at_ms=begun.expires_at_ms))
    world.now_ms = begun.expires_at_ms + 1
    assert world.cases.log.closing(await world.case()) == closing_at(begun.expires_at_ms, "cooled")
