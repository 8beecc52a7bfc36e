"""Statements of targets that several orders and a suspension restrict, against a set of (target, country) pairs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from moderation.domain.restrictions.collection import order_restrictions, with_present_states
from moderation.outward.statements.text import LANGUAGES, user_text
from streams.orders.records import Target
from tests.support.orders_world import HEAD, HOUR_MS, OrdersWorld, accounts

TWEET = Target("tweet", "900", author="1")
ALL = frozenset({"IN", "DE", "FR"})
"""The world of the reference: two countries with orders, and one without."""
NAMES = {"en": {"IN": "India", "DE": "Germany"}, "hi": {"IN": "भारत", "DE": "जर्मनी"}}
WORDS = {
    "en": {
        "visible": "Everywhere else it is.",
        "several": "Other decisions hide it from viewers in {} too. Everywhere else it is visible.",
        "nowhere": "Other decisions hide it everywhere else too.",
        "suspended": "Your account is suspended.",
    },
    "hi": {
        "visible": "बाकी हर जगह दिखाई देता है।",
        "several": "अन्य निर्णयों के कारण यह {} के दर्शकों को भी दिखाई नहीं देता। बाकी हर जगह दिखाई देता है।",
        "nowhere": "अन्य निर्णयों के कारण यह बाकी हर जगह भी दिखाई नहीं देता।",
        "suspended": "आपका खाता निलंबित है।",
    },
}

Restricted = set[tuple[str, str, frozenset[str]]]
"""(order, target, countries) of every decision in force: the whole reference."""


def steps(world: OrdersWorld, orders: dict[str, str]) -> Iterator[Restricted]:
    """Play three orders of two countries; yield the reference after each step."""
    india, interim, germany = orders.values()
    in_force: Restricted = set()
    world.rule(india, "withheld", "1", "https://x.com/i/status/900")
    world.step(india, "final")
    in_force |= {("A", "1", frozenset({"IN"})), ("A", "900", frozenset({"IN"}))}
    yield in_force
    world.rule(germany, "withheld", "1", "2")
    world.step(germany, "final")
    in_force |= {("C", "1", frozenset({"DE"})), ("C", "2", frozenset({"DE"}))}
    yield in_force
    world.rule(interim, "withheld", "2")
    world.step(interim, "interim", expires_at_ms=world.now_ms + HOUR_MS)
    in_force.add(("B", "2", frozenset({"IN"})))
    yield in_force
    world.rule(interim, "suspended", "1")
    in_force.add(("B", "1", ALL))
    yield in_force
    world.now_ms += HOUR_MS  # the interim decision lapses; the suspension stays
    in_force.discard(("B", "2", frozenset({"IN"})))
    yield in_force
    world.rule(interim, "declined", "1")
    in_force.discard(("B", "1", ALL))
    yield in_force
    world.step(india, "revoked")
    in_force -= {decision for decision in in_force if decision[0] == "A"}
    yield in_force


def hidden_from(target: str, in_force: Restricted) -> frozenset[str]:
    """Collect the countries that do not see a target; a tweet is hidden with its author."""
    names = {target, "1"} if target == TWEET.value else {target}
    return frozenset(country for _, name, countries in in_force if name in names for country in countries)


def expected_words(target: str, countries: frozenset[str], in_force: Restricted, language: str) -> str:
    words = WORDS[language]
    if countries == ALL:
        return words["suspended"]
    others = hidden_from(target, in_force) - countries
    if others == ALL - countries:
        return words["nowhere"]
    named = " ".join(NAMES[language][country] for country in sorted(others))
    return words["several"].format(named) if others else words["visible"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_statements_of_overlapping_orders_equal_set_of_pairs(language: str) -> None:
    world = OrdersWorld()
    orders = {}
    for name, country, targets in (("A", "IN", [*accounts(1), TWEET]), ("B", "IN", accounts(1, 2)),
                                   ("C", "DE", accounts(1, 2))):  # fmt: skip
        orders[name] = world.intake(targets, replace(HEAD, reference=name, country=country))
        world.review(orders[name])
    read = 0
    for in_force in steps(world, orders):
        for name, order in orders.items():
            fold = world.log.view.fold
            restrictions = with_present_states(
                order_restrictions(world.desk.get(order), world.now_ms), fold, world.now_ms
            )
            of_order = {target: countries for by, target, countries in in_force if by == name}
            assert {restriction.target: restriction.country for restriction in restrictions} == {
                target: "*" if countries == ALL else min(countries) for target, countries in of_order.items()
            }
            for restriction in restrictions:
                first = user_text(restriction, language).splitlines()[0]
                words = expected_words(restriction.target, of_order[restriction.target], in_force, language)
                assert first.endswith(words), (name, restriction.target, first, words)
                read += 1
    assert read == 28


def test_statement_of_unresolved_target_claims_nothing_elsewhere() -> None:
    world = OrdersWorld()
    order = world.intake(accounts(1))
    world.review(order)
    world.rule(order, "withheld", "1")
    [restriction] = order_restrictions(world.step(order, "final"), world.now_ms)
    assert user_text(restriction, "en").splitlines()[0] == "Your account is not visible to viewers in India."


@pytest.mark.parametrize("language", LANGUAGES)
def test_statement_not_in_force_says_so_first(language: str) -> None:
    world = OrdersWorld()
    order = world.intake(accounts(1))
    world.review(order)
    world.rule(order, "withheld", "1")
    [restriction] = order_restrictions(world.step(order, "final"), world.now_ms)
    first = user_text(replace(restriction, in_force=False, also_hidden_in=()), language).splitlines()[0]
    assert (
        first
        == {"en": "This decision is not in force now. It was:", "hi": "यह निर्णय अब लागू नहीं है। निर्णय यह था:"}[language]
    )
    assert WORDS[language]["visible"] not in user_text(
        replace(restriction, in_force=False, also_hidden_in=()), language
    )
