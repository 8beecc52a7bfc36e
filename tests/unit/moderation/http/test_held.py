"""What is held now, against the explanation of each hashtag."""

from __future__ import annotations

from typing import Any

import pytest

from moderation.log.drafts import STOP, OverrideDraft
from moderation.views.held import held_tags
from streams.clock import now_ms
from streams.constants import HOUR_MS
from streams.explain.hashtag_report import HashtagReport
from streams.naming import tag_of
from tests.support.in_memory_log import InMemoryLog, in_memory_service
from tests.support.live_decisions import held, many


def draft(tag: str, action: Any, country: str, *surfaces: str) -> OverrideDraft:
    target = STOP if tag == "*" else tag_of(tag)
    return OverrideDraft(target, action, country, surfaces or ("search", "trends"), "ann", "seen", now_ms() + HOUR_MS)


@pytest.mark.parametrize("stopped", [(), ("IN",), ("FR", "*")])
async def test_held_hashtags_are_those_that_their_explanations_hide(stopped: tuple[str, ...]) -> None:
    decisions = [*many(24), held("campaign3", country="FR", number=50), held("campaign3", country="*", number=51)]
    service = in_memory_service(InMemoryLog())
    for person in (
        draft("campaign3", "allow", "IN"), draft("campaign5", "block", "*", "trends"), draft("never", "hold", "BR"),
        draft("campaign8", "block", "IN"), draft("campaign1", "allow", "*"),
    ):  # fmt: skip
        await service.override([person])
    for country in stopped:
        await service.pause(draft("*", "allow", country))
    latest = {(one.hashtag, one.country): one for one in decisions}.values()
    at_ms = now_ms()
    found = {
        (one.register.hashtag, surface, one.register.country, one.register.source)
        for one in held_tags(latest, service.view, at_ms)
        for surface in one.surfaces
    }
    expected = set()
    for tag in {one.hashtag for one in latest} | {"never"}:
        for state in HashtagReport(tag, list(latest), service.view, None, at_ms).states():
            one = state.decided_by
            if one is not None and one.country == state.country and one.action in ("suppress", "hold", "discount"):
                expected.add((tag, state.surface, state.country, one.source))
    assert found == expected
