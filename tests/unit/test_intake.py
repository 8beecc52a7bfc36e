"""From files to orders: what is read, what is refused row by row, and when two orders are one."""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.orders.intake import parse_csv, parse_json
from moderation.orders.model import plan
from streams.errors import CallerMistake
from streams.log.orders import MOST_TARGETS, Target
from tests.unit.orders_world import HEAD, HOUR_MS, NOW_MS, World, accounts, run

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
        ("issued", "2021-02-09", "future"),
        ("received", "2020-02-01", "after the order was received"),
        ("received", "", "deadline counts from it"),
        ("deadline", "2021-02-01", "before the order was received"),
        ("deadline", "+2 days", "not a duration"),
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
    assert rows("target\n1\n", deadline="2021-02-08").drafts[0].head.deadline_ms == NOW_MS + 8 * HOUR_MS - 1


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
    assert "another deadline" in conflict.why
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
