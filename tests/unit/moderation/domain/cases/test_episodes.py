"""Tests of episodes: the division of a hashtag's items into cases."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from moderation.domain.appeals.items import ReviewItem
from moderation.domain.cases.case import CaseItem
from moderation.domain.cases.episodes import episodes_of
from moderation.domain.cases.fold import CaseFold
from tests.support.case_decisions import HOUR_MS, decision, ruling
from tests.support.moderation_world import World


async def test_case_closes_when_its_one_second_look_does() -> None:
    decisions = [
        decision(ruling("suppress", expires_at_ms=99 * HOUR_MS), country=country, number=number)
        for number, country in enumerate(("IN", "US"), start=1)
    ]
    world = World(*decisions, share=1.0)
    await world.look("ann", "hide")
    await world.look("ben", "hide")
    first = await world.case()
    assert not first.is_open
    world.now_ms = 1_000
    await world.person("hold")
    assert (await world.case()).id != first.id


_ITEMS = st.lists(
    st.tuples(st.integers(1, 9), st.none() | st.integers(1, 12), st.none() | st.sampled_from(["c1", "c2", "c3"])),
    min_size=1,
    max_size=12,
)


@given(_ITEMS)
def test_every_item_is_in_exactly_one_case(drawn: list[tuple[int, int | None, str | None]]) -> None:
    fold, items = CaseFold(), []
    for number, (began_ms, closed_ms, recorded) in enumerate(drawn):
        item = ReviewItem(
            id=f"i{number}", kind="review", hashtag="tag", display="Tag", country="IN", surfaces=("trends",),
            category="abuse", began_ms=began_ms, ends_ms=99, evidence=None,
        )  # fmt: skip
        items.append(CaseItem(item, closed_ms))
        if recorded is not None:
            fold.case_of_item[item.id] = recorded
    cases = episodes_of(items, fold)
    assert len({case.id for case in cases}) == len(cases)
    assert sorted(one.item.id for case in cases for one in case.items) == sorted(one.item.id for one in items)
    for one, (_, _, recorded) in zip(items, drawn, strict=True):
        [case] = [case for case in cases if one in case.items]
        assert recorded in (None, case.id)
