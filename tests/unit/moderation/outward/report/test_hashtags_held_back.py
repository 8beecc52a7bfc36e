"""Distinct hashtags that viewers did not see, by who held them back: a decision that nothing showed does not count."""

from __future__ import annotations

from typing import Any

from moderation.outward.report.automated_decisions import CoverageGap
from moderation.outward.report.hashtags_held_back import HeldBack
from moderation.outward.report.page import html
from moderation.outward.report.published_report import publish
from moderation.outward.report.update import update
from streams.log.decisions import Decision
from streams.log.moderation import Override, Undo, encode_moderation
from streams.orders.records import Target
from tests.support.orders_world import HOUR_MS, NOW_MS, OrdersWorld
from tests.support.report_cases import DAY_MS, decided, facts_of

UNTIL_MS = NOW_MS + HOUR_MS


def hidden(
    *tags: str, at: int = 10, category: str = "hate", country: str = "IN", action: str = "suppress"
) -> list[Decision]:
    return [decided(NOW_MS + at, (category, action, UNTIL_MS), tag=tag, country=country) for tag in tags]


def by_person(world: OrdersWorld, action: Any, tag: str, at: int, *, ends: int = HOUR_MS, **fields: Any) -> str:
    name = f"{action}-{tag.replace('*', 'all')}-{at}"
    edits = world.log.view.fold.version([(tag, "trends", fields.get("country", "IN"), "human")])
    world.log.append(*encode_moderation(Override(
        **{"id": name, "hashtag": tag, "display": tag, "country": "IN", "surfaces": ("trends",), "actor": "a",
           "reason": "r", "at_ms": NOW_MS + at, "action": action, "expires_at_ms": NOW_MS + ends, "edits": edits}
        | fields
    )))  # fmt: skip
    return name


def held(world: OrdersWorld, decisions: list[Decision], **options: Any) -> HeldBack:
    return facts_of(world, decisions, **{"now_ms": NOW_MS + DAY_MS} | options).held_back


def test_hashtag_counts_once_over_categories_countries_and_renewals() -> None:
    decisions = [*hidden("a"), *hidden("a", at=30), *hidden("a", category="abuse", country="DE"), *hidden("b")]
    found = held(OrdersWorld(), decisions)
    assert (found.total, found.by) == (2, {"pipeline_alone": 2})
    assert (found.by_country, found.by_category) == ({"IN": 2, "DE": 1}, {"hate": 2, "abuse": 1})


def test_people_and_pipeline_are_told_apart() -> None:
    world = OrdersWorld()
    by_person(world, "block", "b", 100)
    by_person(world, "hold", "c", 100)
    order = world.intake([Target("hashtag", "d", "D")])
    world.review(order)
    world.rule(order, "reduced", "#d", surfaces=("trends",))
    world.step(order, "final")
    found = held(world, hidden("a", "b"))
    assert (found.total, found.by) == (4, {"pipeline_alone": 1, "both": 1, "people_alone": 2})
    assert found.by_category == {"hate": 2}


def test_allowed_hashtag_was_not_held_back() -> None:
    world = OrdersWorld()
    by_person(world, "allow", "a", 5)
    by_person(world, "allow", "b", 50)
    assert held(world, hidden("a", "b")).total == 1, "b was hidden before a person allowed it"


def test_allow_that_ends_lets_the_suppression_count() -> None:
    world = OrdersWorld()
    by_person(world, "allow", "a", 5, ends=500)
    assert held(world, hidden("a")).total == 1


def test_later_allow_does_not_reach_back() -> None:
    world = OrdersWorld()
    by_person(world, "block", "a", 5)
    by_person(world, "allow", "a", 50)
    assert held(world, []).by == {"people_alone": 1}


def test_what_has_not_happened_yet_is_not_counted() -> None:
    """The period lasts until tonight, and the allow ends before the suppression."""
    world = OrdersWorld()
    by_person(world, "allow", "a", 5, ends=500)
    assert held(world, hidden("a"), now_ms=NOW_MS + 400).total == 0
    assert held(world, hidden("a"), now_ms=NOW_MS + 500).total == 1


def test_undone_allow_lets_the_suppression_count() -> None:
    world = OrdersWorld()
    name = by_person(world, "allow", "a", 5)
    assert held(world, hidden("a")).total == 0
    edits = world.log.view.fold.version([("a", "trends", "IN", "human")])
    world.log.append(*encode_moderation(Undo(
        id="u", hashtag="a", display="a", country="IN", surfaces=("trends",), actor="a", reason="r",
        at_ms=NOW_MS + 90, undoes=(name,), edits=edits,
    )))  # fmt: skip
    assert held(world, hidden("a")).total == 1


def test_stop_button_lifts_the_pipeline_and_not_people() -> None:
    world = OrdersWorld()
    by_person(world, "allow", "*", 5)
    by_person(world, "block", "b", 6)
    assert held(world, hidden("a", "b")).by == {"people_alone": 1}
    assert held(world, hidden("a", country="DE")).by == {"people_alone": 1, "pipeline_alone": 1}


def test_discounted_hashtag_is_not_held_back() -> None:
    assert held(OrdersWorld(), hidden("a", action="discount")).total == 0
    shadowed = [*hidden("a", country="*"), *hidden("a", action="discount")]
    assert held(OrdersWorld(), shadowed, country="IN").total == 0, "the viewer's country goes first"


def test_suppression_before_the_period_counts_while_it_lasts() -> None:
    before = [decided(NOW_MS - DAY_MS - 5, ("hate", "suppress", NOW_MS), tag="a")]
    ended = [decided(NOW_MS - DAY_MS - 5, ("hate", "suppress", NOW_MS - DAY_MS), tag="b")]
    facts = facts_of(OrdersWorld(), before + ended)
    assert (facts.held_back.total, facts.suppressed) == (1, {})


def test_worldwide_suppression_counts_for_viewers_of_a_country() -> None:
    decisions = [*hidden("a", country="*"), *hidden("b"), *hidden("c", country="DE")]
    found = held(OrdersWorld(), decisions, country="IN")
    assert (found.total, found.by_country) == (2, {"IN": 1, "*": 1})


def test_first_card_and_update_give_distinct_hashtags_held_back() -> None:
    world = OrdersWorld()
    tags = [f"t{n}" for n in range(12)]
    for tag in tags[:6]:
        by_person(world, "block", tag, 100)
    by_person(world, "block", "mine", 100)
    report = publish(facts_of(world, hidden(*tags), now_ms=NOW_MS + DAY_MS))
    assert report.facts["hashtags_held_back"] == {
        "total": 13,
        "by": {"both": "<10", "pipeline_alone": "<10", "people_alone": "<10"},
        "by_country": {"IN": 13},
        "by_category": {"hate": "9 to 12"},
    }
    text = " ".join(update(report).split())
    assert "In this period 13 hashtags were held back from trends or search suggestions, each counted once:" in text
    assert "fewer than 10 hashtags by people or orders alone" in text and "13 by a decision for India." in text
    first_card = html(report, NOW_MS).partition('class="first"')[2].partition("</dd>")[0]
    assert "Hashtags held back" in first_card and "13" in first_card and "by a decision for India" in first_card


def test_missing_decisions_are_stated_with_the_count() -> None:
    gap = CoverageGap(NOW_MS, NOW_MS + HOUR_MS)
    words = "No log has all decisions of our systems in this period"
    assert words in update(publish(facts_of(OrdersWorld(), hidden("a"), gaps=[gap])))
    assert words not in update(publish(facts_of(OrdersWorld(), hidden("a"))))


def test_nothing_held_back_is_stated() -> None:
    report = publish(facts_of(OrdersWorld(), []))
    assert "In this period no hashtag was held back" in update(report)
    assert "Nothing was held back." in html(report, NOW_MS)
