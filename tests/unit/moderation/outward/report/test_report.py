"""The report and the letter to the authority: exact counts, rounding, and no personal data."""

from __future__ import annotations

import doctest
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from moderation import wording
from moderation.domain import family, rounding, tables
from moderation.domain.cases.quality import ReviewQuality
from moderation.domain.orders import intake_plan
from moderation.domain.orders.letter import letter
from moderation.domain.orders.public_outcomes import published_outcomes
from moderation.domain.orders.selection import Selection
from moderation.domain.orders.target_states import TargetStates, target_states
from moderation.domain.rounding import THRESHOLD, Count, bar_length, round_count, round_group, round_parts
from moderation.outward.report import page, plots, words
from moderation.outward.report.episodes import episodes
from moderation.outward.report.facts import count_facts
from moderation.outward.report.plots import LabeledBar, bar_table
from moderation.outward.report.published_report import publish
from moderation.outward.report.texts_read import TextsRead
from moderation.outward.report.update import update as update_text
from streams.log.decisions import Decision
from streams.log.moderation import Override, encode_moderation
from streams.orders import records as order_records
from streams.orders.records import Target
from tests.support.orders_world import HEAD, HOUR_MS, NOW_MS, OrdersWorld, accounts
from tests.support.report_cases import DAY_MS, decided, facts_of, order_world


@pytest.mark.parametrize(
    ("decisions", "wanted"),
    [
        ([decided(10, ("a", "suppress", 100)), decided(40, ("a", "clear", 0))], [("a", 10, 40)]),
        ([decided(10, ("a", "suppress", 100)), decided(60, ("a", "suppress", 160)), decided(90)], [("a", 10, 90)]),
        ([decided(10, ("a", "suppress", 100))], [("a", 10, 100)]),
        ([decided(10, ("a", "suppress", 900))], [("a", 10, 500)]),
        ([decided(10, ("a", "hold", 20)), decided(60, ("a", "suppress", 70))], [("a", 10, 20), ("a", 60, 70)]),
        ([decided(10, ("a", "review", 20), ("b", "suppress", 30))], [("b", 10, 30)]),
        ([decided(10, ("a", "suppress", 50)), decided(10, ("a", "suppress", 50))], [("a", 10, 50)]),
        ([decided(40, number=40), decided(10, ("a", "suppress", 90), number=10)], [("a", 10, 40)]),
        ([decided(600, ("a", "suppress", 900))], []),
    ],
)
def test_episode_spans_first_decision_to_end(decisions: list[Decision], wanted: list[Any]) -> None:
    assert [(one.category, one.from_ms, one.to_ms) for one in episodes(decisions, 0, 500)] == wanted


def test_discounts_are_episodes_apart_from_suppressions() -> None:
    decisions = [
        decided(10, ("a", "discount", 900)),
        decided(40, ("a", "suppress", 900), ("b", "discount", 60)),
        decided(90, ("a", "discount", 900)),
        decided(120),
    ]
    hidden, contested = (
        [(one.category, one.from_ms, one.to_ms) for one in episodes(decisions, 0, 500, actions)]
        for actions in (("suppress", "hold"), ("discount",))
    )
    assert hidden == [("a", 40, 90)]
    assert contested == [("a", 10, 40), ("b", 40, 60), ("a", 90, 120)]


def test_facts_count_discounts_apart() -> None:
    at_ms = NOW_MS + 1
    contested = [decided(at_ms, ("hate", "discount", at_ms + HOUR_MS), tag=f"c{n}") for n in range(6)]
    facts = facts_of(OrdersWorld(), [*contested, decided(at_ms, ("abuse", "suppress", at_ms + HOUR_MS))])
    assert (facts.suppressed, facts.discounted) == ({"abuse": 1}, {"hate": 6})
    assert facts.discounted_for_ms == {"hate": HOUR_MS} and len(facts.durations_ms) == 1
    published = publish(facts).facts
    assert published["hashtags_discounted_by_category"] == {"hate": 6}
    assert published["median_discount_ms_by_category"] == {"hate": HOUR_MS}
    assert published["hashtags_suppressed_by_category"] == {"abuse": "<5"}
    html = page.html(publish(facts), NOW_MS)
    assert "Contested hashtags by category" in html and "Median duration" in html
    assert "No hashtag was contested." in page.html(publish(facts_of(OrdersWorld(), [])), NOW_MS)


def test_facts_count_the_records() -> None:
    world, order = order_world()
    world.rule(order, "declined", "0", reason="appeal")
    world.log.append(*encode_moderation(Override(
        id="o", hashtag="tag", display="tag", country="IN", surfaces=("trends",), actor="a", reason="r",
        at_ms=NOW_MS + 50, action="allow", expires_at_ms=NOW_MS + DAY_MS)))  # fmt: skip
    hidden = [
        decided(NOW_MS + at, ("hate", "suppress", NOW_MS + HOUR_MS), tag=tag) for at, tag in ((1, "tag"), (2, "other"))
    ]
    facts = facts_of(world, hidden)
    assert (facts.orders, facts.orders_by_state, facts.targets) == (1, {"final": 1}, {"account": 26, "hashtag": 1})
    assert facts.states["account"] == {"declined": 6, "released": 1, "suspended": 6, "withheld": 13}
    assert (facts.declined, facts.protected) == ({"account": {"protected_speech": 6}}, {"journalist": 6})
    assert (facts.time_to_act_ms, facts.on_time, facts.acted) == (2 * HOUR_MS, 1, 1)
    assert (facts.suppressed, facts.suppressed_for_ms["hate"]) == ({"hate": 2}, HOUR_MS - 2)
    assert (facts.overruled, facts.by_people) == (1, {"allow": 1})
    nowhere = facts_of(world, hidden, country="DE")
    assert (nowhere.orders, nowhere.suppressed, nowhere.time_to_act_ms) == (0, {}, None)
    early = count_facts(world.log.view, hidden, 0, NOW_MS - DAY_MS, now_ms=world.now_ms)
    assert (early.orders, early.by_people, early.durations_ms) == (0, {}, ())


def test_order_declined_as_a_whole_declines_all_targets() -> None:
    world = OrdersWorld()
    order = world.intake(accounts(1, 2))
    world.step(order, "declined")
    facts = facts_of(world, [])
    assert (facts.states, facts.declined, facts.acted) == ({"account": {"declined": 2}}, {"account": {"other": 2}}, 1)
    assert "We decline to act on this order." in letter(world.desk.get(order), states(world, NOW_MS), sender="x")


def states(world: OrdersWorld, at_ms: int | None = None) -> TargetStates:
    return target_states(world.log.view.fold, world.now_ms if at_ms is None else at_ms)


def rendered(world: OrdersWorld) -> tuple[dict[str, Any], str, str]:
    """Return the report's numbers, the update, and the page as one line."""
    published = publish(facts_of(world, [], country="IN"))
    html = " ".join(page.html(published, world.now_ms).split())
    return published.facts, update_text(published), html


def twelve() -> tuple[OrdersWorld, str]:
    """An order under review, all of whose twelve accounts are ruled `withheld`."""
    world = OrdersWorld()
    order = world.intake(accounts(*range(1, 13)))
    world.review(order)
    world.rule(order, "withheld", selection=Selection())
    return world, order


@pytest.mark.parametrize(
    ("steps", "later_ms", "outcome", "sentence"),
    [
        ([], 0, "undecided", "12 accounts are visible and still under review."),
        (["revoked"], 0, "dropped", "On 12 accounts no action had been taken when the order on them ended."),
        (["interim"], 0, "withheld", "12 accounts are withheld in India only."),
        (["interim"], HOUR_MS - 1, "withheld", "12 accounts are withheld in India only."),
        (
            ["interim"],
            HOUR_MS,
            "ended",
            "12 accounts were withheld until the order on them or our interim decision ended.",
        ),
        (["interim", "final"], HOUR_MS, "withheld", "12 accounts are withheld in India only."),
        (
            ["final", "revoked"],
            0,
            "ended",
            "12 accounts were withheld until the order on them or our interim decision ended.",
        ),
        (["declined"], 0, "declined", "On 12 accounts we took no action: 12 were declined for other reasons."),
    ],
)
def test_published_outcome_follows_order_state(steps: list[str], later_ms: int, outcome: str, sentence: str) -> None:
    world, order = twelve()
    for state in steps:
        world.step(order, state, expires_at_ms=NOW_MS + HOUR_MS if state == "interim" else 0)
    world.now_ms += later_ms
    facts, update, html = rendered(world)
    assert facts["states"] == {"account": {outcome: 12}}
    assert sentence in " ".join(update.split())
    assert (outcome == "withheld") == ("withheld in one country" in html) == ("are withheld" in update)
    assert outcome in ("withheld", "declined") or words.OUTCOMES[outcome] in html
    assert [published_outcomes(world.desk.get(order), world.now_ms)] == [[outcome] * 12]


def test_outcomes_add_up_to_targets_after_order_ends() -> None:
    """After the interim decision, `withheld` becomes `ended`, and later rulings count as undecided."""
    world = OrdersWorld()
    order = world.intake([*accounts(*range(30)), Target("hashtag", "harm", "Harm")])
    world.review(order)
    world.rule(order, "suspended", *map(str, range(6)))
    world.rule(order, "declined", *map(str, range(6, 13)))
    world.rule(order, "withheld", *map(str, range(13, 21)))
    world.rule(order, "reduced", "#harm")
    world.step(order, "interim", expires_at_ms=NOW_MS + HOUR_MS)
    world.now_ms += HOUR_MS // 2
    world.rule(order, "withheld", "21")
    world.now_ms += HOUR_MS
    world.rule(order, "withheld", *map(str, range(22, 28)))
    counts = facts_of(world, []).states
    assert counts["account"] == {"suspended": 6, "declined": 7, "ended": 9, "undecided": 8}
    assert sum(counts["account"].values()) == facts_of(world, []).targets["account"]
    assert counts["hashtag"] == {"ended": 1}
    _, update, _ = rendered(world)
    assert "The visibility of fewer than 5 hashtags was reduced until" in update
    world.step(order, "revoked")
    assert facts_of(world, []).states["account"] == {"suspended": 6, "declined": 7, "ended": 9, "dropped": 8}
    assert "On 8 accounts no action had been taken" in rendered(world)[1]


def test_speaker_registered_after_ruling_is_reported_separately() -> None:
    world = OrdersWorld()
    for account in range(20, 27):
        world.protect(str(account))
    order = world.intake(accounts(*range(1, 10), *range(20, 27)))
    world.review(order)
    world.rule(order, "withheld", *map(str, range(1, 10)))
    for actor in ("ann", "ben"):
        world.rule(order, "withheld", *map(str, range(20, 27)), actor=actor, against_protected=True)
    before, update, _ = rendered(world)
    assert before["protected_speakers_acted_against"] == before["protected_speakers_registered_afterwards"] == 0
    assert "We acted against" not in update, "the order is not in force yet"
    world.step(order, "final")
    for account in range(1, 7):
        world.protect(str(account))
    facts, update, html = rendered(world)
    assert facts["protected_speakers_acted_against"] == 7
    assert facts["protected_speakers_registered_afterwards"] == 6
    assert "- We acted against 7 protected speakers. Two people decided on each." in update
    later = "6 accounts that we acted against were registered as protected speakers only after the decision"
    assert later in " ".join(update.split())
    assert "We acted against 7 protected speakers; two people decided on each." in html
    assert later in html


def test_report_states_when_no_protected_speaker_was_restricted() -> None:
    world = OrdersWorld()
    order = world.intake(accounts(1, 2))
    world.review(order)
    world.rule(order, "withheld", "1")
    world.rule(order, "declined", "2", ground="protected_speech")
    world.step(order, "final")
    world.protect("2")
    _, update, html = rendered(world)
    assert "acted against no protected speaker" in update and "acted against no protected speaker" in html
    world.protect("1")
    _, update, html = rendered(world)
    assert "acted against no" not in update + html and "wo people decided" not in update + html
    assert "fewer than 5 accounts that we acted against were registered" in update
    assert "Fewer than 5 accounts that we acted against were registered" in html


def test_ground_of_another_outcome_counts_as_other() -> None:
    world = OrdersWorld()
    order = world.intake(accounts(*range(12)))
    world.review(order)
    world.rule(order, "declined", *map(str, range(5)), ground="other")
    case = world.step(order, "declined")
    offset, step = case.history[-1]
    case.history[-1] = offset, replace(step, ground="local_law")
    facts, update, html = rendered(world)
    assert facts["declined_by_ground"] == {"account": {"other": 12}}
    assert "On 12 accounts we took no action: 12 were declined for other reasons." in update
    assert "Accounts declined by ground" in html


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 300), max_size=6))
def test_rounded_counts_bound_the_real_ones(counts: dict[str, int]) -> None:
    given_counts = round_group(counts)
    assert set(given_counts) == set(counts)
    for name, count in given_counts.items():
        least, most = bounds(count)
        assert least <= counts[name] <= most
        assert 0 < counts[name] < THRESHOLD or count != f"<{THRESHOLD}"
        assert least <= bar_length(count) <= most + 1
        assert not (0 < counts[name] < THRESHOLD and isinstance(count, int))


def bounds(count: Count) -> tuple[int, int]:
    if isinstance(count, int):
        return count, count
    if count.startswith("<"):
        return 1, int(count[1:].replace(",", "")) - 1
    least, most = count.replace(",", "").split(" to ")
    return int(least), int(most)


def all_groups(cells: int, total: int) -> Iterator[tuple[int, ...]]:
    if cells == 1:
        yield (total,)
        return
    for first in range(total + 1):
        yield from ((first, *others) for others in all_groups(cells - 1, total - first))


@pytest.mark.parametrize(("cells", "most"), [(1, 60), (2, 60), (3, 30), (4, 20), (6, 12)])
def test_total_and_rules_reveal_no_small_count(cells: int, most: int) -> None:
    """Compare all groups that are published alike and share a published total."""
    alike: dict[object, list[tuple[int, ...]]] = defaultdict(list)
    for total in range(most + 1):
        for group in all_groups(cells, total):
            given_counts = round_group({str(place): count for place, count in enumerate(group)})
            alike[round_count(total), tuple(given_counts[str(place)] for place in range(cells))].append(group)
    for groups in alike.values():
        if sum(groups[0]) == sum(count > 0 for count in groups[0]):
            continue  # as many counts as the total: each is 1
        for place in range(cells):
            possible = {group[place] for group in groups}
            assert len(possible) > 1 or not 0 < possible.pop() < THRESHOLD, groups


def test_ten_is_published_as_ten() -> None:
    assert round_group({"a": 10, "b": 10}) == {"a": 10, "b": 10}
    assert round_group({"a": 10, "b": 10, "c": 3}) == {"a": 10, "b": "9 to 10", "c": "<5"}
    assert round_group({"a": 10, "b": 3, "c": 2}) == {"a": 10, "b": "<5", "c": "<5"}


@given(st.integers(0, 60), st.lists(st.integers(1, 60), min_size=1, max_size=4), st.integers(0, 6))
def test_parts_of_hidden_count_reveal_no_more(other: int, parts: list[int], small: int) -> None:
    """The sum of the parts leaves open every value that the outcomes leave open."""
    outcomes = round_group({"whole": sum(parts), "other": other, "small": small})
    parts_given = round_parts(outcomes["whole"], {str(place): count for place, count in enumerate(parts)})
    least, most = bounds(outcomes["whole"])
    found = [bounds(one) for one in parts_given.values()]
    assert sum(low for low, _ in found) <= max(least, len(parts))
    assert sum(high for _, high in found) >= most


def test_page_and_json_hold_no_names_or_external_links() -> None:
    world, _ = order_world()
    published = publish(
        facts_of(world, [decided(NOW_MS, ("hate", "suppress", NOW_MS + 5), tag=f"t{n}") for n in range(6)])
    )
    html = page.html(published, NOW_MS, title="<b>")
    assert "&lt;b&gt;" in html
    assert not re.search(r"<script|src=|href=|url\(|@import", html)
    plots = re.findall(r'<table class="bars">.*?</table>', html, re.DOTALL)
    assert len(plots) >= 4
    for plot in plots:
        assert ElementTree.fromstring(plot).findtext("caption")
    everything = html + json.dumps(published.facts)
    for secret in ("ann", "because", HEAD.reference, HEAD.authority, "the press", "t0"):
        assert secret not in everything
    assert published.facts["states"]["account"] == {"withheld": 13, "suspended": 7, "declined": 6}
    assert published.facts["declined_by_ground"] == {"account": {"protected_speech": 6}}
    assert published.facts["protected_speakers_acted_against"] == 0
    assert "acted against no protected speaker" in update_text(published)
    assert published.facts["states"]["hashtag"] == {"reduced": "<5"}
    assert published.facts["suppressions_by_duration"] == {"hour": 6}
    assert "13 accounts are withheld" in update_text(published)
    assert "On 6 accounts we took no action: 6 are protected speech." in update_text(published)
    empty = publish(facts_of(OrdersWorld(), []))
    assert "No order was received" in page.html(empty, NOW_MS)
    assert "0 legal orders" in update_text(empty)


def test_languages_that_were_not_read_are_published() -> None:
    facts = facts_of(OrdersWorld(), [])
    assert publish(facts).facts["texts_by_language"] is None
    assert "Languages that our systems read" not in page.html(publish(facts), NOW_MS)
    report = publish(facts, texts=TextsRead(24, {"en": 900, "hi-Latn": 60}, {"ta": 30, "other": 7, "ur": 3}))
    assert report.facts["texts_by_language"] == {
        "hours": 24, "total": 1_000, "read": 960, "unread": 40, "read_share": 0.96,
        "read_by_language": {"en": 900, "hi-Latn": 60},
        "unread_by_language": {"ta": 30, "other": "6 to 9", "ur": "<5"},
    }  # fmt: skip
    html = page.html(report, NOW_MS)
    assert "In 24 whole hours they looked at 1,000 texts, and read 960 texts (96%)." in html
    for row in (
        '<td>Hindi in Latin letters</td><td class="number">60</td><td class="number">0</td>',
        '<td>Tamil</td><td class="number">0</td><td class="number">30</td>',
    ):
        assert row in html
    text = " ".join(update_text(report).split())
    assert "of each busy hashtag, and read 960 of them (96%): - read: 900 in English and 60 in Hindi in Latin" in text
    assert "- not read: 30 in Tamil, 6 to 9 texts in other languages and fewer than 5 texts in Urdu." in text
    few = publish(facts, texts=TextsRead(24, {"en": 900}, {"ta": 3}))
    assert few.facts["texts_by_language"]["read_share"] is None
    assert "900 to 903 texts" not in page.html(few, NOW_MS) and "899 to 902 texts" in page.html(few, NOW_MS)
    nearly = publish(facts, texts=TextsRead(24, {"en": 99_990}, {"ta": 10}))
    assert "99,990 texts (over 99%)" in page.html(nearly, NOW_MS)
    none = publish(facts, texts=TextsRead(0, {}, {}))
    assert "No text was looked at in a whole hour" in page.html(none, NOW_MS)
    assert "Our systems looked" not in update_text(none)


@given(st.lists(st.dictionaries(st.sampled_from(["en", "hi", "ta", "ur"]), st.integers(1, 12)), min_size=2, max_size=2))
def test_small_counts_of_texts_are_hidden(counts: list[dict[str, int]]) -> None:
    """The counts are hidden from the top down, as all others of the report."""
    read, unread = counts
    published = TextsRead(1, read, unread).published()
    assert published["read_by_language"].keys() == read.keys()
    assert published["unread_by_language"].keys() == unread.keys()
    values = [published[name] for name in ("total", "read", "unread")]
    values += [*published["read_by_language"].values(), *published["unread_by_language"].values()]
    assert not any(isinstance(one, int) and 0 < one < THRESHOLD for one in values)
    exact = isinstance(published["read"], int) and isinstance(published["unread"], int) and read | unread
    assert (published["read_share"] is not None) == bool(exact)


def test_quality_is_published_above_threshold() -> None:
    facts = facts_of(OrdersWorld(), [])
    assert publish(facts).facts["quality"] is None
    assert "Second looks" not in page.html(publish(facts), NOW_MS)
    many = ReviewQuality(looked_at=200, overturned=12, pairs=150, kappa=0.71, appeals=30, appeals_reversed=6)
    report = publish(facts, many)
    assert report.facts["quality"]["false_positive_rate"] == 0.06
    html = page.html(report, NOW_MS)
    for phrase in (
        "200 suppressions",
        "found 12 suppressions wrong (6.0%)",
        "kappa of 0.71",
        "We decided 30 appeals, 6 appeals in favour",
    ):
        assert phrase in " ".join(html.split())
    few = ReviewQuality(looked_at=20, overturned=2, pairs=4, kappa=1.0, appeals=4, appeals_reversed=0).published()
    assert few["false_positive_rate"] is None, "the rate would reveal the hidden count"
    assert few["second_looks_by_result"] == {"upheld_or_disputed": "16 to 19", "found_wrong": "<5"}
    assert (few["reviewers_kappa"], few["appeals"]) == (None, "<5")


def test_bar_lengths_are_proportional() -> None:
    drawn = ElementTree.fromstring(
        bar_table([LabeledBar("a", 10, "10", "x"), LabeledBar("<b>", 5, "5", "x"), LabeledBar("c", 0, "0", "x")], "t")
    )
    widths = [float(rect.get("width", "")) for rect in drawn.iter("rect")]
    assert widths[1] == pytest.approx(widths[0] / 2)
    assert widths[2] == 0


def test_letter_names_acted_targets_and_no_protected_ones() -> None:
    world, order = order_world()
    case = world.desk.get(order)
    text = letter(case, states(world), sender="Legal")
    assert "names 26 accounts and 1 hashtag." in text
    assert "13 accounts withheld from viewers in India" in text
    assert "6 accounts: protected speech; the press" in text
    assert "  account 3: suspended" in text
    assert "account 21" not in text
    assert "our final decision" in text
    world.step(order, "revoked")
    after = letter(world.desk.get(order), states(world), sender="Legal")
    assert "revoked" in after
    assert "withheld from viewers" not in after
    assert "account 10: withheld" in text
    assert "account 10: withheld" not in after
    assert "7 accounts suspended for breaking our own rules" in after


@pytest.mark.parametrize(
    ("steps", "standing"),
    [
        ((), "under review; nothing is in force"),
        (("acknowledged", "under_review", "interim"), "interim decision; it ends"),
    ],
)
def test_letter_of_open_order(steps: tuple[str, ...], standing: str) -> None:
    world = OrdersWorld()
    order = world.intake(accounts(1, 2))
    for state in steps:
        world.step(order, state, expires_at_ms=NOW_MS + HOUR_MS if state == "interim" else 0)
    text = letter(world.desk.get(order), states(world), sender="x")
    assert standing in text
    assert "Still under review: 2 targets." in text
    if "interim" in steps:
        assert "interim decision ended" in letter(
            world.desk.get(order), states(world, NOW_MS + 2 * HOUR_MS), sender="x"
        )


def test_doctests() -> None:
    for module in (family, tables, wording, intake_plan, words, rounding, plots, order_records):
        assert doctest.testmod(module).failed == 0
