"""Parsing of orders from files, bad rows, and orders that are taken in twice."""

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

from moderation.domain.orders import dates
from moderation.domain.orders.handles import Handles, ResolvedHandle
from moderation.domain.orders.intake import parse_csv, parse_json
from moderation.domain.orders.intake_plan import plan_intake
from moderation.domain.orders.view import plan_words, taken_order_view
from moderation.wording import iso_words
from streams.errors import CallerMistake
from streams.orders.records import MOST_TARGETS, Target
from tests.support.orders_world import HEAD, HOUR_MS, NOW_MS, OrdersWorld, accounts, run

DAY_MS = 24 * HOUR_MS
GIVEN = {
    "authority": "Ministry of Examples", "country": "in", "legal_basis": "IT Act 2000, s. 69A", "reference": "EX/7",
    "issued": "2021-02-08", "received": "2021-02-08T12:00:00+05:30", "deadline": "+48h", "confidential": "no",
}  # fmt: skip


def rows(text: str, **given: str) -> Any:
    return parse_csv(text.encode(), "o.csv", GIVEN | given, NOW_MS)


def test_csv_of_targets_with_given_order_fields() -> None:
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
    assert found.notes == ("EX/7: 1 repeated target counts once",)


def test_csv_with_two_orders() -> None:
    found = rows("reference,target\nEX/1,1\nEX/2,2\nEX/1,3\n", reference="")
    assert [(d.head.reference, len(d.targets)) for d in found.drafts] == [("EX/1", 2), ("EX/2", 1)]


def test_bad_rows_are_reported_and_others_taken() -> None:
    found = rows(
        "target,kind,author\n1,,\n@someone,,\nhello,,\nhttps://example.org/x,,\n900,tweet,5\n900,tweet,x\n"
        "#a b,hashtag,\n#x,account,\n2,phone,\n,,\n3,account,\n"
    )
    assert list(found.drafts[0].targets.values()) == [*accounts(1), Target("tweet", "900", author="5"), *accounts(3)]
    assert [(p.where, p.field) for p in found.problems] == [
        ("line 3", "target"), ("line 4", "target"), ("line 5", "target"), ("line 7", "author"), ("line 8", "target"),
        ("line 9", "target"), ("line 10", "kind"), ("line 11", "row"),
    ]  # fmt: skip
    assert all(problem.fix for problem in found.problems)


@pytest.mark.parametrize(
    ("written", "fix"),
    [
        ("https://x.com/user/status/abc", "ends with its number"),
        ("https://x.com/user/status/", "ends with its number"),
        ("https://x.com/user/status/12abc", "ends with its number"),
        ("https://x.com/status/12", "ends with its number"),
        ("https://x.com/user/status/12/likes", "ends with its number"),
        ("https://x.com/user/likes", "for the whole account write @user, for a tweet https://x.com/user/status/"),
        ("https://x.com/user/with_replies", "@user"),
        ("https://mobile.x.com/user/media", "@user"),
        ("https://m.twitter.com/user/lists/7?s=20", "@user"),
        ("HTTPS://X.COM/user?q=1", "@user"),
        ("https://x.com/user//", "@user"),
        ("https://x.com/hashtag/Harm?src=hashtag_click", "for the hashtag write #Harm"),
        ("https://x.com/i/lists/12", "write @handle or the account id"),
        ("https://x.com/i/user/abc", "write @handle or the account id"),
        ("https://x.com/intent/user?screen_name=user", "write @handle or the account id"),
        ("https://x.com/search?q=from%3Auser", "write @handle or the account id"),
        ("https://x.com/likes", "write @handle or the account id"),
        ("https://x.com/jobs", "write @handle or the account id"),
        ("https://x.com/Who_To_Follow?s=20", "write @handle or the account id"),
        ("https://x.com/", "write @handle or the account id"),
        ("https://user@x.com/user", "write @handle or the account id"),
        ("https://x.com.evil.org/user", "write @handle or the account id"),
    ],
)
def test_address_of_another_page_is_no_account(written: str, fix: str) -> None:
    handles = Handles({"user": ResolvedHandle("1", NOW_MS), "likes": ResolvedHandle("2", NOW_MS)})
    for column in ("target", "author"):
        line = f"{written}," if column == "target" else f"https://x.com/i/status/900,{written}"
        parsed = parse_csv(f"target,author\n{line}\n".encode(), "o.csv", GIVEN, NOW_MS, handles)
        assert parsed.drafts == ()
        [problem] = parsed.problems
        assert (problem.field, problem.problem) == (column, "the address names no account")
        assert fix in problem.fix


def test_account_named_like_a_page_is_ordered_by_its_handle() -> None:
    handles = Handles({"jobs": ResolvedHandle("7", NOW_MS)})
    [draft] = parse_csv(b"target\n@jobs\n", "o.csv", GIVEN, NOW_MS, handles).drafts
    assert [(target.kind, target.value) for target in draft.targets.values()] == [("account", "7")]


@pytest.mark.parametrize("host", ["x.com", "www.x.com", "mobile.x.com", "m.twitter.com", "TWITTER.com"])
def test_address_of_account_or_tweet_works_on_every_host(host: str) -> None:
    handles = Handles({"user": ResolvedHandle("1", NOW_MS)})
    text = "".join(f"https://{host}/{path}\n" for path in (
        "user", "i/user/2/", "user/status/900/photo/1?s=20", "i/web/status/901", "user/statuses/902#m"))  # fmt: skip
    [draft] = parse_csv(f"target\n{text}".encode(), "o.csv", GIVEN, NOW_MS, handles).drafts
    assert [(target.kind, target.value) for target in draft.targets.values()] == [
        ("account", "1"), ("account", "2"), ("tweet", "900"), ("tweet", "901"), ("tweet", "902"),
    ]  # fmt: skip


@pytest.mark.parametrize("written", ["#12345", "＃12345", "#a/b", "#a-b", "#_", "#a&b"])
def test_text_that_no_tweet_has_as_hashtag_is_refused(written: str) -> None:
    [problem] = rows(f"target\n{written}\n").problems
    assert (problem.value, problem.problem) == (written, "no tweet can have it as a hashtag")


@pytest.mark.parametrize("tag", ["1a", "নদী", "हिंसा", "a_1", "ａ１"])
def test_hashtag_of_any_script_is_taken(tag: str) -> None:
    [draft] = rows(f"target\n#{tag}\n").drafts
    assert [target.display for target in draft.targets.values()] == [tag]


def test_row_of_separators_alone_is_named_and_blank_line_is_not() -> None:
    parsed = rows("target,kind\n1,\n,\n\n , \n2,account\n")
    assert [(problem.where, problem.problem) for problem in parsed.problems] == [
        ("line 3", "it has separators only"), ("line 5", "it has separators only"),
    ]  # fmt: skip
    assert len(parsed.drafts[0].targets) == 2


def test_deadline_without_receipt_counts_from_first_intake() -> None:
    world = OrdersWorld()
    first = rows("target\n1\n", received="")
    assert first.notes == (
        "EX/7: no receipt is given: the deadline of a new order runs to 2021-02-10 16:00 UTC, +48h from now",
    )
    run(world.desk.take_in(first.drafts, actor="ann"))
    later = parse_csv(b"target\n1\n2\n", "o.csv", GIVEN | {"received": ""}, NOW_MS + 5 * HOUR_MS)
    [plan] = run(world.desk.take_in(later.drafts, actor="ann"))
    assert (plan.fate, plan.head.deadline_ms) == ("supplement", NOW_MS + 48 * HOUR_MS)
    longer = parse_csv(b"target\n1\n", "o.csv", GIVEN | {"received": "", "deadline": "+72h"}, NOW_MS)
    [plan] = run(world.desk.take_in(longer.drafts, actor="ann"))
    assert (plan.fate, "another deadline" in plan.why) == ("conflict", True)


@pytest.mark.parametrize(
    ("field", "value", "problem_text"),
    [
        ("country", "Indja", "unknown"),
        ("country", "*", "not one country"),
        ("authority", " ", "it is empty"),
        ("issued", "soon", "not a date"),
        ("issued", "2021-02-10", "future"),
        ("issued", "2021-02-08T16:00:01", "future"),
        ("received", "2020-02-01", "after the order was received"),
        ("deadline", "2021-02-01", "before the order was received"),
        ("deadline", "+2 days", "not a duration"),
        ("deadline", "+999999999w", "out of range"),
        ("deadline", "+200000000h", "out of range"),
        ("deadline", "9999-12-31T23:59:59-14:00", "out of range"),
        ("confidential", "perhaps", "unknown"),
        ("reference", "x\x00y", "control characters"),
        ("legal_basis", "x" * 2001, "longer than 2000"),
    ],
)
def test_invalid_order_fields_are_reported(field: str, value: str, problem_text: str) -> None:
    found = rows("target\n1\n", **{field: value})
    assert found.drafts == ()
    [problem] = found.problems
    assert problem_text in problem.problem
    assert problem.fix


def test_passed_deadline_is_taken_with_a_note() -> None:
    found = rows("target\n1\n", deadline="2021-02-08T13:00:00Z")
    assert len(found.drafts) == 1
    assert found.notes == ("EX/7: the deadline has passed 3 h ago",)


@pytest.mark.parametrize(
    ("country", "written", "day", "note"),
    [
        ("IN", "03/02/2021", "2021-02-03", "issued 03/02/2021 is read as 3 February 2021 (day first, as India"),
        ("DE", "3.2.2021", "2021-02-03", "issued 3.2.2021 is read as 3 February 2021 (day first, as Germany"),
        ("IN", "31/01/2021", "2021-01-31", ""),
        ("CA", "31-01-2021", "2021-01-31", ""),
        ("US", "01/02/2021", "2021-01-02", "issued 01/02/2021 is read as 2 January 2021 (month first, as United"),
        ("IN", "01/31/2021", "2021-01-31", "(its only reading, although India writes the day first)"),
        ("IN", "02/02/2021", "2021-02-02", ""),
    ],
)
def test_local_date_is_read_as_country_writes(country: str, written: str, day: str, note: str) -> None:
    found = rows("target\n1\n", issued=written, country=country)
    assert iso_words(found.drafts[0].head.issued_ms).startswith(day)
    assert len(found.notes) == bool(note) and note in "".join(found.notes)


def test_local_date_with_time_and_deadline_are_read() -> None:
    found = rows("target\n1\n", received="08/02/2021 12:00+05:30", deadline="11/02/2021")
    head = found.drafts[0].head
    assert iso_words(head.received_ms) == "2021-02-08T06:30:00.000+00:00"
    assert iso_words(head.deadline_ms) == "2021-02-11T09:59:59.999+00:00"
    assert [note.split(" (")[0] for note in found.notes[:2]] == [
        "EX/7: received 08/02/2021 12:00+05:30 is read as 8 February 2021",
        "EX/7: deadline 11/02/2021 is read as 11 February 2021",
    ]


@pytest.mark.parametrize(
    ("country", "written", "problem_text"),
    [
        ("CA", "03/02/2021", "of two readings, and Canada prefers neither"),
        ("IN", "31/13/2021", "not a date"),
        ("IN", "30/02/2021", "not a date"),
        ("IN", "3/2/21", "not a date"),
        ("IN", "3/2.2021", "not a date"),
    ],
)
def test_local_date_without_single_reading_is_refused(country: str, written: str, problem_text: str) -> None:
    found = rows("target\n1\n", issued=written, country=country)
    [problem] = found.problems
    assert found.drafts == () and problem_text in problem.problem and problem.fix


def test_deadline_day_ends_in_first_time_zone() -> None:
    """The day ends first at UTC+14, so no alert is late in the authority's time zone."""
    found = rows("target\n1\n", deadline="2021-02-11")
    assert iso_words(found.drafts[0].head.deadline_ms) == "2021-02-11T09:59:59.999+00:00"
    assert found.notes == (
        "EX/7: the deadline 2021-02-11 has no time: it runs to 2021-02-11 09:59 UTC, when that day ends first on earth",
    )
    assert rows("target\n1\n", deadline="2021-02-11T18:00+05:30").notes == ()
    assert rows("target\n1\n", deadline="20210211").drafts[0].head == found.drafts[0].head
    same_day = rows("target\n1\n", received="2021-02-08T09:00-05:00", deadline="2021-02-08")
    assert same_day.notes[1] == "EX/7: the deadline has passed 6 h ago", "it may have passed, and is taken in"
    [before] = rows("target\n1\n", received="2021-02-08T12:00Z", deadline="2021-02-06").problems
    assert before.problem == "before the order was received"
    [written] = run(OrdersWorld().desk.take_in(found.drafts, actor="ann"))
    assert taken_order_view(written).deadline_ms == found.drafts[0].head.deadline_ms


def test_duration_counts_from_first_moment_of_receipt_day() -> None:
    found = rows("target\n1\n", received="2021-02-08", deadline="+48h")
    assert iso_words(found.drafts[0].head.deadline_ms) == "2021-02-09T10:00:00.000+00:00"
    assert found.notes == (
        "EX/7: the deadline runs to 2021-02-09 10:00 UTC: +48h from when 2021-02-08 begins first on earth",
    )


def test_day_that_has_begun_in_some_time_zone_is_accepted() -> None:
    """At 16:00 UTC on the 8th it is still the 8th in Delhi and already the 9th in Tokyo."""
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
    assert problem.problem == "after the order was received", "the 8th had begun in no time zone"


@settings(max_examples=200, deadline=None)
@given(
    st.integers(-12, 14),
    st.integers(0, 4 * 86_400_000 - 1),
    st.integers(0, 86_400_000 - 1),
    st.integers(0, 86_400_000),
)
def test_consistent_dates_are_accepted_in_every_time_zone(
    offset_hours: int, issued_ms: int, later_ms: int, taken_in_ms: int
) -> None:
    """Issue, receipt and intake follow each other; the days are those of the order's time zone."""

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


def test_author_named_in_another_row_is_kept() -> None:
    for text in ("target,author\n{tweet},\n{tweet},5\n", "target,author\n{tweet},5\n{tweet},\n{tweet},5\n"):
        found = rows(text.format(tweet="https://x.com/a/status/77"))
        assert list(found.drafts[0].targets.values()) == [Target("tweet", "77", author="5")]
        assert found.problems == ()


def test_tweet_with_two_authors_is_reported_and_dropped() -> None:
    found = rows("target,kind,author\n77,tweet,\n77,tweet,5\n77,tweet,6\n77,tweet,5\n8,tweet,6\n")
    [problem] = found.problems
    assert (problem.where, problem.field, problem.value) == ("line 4", "author", "6")
    assert "names 5 as the author of tweet 77" in problem.problem
    assert list(found.drafts[0].targets.values()) == [Target("tweet", "8", author="6")]
    assert rows("target,kind,author\n77,tweet,5\n77,tweet,6\n").drafts == ()


def test_author_added_later_is_a_conflict() -> None:
    """Otherwise one person alone could decide on a protected speaker's tweet."""
    world = OrdersWorld()
    world.protect("5")
    order = world.intake([Target("tweet", "77"), Target("tweet", "78", author="5")])
    written = len(world.log.records)
    [draft] = rows("target,kind,author\n78,tweet,\n77,tweet,5\n").drafts
    [conflict] = run(world.desk.take_in([replace(draft, head=HEAD)], actor="ann"))
    assert (conflict.fate, conflict.added) == ("conflict", ())
    assert plan_words(conflict) == (
        f"{order}: line 3: tweet 77 is known as target 1, without an author, and the file names 5; decline "
        "target 1, remove the row here, and take the tweet in with its author under a separate reference"
    )
    [draft] = rows("target,kind,author\n78,tweet,6\n77,tweet,6\n9,,\n").drafts
    [conflict] = run(world.desk.take_in([replace(draft, head=HEAD)], actor="ann"))
    assert "line 2: tweet 78 is known as target 2, with the author 5, and the file names 6" in conflict.why
    assert "; the same applies to 1 more; correct the author, or decline target 2" in conflict.why
    assert len(world.log.records) == written
    [draft] = rows("target,kind,author\n77,tweet,\n78,tweet,5\n").drafts
    [same] = run(world.desk.take_in([replace(draft, head=HEAD)], actor="ann"))
    assert same.fate == "known"


def test_advice_for_author_conflict_keeps_two_person_rule() -> None:
    world = OrdersWorld()
    world.protect("5")
    first = world.intake([Target("tweet", "77")])
    second = world.intake([Target("tweet", "77", author="5")], replace(HEAD, reference="EX/7, authors"))
    for order in (first, second):
        world.review(order)
    world.rule(first, "declined", "https://x.com/a/status/77")
    alone = world.rule(second, "withheld", "https://x.com/a/status/77", against_protected=True).plan
    assert (alone.decides, alone.proposes) == (0, 1), "two people must agree"


def test_contradicting_rows_of_one_order_are_reported() -> None:
    found = rows("legal_basis,target\ns. 69A,1\ns. 70,2\n")
    assert [(p.where, p.field) for p in found.problems] == [("line 3", "legal_basis")]


def test_json_gives_the_same_order() -> None:
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
def test_parse_json_accepts_any_json(read: Any) -> None:
    parse_json(json.dumps(read).encode(), "o.json", GIVEN, NOW_MS)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_parsers_refuse_arbitrary_bytes(data: bytes) -> None:
    for parse in (parse_csv, parse_json):
        with contextlib.suppress(CallerMistake):
            parse(b"target\n" + data if parse is parse_csv else data, "o", GIVEN, NOW_MS)


def test_order_taken_in_twice_is_recognised() -> None:
    world = OrdersWorld()
    [draft] = rows("target\n1\n2\n").drafts
    assert [one.fate for one in run(world.desk.take_in([draft], actor="ann"))] == ["new"]
    [again] = rows("target\n2\n1\n", authority=" MINISTRY of  examples", reference="ex/7").drafts
    [known] = run(world.desk.take_in([again], actor="ben"))
    assert (known.fate, known.known_targets, known.added) == ("known", 2, ())
    assert len(world.log.records) == 2
    [more] = rows("target\n2\n3\n").drafts
    [supplement] = run(world.desk.take_in([more], actor="ben"))
    assert (supplement.fate, supplement.known_targets, len(supplement.added)) == ("supplement", 1, 1)
    assert [row.target.value for row in world.desk.get(draft.head.id).rows] == ["1", "2", "3"]


def test_order_with_other_fields_is_a_conflict() -> None:
    world = OrdersWorld()
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
    assert "is final and takes no more targets" in plan_intake(late, world.desk.fold.by_id, ()).why
    assert plan_intake(replace(late, targets={}), world.desk.fold.by_id, ()).fate == "known"


def test_plan_intake_counts_protected_speakers() -> None:
    world = OrdersWorld()
    world.protect("2")
    [draft] = rows("target,author\n1,\n2,\nhttps://x.com/a/status/5,2\n").drafts
    assert plan_intake(draft, {}, world.desk.fold.speakers).protected == 2


def test_large_order_is_parsed_quickly_and_oversized_refused() -> None:
    began = time.thread_time()
    found = rows("target\n" + "".join(f"{number}\n" for number in range(10_000)))
    assert len(found.drafts[0].targets) == 10_000
    assert time.thread_time() - began < 5
    with pytest.raises(CallerMistake, match=f"more than {MOST_TARGETS:,} rows"):
        rows("target\n" + "1\n" * 1_000_000)


def test_doctests() -> None:
    assert doctest.testmod(dates).failed == 0
