"""From files to orders: what is read, what is refused row by row, and when two orders are one."""

from __future__ import annotations

import contextlib
import doctest
import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.orders import dates
from moderation.orders.intake import parse_csv, parse_json
from moderation.orders.model import plan
from moderation.orders.view import plan_as_dict, plan_words
from moderation.times import iso_words
from streams.errors import CallerMistake
from streams.orders.records import MOST_TARGETS, Target
from tests.support.orders_world import HEAD, HOUR_MS, NOW_MS, World, accounts, run

DAY_MS = 24 * HOUR_MS
GIVEN = {
    "authority": "Ministry of Examples", "country": "in", "legal_basis": "IT Act 2000, s. 69A", "reference": "EX/7",
    "issued": "2021-02-08", "received": "2021-02-08T12:00:00+05:30", "deadline": "+48h", "confidential": "no",
}  # fmt: skip


def rows(text: str, **given: str) -> Any:
    return parse_csv(text.encode(), "o.csv", GIVEN | given, NOW_MS)


def test_a_list_of_targets_with_the_order_s_fields_beside_it() -> None:
    found = rows(
        "target\n123\nhttps://x.com/i/user/124/\n#HarmTag\nhttps://twitter.com/some/status/900?s=20\n＃Tag2\n123\n"
    )
    [draft] = found.drafts
    assert list(draft.targets.values()) == [
        *accounts(123, 124),
        Target("hashtag", "harmtag", "HarmTag"),
        Target("tweet", "900"),
        Target("hashtag", "tag2", "Tag2"),
    ]
    assert (draft.head.country, draft.head.deadline_ms - draft.head.received_ms) == ("IN", 48 * HOUR_MS)
    assert found.problems == ()
    assert found.notes == ("EX/7: 1 target is named again and counts once",)


def test_two_orders_in_one_file() -> None:
    found = rows("reference,target\nEX/1,1\nEX/2,2\nEX/1,3\n", reference="")
    assert [(d.head.reference, len(d.targets)) for d in found.drafts] == [("EX/1", 2), ("EX/2", 1)]


def test_bad_rows_are_told_and_the_rest_is_taken() -> None:
    found = rows(
        "target,kind,author\n1,,\n@someone,,\nhello,,\nhttps://example.org/x,,\n900,tweet,5\n900,tweet,x\n"
        "#a b,hashtag,\n#x,account,\n2,phone,\n,,\n3,account,\n"
    )
    assert list(found.drafts[0].targets.values()) == [*accounts(1), Target("tweet", "900", author="5"), *accounts(3)]
    assert [(p.where, p.field) for p in found.problems] == [
        ("line 3", "target"), ("line 4", "target"), ("line 5", "target"), ("line 7", "author"), ("line 8", "target"),
        ("line 9", "target"), ("line 10", "kind"),
    ]  # fmt: skip
    assert all(problem.fix for problem in found.problems)


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("country", "Indja", "unknown"),
        ("country", "*", "an order is a country's"),
        ("authority", " ", "it is empty"),
        ("issued", "soon", "not a date"),
        ("issued", "2021-02-10", "future"),
        ("issued", "2021-02-08T16:00:01", "future"),
        ("received", "2020-02-01", "after the order was received"),
        ("received", "", "deadline counts from it"),
        ("deadline", "2021-02-01", "before the order was received"),
        ("deadline", "+2 days", "not a duration"),
        ("deadline", "+999999999w", "out of range"),
        ("confidential", "perhaps", "unknown"),
        ("reference", "x\x00y", "control characters"),
        ("legal_basis", "x" * 2001, "longer than 2000"),
    ],
)
def test_an_order_s_own_fields(field: str, value: str, told: str) -> None:
    found = rows("target\n1\n", **{field: value})
    assert found.drafts == ()
    [problem] = found.problems
    assert told in problem.problem
    assert problem.fix


def test_a_deadline_that_has_passed_is_taken_and_told() -> None:
    found = rows("target\n1\n", deadline="2021-02-08T13:00:00Z")
    assert len(found.drafts) == 1
    assert found.notes == ("EX/7: the deadline has passed 3 h ago",)


def test_a_deadline_without_a_time_is_over_where_its_day_ends_first() -> None:
    """On the Line Islands, UTC+14: the authority's own day ends then or later, so no alert comes late."""
    found = rows("target\n1\n", deadline="2021-02-11")
    assert iso_words(found.drafts[0].head.deadline_ms) == "2021-02-11T09:59:59.999+00:00"
    assert found.notes == (
        "EX/7: the deadline 2021-02-11 has no time: it runs to 2021-02-11 09:59 UTC, when that day ends first on earth",
    )
    assert rows("target\n1\n", deadline="2021-02-11T18:00+05:30").notes == ()
    assert rows("target\n1\n", deadline="20210211").drafts[0].head == found.drafts[0].head
    same_day = rows("target\n1\n", received="2021-02-08T09:00-05:00", deadline="2021-02-08")
    assert same_day.notes[1] == "EX/7: the deadline has passed 6 h ago", "it may have, and is taken in"
    [before] = rows("target\n1\n", received="2021-02-08T12:00Z", deadline="2021-02-06").problems
    assert before.problem == "before the order was received"
    [written] = run(World().desk.take_in(found.drafts, actor="ann"))
    assert plan_as_dict(written)["deadline_ms"] == found.drafts[0].head.deadline_ms


def test_a_duration_counts_from_the_first_moment_of_a_day_of_receipt() -> None:
    found = rows("target\n1\n", received="2021-02-08", deadline="+48h")
    assert iso_words(found.drafts[0].head.deadline_ms) == "2021-02-09T10:00:00.000+00:00"
    assert found.notes == (
        "EX/7: the deadline runs to 2021-02-09 10:00 UTC: +48h from when 2021-02-08 begins first on earth",
    )


def test_a_day_that_has_begun_somewhere_is_not_the_future() -> None:
    """16:00 UTC on the 8th is half past nine in the evening in Delhi, and the 9th in Tokyo."""
    for dated in (
        {"issued": "2021-02-09", "received": "2021-02-09T01:00+09:00"},
        {"issued": "2021-02-09", "received": "2021-02-09"},
        {"issued": "2021-02-09", "received": "", "deadline": "2021-02-11"},
        {"issued": "2021-02-08T14:00Z", "received": "2021-02-08"},
    ):
        found = rows("target\n1\n", **dated)
        assert found.problems == (), dated
        assert found.drafts[0].head.received_ms <= NOW_MS
    [problem] = rows("target\n1\n", issued="2021-02-08", received="2021-02-07T09:00Z").problems
    assert problem.problem == "after the order was received", "nowhere had the 8th begun"


@settings(max_examples=200, deadline=None)
@given(
    st.integers(-12, 14),
    st.integers(0, 4 * 86_400_000 - 1),
    st.integers(0, 86_400_000 - 1),
    st.integers(0, 86_400_000),
)
def test_true_dates_are_taken_in_whatever_the_place(
    offset_hours: int, issued_ms: int, later_ms: int, taken_in_ms: int
) -> None:
    """An order is issued, received later, and taken in later still; its days are written as its place has them."""

    def local_day(at_ms: int) -> tuple[str, int]:
        local = at_ms + offset_hours * HOUR_MS
        ends_ms = (local // DAY_MS + 1) * DAY_MS - offset_hours * HOUR_MS
        return datetime.fromtimestamp(local / 1000, UTC).strftime("%Y-%m-%d"), ends_ms

    issued = NOW_MS + issued_ms
    received = issued + later_ms
    deadline, ends_ms = local_day(received)
    found = parse_csv(
        b"target\n1\n",
        "o.csv",
        GIVEN | {"issued": local_day(issued)[0], "received": local_day(received)[0], "deadline": deadline},
        received + taken_in_ms,
    )
    assert found.problems == ()
    assert ends_ms - 26 * HOUR_MS - 1 <= found.drafts[0].head.deadline_ms < ends_ms


def test_an_author_that_another_row_names_is_kept() -> None:
    for text in ("target,author\n{tweet},\n{tweet},5\n", "target,author\n{tweet},5\n{tweet},\n{tweet},5\n"):
        found = rows(text.format(tweet="https://x.com/a/status/77"))
        assert list(found.drafts[0].targets.values()) == [Target("tweet", "77", author="5")]
        assert found.problems == ()


def test_two_authors_of_one_tweet_are_told_and_neither_is_taken() -> None:
    found = rows("target,kind,author\n77,tweet,\n77,tweet,5\n77,tweet,6\n77,tweet,5\n8,tweet,6\n")
    [problem] = found.problems
    assert (problem.where, problem.field, problem.value) == ("line 4", "author", "6")
    assert "tweet 77 is by 5" in problem.problem
    assert list(found.drafts[0].targets.values()) == [Target("tweet", "8", author="6")]
    assert rows("target,kind,author\n77,tweet,5\n77,tweet,6\n").drafts == ()


def test_an_author_that_comes_later_is_a_conflict_and_not_lost() -> None:
    """Else one person alone could decide on a protected speaker's tweet."""
    world = World()
    world.protect("5")
    order = world.intake([Target("tweet", "77"), Target("tweet", "78", author="5")])
    written = len(world.log.records)
    [draft] = rows("target,kind,author\n78,tweet,\n77,tweet,5\n").drafts
    [conflict] = run(world.desk.take_in([replace(draft, head=HEAD)], actor="ann"))
    assert (conflict.fate, conflict.added) == ("conflict", ())
    assert plan_words(conflict) == (
        f"{order}: line 3: tweet 77 is known as target 1, without an author, and is now said to be by 5; decline "
        "target 1, leave the row out here, and take the tweet in with its author under a reference of its own"
    )
    [draft] = rows("target,kind,author\n78,tweet,6\n77,tweet,6\n9,,\n").drafts
    [conflict] = run(world.desk.take_in([replace(draft, head=HEAD)], actor="ann"))
    assert "line 2: tweet 78 is known as target 2, with the author 5, and is now said to be by 6" in conflict.why
    assert "; the same of 1 more; correct the author, or decline target 2" in conflict.why
    assert len(world.log.records) == written
    [draft] = rows("target,kind,author\n77,tweet,\n78,tweet,5\n").drafts
    [same] = run(world.desk.take_in([replace(draft, head=HEAD)], actor="ann"))
    assert same.fate == "known"


def test_what_a_conflict_of_authors_advises_can_be_followed() -> None:
    world = World()
    world.protect("5")
    first = world.intake([Target("tweet", "77")])
    second = world.intake([Target("tweet", "77", author="5")], replace(HEAD, reference="EX/7, authors"))
    for order in (first, second):
        world.review(order)
    world.rule(first, "declined", "https://x.com/a/status/77")
    alone = world.rule(second, "withheld", "https://x.com/a/status/77", against_protected=True).plan
    assert (alone.decides, alone.proposes) == (0, 1), "the rule of two"


def test_rows_of_one_order_that_contradict_each_other() -> None:
    found = rows("legal_basis,target\ns. 69A,1\ns. 70,2\n")
    assert [(p.where, p.field) for p in found.problems] == [("line 3", "legal_basis")]


def test_json_says_the_same() -> None:
    order = GIVEN | {
        "confidential": False,
        "targets": ["1", 2, {"target": "#HarmTag"}, {"kind": "tweet", "target": "9"}],
    }
    found = parse_json(json.dumps(order).encode(), "o.json", {}, NOW_MS)
    assert found.problems == ()
    assert [t.kind for t in found.drafts[0].targets.values()] == ["account", "account", "hashtag", "tweet"]
    assert found.drafts[0].head == rows("target\n1\n").drafts[0].head
    bad = [order | {"target": 1}, order | {"targets": "x"}, 5, order | {"targets": [{"handle": "x"}, None, [1], "7"]}]
    found = parse_json(json.dumps(bad).encode(), "o.json", {}, NOW_MS)
    assert [(p.where, p.field) for p in found.problems] == [
        ("order 1", "target"), ("order 2", "targets"), ("order 3", "targets"), ("order 4, target 1", "handle"),
        ("order 4, target 2", "target"), ("order 4, target 3", "target"),
    ]  # fmt: skip
    for broken in (b"", b"{", b"\xff", b"[" * 100_000):
        with pytest.raises(CallerMistake, match="is not JSON"):
            parse_json(broken, "o.json", {}, NOW_MS)


_NAMES = st.sampled_from(["targets", "target", "kind", "country", "issued", "x"])
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(_NAMES, inner),
)


@settings(max_examples=200, deadline=None)
@given(_JSON)
def test_no_json_breaks_it(read: Any) -> None:
    parse_json(json.dumps(read).encode(), "o.json", GIVEN, NOW_MS)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_break_it(data: bytes) -> None:
    for parse in (parse_csv, parse_json):
        with contextlib.suppress(CallerMistake):
            parse(b"target\n" + data if parse is parse_csv else data, "o", GIVEN, NOW_MS)


def test_the_same_order_twice_is_one_order() -> None:
    world = World()
    [draft] = rows("target\n1\n2\n").drafts
    assert [one.fate for one in run(world.desk.take_in([draft], actor="ann"))] == ["new"]
    [again] = rows("target\n2\n1\n", authority=" MINISTRY of  examples", reference="ex/7").drafts
    [known] = run(world.desk.take_in([again], actor="ben"))
    assert (known.fate, known.known, known.added) == ("known", 2, ())
    assert len(world.log.records) == 2
    [more] = rows("target\n2\n3\n").drafts
    [supplement] = run(world.desk.take_in([more], actor="ben"))
    assert (supplement.fate, supplement.known, len(supplement.added)) == ("supplement", 1, 1)
    assert [row.target.value for row in world.desk.case(draft.head.id).rows] == ["1", "2", "3"]


def test_an_order_that_differs_is_a_conflict_and_nothing_is_written() -> None:
    world = World()
    order = world.intake(accounts(1))
    [draft] = rows("target\n1\n9\n").drafts
    moved = replace(draft, head=replace(HEAD, deadline_ms=HEAD.deadline_ms + 1))
    [conflict] = run(world.desk.take_in([moved], actor="ann"))
    assert (conflict.fate, conflict.added) == ("conflict", ())
    assert "another deadline, 2021-02-10T16:00:00.000+00:00; correct it" in conflict.why
    world.review(order)
    world.rule(order, "withheld", "1")
    world.step(order, "final")
    late = replace(draft, head=HEAD)
    assert "is final and takes no more targets" in plan(late, world.desk.cases.cases, ()).why
    assert plan(replace(late, targets={}), world.desk.cases.cases, ()).fate == "known"


def test_protected_speakers_are_counted_at_intake() -> None:
    world = World()
    world.protect("2")
    [draft] = rows("target,author\n1,\n2,\nhttps://x.com/a/status/5,2\n").drafts
    assert plan(draft, {}, world.desk.cases.speakers).protected == 2


def test_a_large_order_is_read_quickly_and_one_too_large_refused_early() -> None:
    began = time.thread_time()
    found = rows("target\n" + "".join(f"{number}\n" for number in range(10_000)))
    assert len(found.drafts[0].targets) == 10_000
    assert time.thread_time() - began < 5
    with pytest.raises(CallerMistake, match=f"more than {MOST_TARGETS:,} rows"):
        rows("target\n" + "1\n" * 1_000_000)


def test_doctests() -> None:
    assert doctest.testmod(dates).failed == 0
