"""Published counts of distinct accounts where orders overlap: resolved states, what each order got, sentences."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from moderation.cli import report as report_cli
from moderation.domain.orders.letter import letter
from moderation.domain.orders.selection import Selection
from moderation.domain.orders.target_states import target_states
from moderation.outward.report.automated_decisions import AutomatedDecisions
from moderation.outward.report.export import as_csv
from moderation.outward.report.prepared_report import Period
from moderation.outward.report.published_report import PublishedReport, publish
from moderation.outward.report.report_inputs import ReadLogs
from moderation.outward.report.update import update
from moderation.outward.statements.lumen import lumen_notice, order_request
from streams.flags.overrides import OverrideHistory
from streams.orders.records import Target
from tests.support.orders_world import HEAD, HOUR_MS, NOW_MS, OrdersWorld, accounts
from tests.support.report_cases import DAY_MS, facts_of


def ordered(world: OrdersWorld, reference: str, targets: list[Target], **head: Any) -> str:
    order = world.intake(targets, replace(HEAD, reference=reference, **head))
    world.review(order)
    return order


def withhold(world: OrdersWorld, order: str) -> None:
    world.rule(order, "withheld", selection=Selection(undecided=True))
    world.step(order, "final")


def overlapping() -> tuple[OrdersWorld, str, str]:
    """Order A suspends 1-20 and withholds 21-60. Order B withholds 6-35 and 61-70. Then A is revoked."""
    world = OrdersWorld()
    first = ordered(world, "A", accounts(*range(1, 61)))
    world.rule(first, "suspended", *map(str, range(1, 21)))
    withhold(world, first)
    second = ordered(world, "B", accounts(*range(6, 36), *range(61, 71)))
    withhold(world, second)
    world.step(first, "revoked")
    return world, first, second


def published(world: OrdersWorld, **options: Any) -> PublishedReport:
    return publish(facts_of(world, [], **options))


def sentences(report: PublishedReport) -> str:
    return " ".join(update(report).split())


def test_accounts_of_overlapping_orders_count_once_by_resolved_state() -> None:
    world, _, _ = overlapping()
    report = published(world, country="IN")
    assert report.facts["targets"] == {"account": 70} and report.facts["requested"] == {"account": 100}
    assert report.facts["states"] == {"account": {"suspended": 20, "withheld": 25, "ended": 25}}
    text = sentences(report)
    assert "2 legal orders, naming 70 accounts." in text
    assert "20 accounts are suspended in all countries" in text
    assert "25 accounts are withheld in India only. They remain visible everywhere else." in text
    assert "25 accounts were withheld until the order on them or our interim decision ended." in text
    assert "As of 2021-02-08 16:00 UTC, over all orders, each counted once:" in text


def test_each_order_states_what_it_asked_for_and_got() -> None:
    world, _, _ = overlapping()
    report = published(world)
    got = [(order["state"], order["targets"], order["outcomes"]) for order in report.facts["by_order"]]
    assert sorted(got, key=lambda one: str(one[0])) == [
        ("final", {"account": 40}, {"account": {"withheld": 40}}),
        ("revoked", {"account": 60}, {"account": {"suspended": 20, "ended": 40}}),
    ]
    assert "now final: 40 accounts; of the accounts, 40 withheld in its country." in sentences(report)


def test_letter_of_revoked_order_counts_what_another_one_withholds() -> None:
    world, first, second = overlapping()
    states = target_states(world.log.view.fold, world.now_ms)
    text = " ".join(letter(world.desk.get(first), states, sender="x").split())
    assert "20 accounts suspended in all countries - 15 accounts withheld in India only" in text
    assert "25 accounts not withheld in India" in text
    assert "40 accounts held back in India until the order" in text
    other = " ".join(letter(world.desk.get(second), states, sender="x").split())
    assert "40 accounts withheld from viewers in India" in other
    assert "15 accounts suspended in all countries - 25 accounts withheld in India only" in other
    assert "remains visible elsewhere" not in text + other


def test_order_outside_the_report_still_decides_the_state() -> None:
    world = OrdersWorld()
    old = ordered(world, "OLD", accounts(*range(1, 11)), received_ms=NOW_MS - 40 * DAY_MS)
    withhold(world, old)
    revoked = ordered(world, "NEW", accounts(*range(1, 21)))
    withhold(world, revoked)
    world.step(revoked, "revoked")
    assert published(world).facts["states"] == {"account": {"withheld": 10, "ended": 10}}


def test_account_withheld_in_two_countries_is_not_visible_everywhere_else() -> None:
    world = OrdersWorld()
    withhold(world, ordered(world, "A", accounts(*range(1, 21))))
    withhold(world, ordered(world, "B", accounts(*range(1, 11)), country="DE"))
    india, world_wide = published(world, country="IN"), published(world)
    states = {"account": {"withheld": 10, "withheld_in_several_countries": 10}}
    assert india.facts["states"] == states == world_wide.facts["states"]
    assert "10 accounts are withheld in several countries, India among them, and visible elsewhere." in sentences(india)
    assert "10 accounts are withheld in India only. They remain visible everywhere else." in sentences(india)
    germany = published(world, country="DE")
    assert germany.facts["states"] == {"account": {"withheld_in_several_countries": 10}}


def test_account_withheld_elsewhere_is_stated_apart() -> None:
    world = OrdersWorld()
    withhold(world, ordered(world, "A", accounts(*range(1, 11)), country="DE"))
    order = ordered(world, "B", accounts(*range(1, 11)))
    world.rule(order, "declined", selection=Selection(undecided=True))
    assert published(world, country="IN").facts["states"] == {"account": {"withheld_elsewhere": 10}}


def test_released_account_is_not_reported_as_no_action() -> None:
    world = OrdersWorld()
    order = ordered(world, "A", accounts(*range(1, 21)))
    world.rule(order, "declined", *map(str, range(1, 6)))
    withhold(world, order)
    world.rule(order, "declined", *map(str, range(6, 12)), reason="appeal")
    report = published(world)
    assert report.facts["states"] == {"account": {"declined": 5, "released": 6, "withheld": 9}}
    assert "6 accounts were restricted until an appeal or a new ruling reversed our decision." in sentences(report)
    states = target_states(world.log.view.fold, world.now_ms)
    text = letter(world.desk.get(order), states, sender="x")
    assert "What we did at first and took back, and why:\n  - 6 accounts: other grounds; appeal" in text


def test_notice_names_no_released_target_and_does_not_call_it_declined() -> None:
    world = OrdersWorld()
    order = ordered(world, "A", accounts(1, 2, 3))
    withhold(world, order)
    world.rule(order, "declined", "1", reason="appeal")
    request = order_request(world.desk.get(order), world.now_ms)
    assert [one.outcome for one in request.targets] == ["released", "withheld", "withheld"]
    notice = lumen_notice(request, recipient="Example", site="https://example.org")["notice"]
    assert "1 account restricted at first, and released" in notice["body"] and "declined" not in notice["body"]
    urls = [url["url"] for work in notice["works_attributes"] for url in work["infringing_urls_attributes"]]
    assert urls == ["https://example.org/i/user/2", "https://example.org/i/user/3"]


def test_proposal_of_one_person_is_no_release() -> None:
    """Another person declines what one alone proposed against a protected speaker: nothing was ever in force."""
    world = OrdersWorld()
    for account in range(1, 7):
        world.protect(str(account))
    order = ordered(world, "A", accounts(*range(1, 7)))
    world.rule(order, "withheld", *map(str, range(1, 7)), against_protected=True)
    world.step(order, "interim", expires_at_ms=NOW_MS + HOUR_MS)
    world.rule(order, "declined", *map(str, range(1, 7)), actor="ben")
    facts = facts_of(world, [])
    assert (facts.states, facts.protected_released) == ({"account": {"declined": 6}}, 0)


def test_released_protected_speakers_are_stated() -> None:
    world = OrdersWorld()
    order = ordered(world, "A", accounts(*range(1, 13)))
    withhold(world, order)
    for account in range(1, 7):
        world.protect(str(account))
    world.rule(order, "declined", *map(str, range(1, 7)), ground="protected_speech")
    text = sentences(published(world))
    assert "We acted against 6 protected speakers and reversed that decision." in text
    assert "We acted against no protected speaker" not in text


def test_released_speakers_reveal_no_small_count() -> None:
    """Two accounts are suspended: an exact number of released ones would be their difference from the total."""
    world = OrdersWorld()
    order = ordered(world, "A", accounts(*range(1, 51)))
    world.rule(order, "suspended", "1", "2")
    withhold(world, order)
    for account in range(3, 11):
        world.protect(str(account))
    world.rule(order, "declined", *map(str, range(3, 11)), ground="protected_speech")
    facts = published(world).facts
    assert facts["states"]["account"] == {"withheld": 40, "released": "6 to 9", "suspended": "<5"}
    assert facts["protected_speakers_released"] == "6 to 9" and 8 not in facts.values()


def test_declined_accounts_that_were_not_found_are_no_protected_speech() -> None:
    world = OrdersWorld()
    order = ordered(world, "A", accounts(*range(1, 21)))
    world.rule(order, "declined", *map(str, range(1, 11)), ground="not_found")
    withhold(world, order)
    text = sentences(published(world))
    assert "On 10 accounts we took no action: 10 could not be found." in text and "protected speech" not in text


def test_hashtag_of_a_revoked_order_stays_reduced_by_another() -> None:
    world = OrdersWorld()
    tags = [Target("hashtag", f"t{n}", f"T{n}") for n in range(10)]
    first, second = ordered(world, "A", tags), ordered(world, "B", tags[:5])
    for order in (first, second):
        world.rule(order, "reduced", selection=Selection(undecided=True))
        world.step(order, "final")
    world.step(first, "revoked")
    report = published(world, country="IN")
    assert report.facts["states"] == {"hashtag": {"reduced": 5, "ended": 5}}
    assert "The visibility of 5 hashtags is reduced in India" in sentences(report)
    assert "The visibility of 5 hashtags was reduced until the order" in sentences(report)


def test_latest_ruling_gives_the_ground_of_a_declined_account() -> None:
    world = OrdersWorld()
    for reference, ground in (("A", "not_unlawful"), ("B", "overbroad")):
        order = ordered(world, reference, accounts(*range(1, 7)))
        world.now_ms += 1
        world.rule(order, "declined", selection=Selection(undecided=True), ground=ground)
    facts = facts_of(world, [])
    assert (facts.targets, facts.declined) == ({"account": 6}, {"account": {"overbroad": 6}})


def test_outcomes_by_order_are_left_out_where_a_count_is_small() -> None:
    world = OrdersWorld()
    tags = [Target("hashtag", f"t{n}", f"T{n}") for n in range(8)]
    first = ordered(world, "A", [*accounts(*range(1, 21)), *tags])
    world.rule(first, "suspended", "1", "2")
    world.rule(first, "reduced", selection=Selection(undecided=True, kinds=("hashtag",)))
    withhold(world, first)
    withhold(world, ordered(world, "B", accounts(*range(30, 40))))
    report = published(world)
    assert report.facts["requested"] == {"hashtag": 8}
    assert [order["targets"] for order in report.facts["by_order"]].count({}) == 1
    text = sentences(report)
    assert "8 reduced visibility. - The counts of the other orders are too small to give." in text and ": ;" not in text
    assert report.facts["states"]["account"] == {"withheld": "26 to 29", "suspended": "<5"}


def test_two_accounts_named_twice_are_not_revealed() -> None:
    world = OrdersWorld()
    withhold(world, ordered(world, "A", accounts(*range(1, 21))))
    withhold(world, ordered(world, "B", accounts(*range(19, 31))))
    report = published(world)
    assert report.facts["targets"] == {"account": 30} and report.facts["requested"] == {}
    assert "What each order asked for" not in sentences(report)


def test_two_accounts_of_an_earlier_order_are_not_revealed() -> None:
    world = OrdersWorld()
    withhold(world, ordered(world, "OLD", accounts(1, 2), received_ms=NOW_MS - 40 * DAY_MS))
    revoked = ordered(world, "A", accounts(*range(1, 21)))
    withhold(world, revoked)
    world.step(revoked, "revoked")
    withhold(world, ordered(world, "B", accounts(*range(30, 50))))
    facts = published(world).facts
    assert facts["states"] == {"account": {"withheld": 22, "ended": 18}} and facts["requested"] == {}


def test_confidential_order_is_counted_with_another() -> None:
    world = OrdersWorld()
    withhold(world, ordered(world, "A", accounts(*range(1, 21))))
    withhold(world, ordered(world, "B", accounts(*range(30, 36))))
    withhold(world, ordered(world, "C", accounts(*range(40, 50)), confidential=True))
    orders = published(world).facts["by_order"]
    assert [(one["orders"], one["country"], one["targets"]) for one in orders] == [
        (1, "IN", {"account": 20}),
        (2, "", {"account": 16}),
    ]
    assert "2 orders, among them those that may not be published one by one: 16 accounts" in sentences(published(world))


def test_ended_interim_decision_is_named_in_the_state() -> None:
    world = OrdersWorld()
    order = ordered(world, "A", accounts(*range(1, 7)))
    world.rule(order, "withheld", selection=Selection(undecided=True))
    world.step(order, "interim", expires_at_ms=NOW_MS + HOUR_MS)
    assert facts_of(world, []).orders_by_state == {"interim": 1}
    world.now_ms += HOUR_MS
    assert facts_of(world, []).orders_by_state == {"interim_ended": 1}


def test_small_count_says_what_was_counted() -> None:
    world = OrdersWorld()
    withhold(world, ordered(world, "A", accounts(1, 2)))
    text = sentences(published(world))
    assert "naming fewer than 5 accounts." in text
    assert "fewer than 5 accounts are withheld" in text


def test_report_on_all_countries_may_be_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """`*` is no country: as one, it would have no orders."""
    world, _, _ = overlapping()

    async def read_moderation(settings: object, on_read: object, end: int | None) -> OverrideHistory:
        return world.log.view

    async def read_logs(settings: object, period: Period, on_read: object, *, with_openings: bool) -> ReadLogs:
        return ReadLogs(AutomatedDecisions({}, period.from_ms, period.to_ms))

    monkeypatch.setattr("moderation.outward.report.report_inputs.read_moderation", read_moderation)
    monkeypatch.setattr("moderation.outward.report.report_inputs.read_logs", read_logs)
    app = typer.Typer()
    report_cli.register(app)
    asked = ["--from", "2021-02-01", "--to", "2021-02-28", "--json", "--country", "*"]
    facts = json.loads(CliRunner().invoke(app, asked).stdout)
    assert (facts["country"], facts["orders"], facts["targets"]) == ("*", 2, {"account": 70})


def test_table_has_a_row_for_every_number() -> None:
    world, _, _ = overlapping()
    rows = as_csv(published(world)).splitlines()
    assert rows[0] == "number,value"
    for row in ("states.account.suspended,20", "targets.account,70", "requested.account,100", "orders,2"):
        assert row in rows
