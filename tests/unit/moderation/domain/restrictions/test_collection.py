"""Restrictions, from decisions, overrides and legal orders."""

from __future__ import annotations

import json
import re

from moderation.domain.restrictions.answers import restriction_answer
from moderation.domain.restrictions.collection import (
    active_restrictions,
    all_restrictions,
    decision_restrictions,
    order_restrictions,
    override_restriction,
)
from moderation.outward.statements.answers import statement_answer
from moderation.outward.statements.lumen import order_request
from moderation.outward.statements.text import user_text
from streams.explain.hashtag_report import HashtagReport
from streams.log.decisions import version_of
from streams.log.moderation import Undo
from tests.support.statement_builders import (
    HOUR_MS,
    NOW_MS,
    ORDER,
    account,
    decided,
    decision,
    order_ruling,
    order_step,
    ordered,
    override,
    ruling,
)


def test_surfaces_with_the_same_ruling_are_one_restriction() -> None:
    rulings = (ruling(), ruling("search"), ruling(category="abuse"), ruling("search", "hold"), ruling("x", "review"))
    found = decision_restrictions(decision(*rulings))
    assert [(one.category, one.measure, one.surfaces) for one in found] == [
        ("hateful_conduct", "reduced", ("search", "trends")),
        ("abuse", "reduced", ("trends",)),
        ("hateful_conduct", "held", ("search",)),
    ]
    assert len({one.reference for one in found}) == 3


def test_discount_is_a_restriction_with_its_weight() -> None:
    contested = decision(ruling(action="discount", weight=0.34), ruling("search", "discount", weight=0.34))
    [one] = decision_restrictions(contested)
    assert (one.measure, one.weight, one.surfaces) == ("discounted", 0.34, ("search", "trends"))
    assert active_restrictions(account([contested])) == [one]
    assert active_restrictions(account([contested], override(action="allow"))) == []
    [hidden] = decision_restrictions(decision(ruling()))
    assert (hidden.weight, one.reference != hidden.reference) == (1.0, True)
    assert restriction_answer(one).members()["evidence"]["established"] == 136


def test_renewal_keeps_reference_and_new_beginning_changes_it() -> None:
    [first] = decision_restrictions(decision(ruling()))
    [renewed] = decision_restrictions(decision(ruling(expires_at_ms=NOW_MS + 2 * HOUR_MS), number=9))
    [again] = decision_restrictions(decision(ruling(since_ms=NOW_MS)))
    assert first.reference == renewed.reference != again.reference
    assert re.fullmatch(r"hushtag-[0-9a-f]{24}", first.reference)


def test_overruled_restriction_is_not_active() -> None:
    suppressed = decision(ruling(), ruling("search"))
    assert [one.source for one in active_restrictions(account([suppressed]))] == ["automated"]
    both = account([suppressed], override(surfaces=("trends",)))
    assert [one.source for one in active_restrictions(both)] == [
        "automated",
        "human",
    ]  # search is still suppressed by the pipeline
    assert [one.source for one in active_restrictions(account([suppressed], override()))] == ["human"]
    assert active_restrictions(account([suppressed], override(action="allow"))) == []
    assert active_restrictions(account([decision(ruling(expires_at_ms=NOW_MS))])) == []


def test_active_restrictions_follow_logs_when_redis_lags() -> None:
    one = account([], override())
    behind = HashtagReport("rumour", [], one.people, [], NOW_MS)
    assert all(place.shown for place in behind.states())
    assert [found.source for found in active_restrictions(behind)] == ["human"]


def test_all_restrictions_include_ended_ones() -> None:
    undone = Undo(
        id="u", hashtag="rumour", display="Rumour", country="*", surfaces=("search", "trends"), actor="ben",
        reason="mistake", at_ms=NOW_MS + 1, edits=version_of(0, 0), undoes=("a",),
    )  # fmt: skip
    past = account([decision(ruling(expires_at_ms=NOW_MS - 1)), decision(number=2)], override(), undone)
    assert active_restrictions(past) == []
    assert [(past_restriction.source, past_restriction.in_force) for past_restriction in all_restrictions(past)] == [
        ("automated", False),
        ("human", False),
    ]


def test_statement_names_only_places_where_the_decision_decides() -> None:
    suppressed = decision(ruling(), ruling("search"))
    [search] = active_restrictions(account([suppressed], override(action="allow", surfaces=("trends",))))
    assert user_text(search, "en").startswith("#Rumour is not shown in search suggestions.\n")
    [world] = active_restrictions(account([suppressed], override(action="allow", country="IN")))
    shown = "#Rumour is not shown in search suggestions and the list of trends. Other decisions show it to viewers in "
    assert user_text(world, "en").startswith(f"{shown}India.\n")


def test_allow_is_no_restriction() -> None:
    assert override_restriction(override(action="allow")) is None


def test_statement_omits_sampled_tweets() -> None:
    [one] = decision_restrictions(decision(ruling()))
    assert "sampled" not in json.dumps(statement_answer(one).members())


def test_order_in_force_restricts_its_targets() -> None:
    view = decided(confidential=False)
    order = view.fold.orders.by_id[ORDER]
    tag, withheld = order_restrictions(order, NOW_MS)
    assert (tag.kind, tag.measure, tag.surfaces, tag.country, tag.source) == (
        "hashtag", "reduced", ("trends",), "IN", "legal",
    )  # fmt: skip
    assert (withheld.kind, withheld.target, withheld.measure) == ("account", "1001", "withheld")
    assert "Ministry of Examples (IT Act 69A, No. 7)" in user_text(withheld, "en")
    assert active_restrictions(HashtagReport("rumour", [], view, None, NOW_MS)) == [tag]
    demands = order_request(order, NOW_MS).targets
    assert [(one.kind, one.outcome) for one in demands] == [
        ("hashtag", "reduced"), ("account", "withheld"), ("account", "declined"),
    ]  # fmt: skip


def test_statement_of_confidential_order_names_nothing() -> None:
    for one in order_restrictions(decided(confidential=True).fold.orders.by_id[ORDER], NOW_MS):
        plain = json.dumps(statement_answer(one).members())
        assert not any(word in plain for word in ("Ministry", "69A", "No. 7", "within the law", "lee", ORDER))


def test_order_not_in_force_restricts_nothing() -> None:
    steps = [order_step("acknowledged", 1), order_step("under_review", 2), order_ruling("withheld", 1, 1, 3)]
    waiting = ordered(*steps).fold.orders.by_id[ORDER]
    assert order_restrictions(waiting, NOW_MS) == []
    interim = ordered(*steps, order_step("interim", 4, NOW_MS + 10)).fold.orders.by_id[ORDER]
    assert [one.ends_ms for one in order_restrictions(interim, NOW_MS + 9)] == [NOW_MS + 10]
    assert order_restrictions(interim, NOW_MS + 10) == []
    assert {one.outcome for one in order_request(waiting, NOW_MS).targets} == {"undecided"}
    assert [one.outcome for one in order_request(interim, NOW_MS + 9).targets] == ["undecided", "withheld", "undecided"]
    assert [one.outcome for one in order_request(interim, NOW_MS + 10).targets] == ["undecided", "ended", "undecided"]
