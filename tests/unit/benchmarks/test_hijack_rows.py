"""Rows of the attacks: who writes when, what is measured, goals and differences."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import msgspec
import pytest

from benchmarks.changes import changes
from benchmarks.hijack import __main__ as command
from benchmarks.hijack.battles import battle, length_ms
from benchmarks.hijack.posts import START_MS
from benchmarks.hijack.results import RowResult, measure, result, since
from benchmarks.hijack.row_goals import row_goals
from benchmarks.hijack.row_tables import of_goals, of_rows
from benchmarks.hijack.rows import (
    AFTER,
    AMONG,
    BOUGHT,
    DELETING,
    FIRST,
    GENERATORS,
    HOUR,
    LIFTED,
    MIRROR,
    MIXED,
    NOTHING,
    OWN,
    OWN_SENTENCES,
    REPEATING,
    SLOGANS,
    STUDENTS,
    YOUNG,
    AttackRow,
    rows,
)
from benchmarks.hijack.viewing import Sight
from benchmarks.judged import OpenCase
from devkit.crowds.posts import AuthorRole, CrowdPost
from streams.constants import MINUTE_MS, PANE_MS


def outcome(row: AttackRow, **changed: object) -> RowResult:
    known = RowResult(row, 0, 0, None, 0.0, None, (), None)
    return msgspec.structs.replace(known, **changed)


def roles(posts: list[CrowdPost]) -> Counter[AuthorRole]:
    return Counter(post.role for post in posts)


@pytest.mark.parametrize("generator", GENERATORS)
@pytest.mark.parametrize("attackers", [YOUNG, BOUGHT, MIXED, DELETING, REPEATING])
def test_protest_does_not_depend_on_attackers(generator: str, attackers: str) -> None:
    row = AttackRow(OWN, attackers, 60, generator=generator)
    posts = battle(row)
    others = {REPEATING: {AuthorRole.REPEATER: 100}}.get(attackers, {})
    assert posts == battle(row)
    assert roles(posts) == {AuthorRole.GENUINE: 100, AuthorRole.ATTACKER: 300, **others}
    plain = battle(replace(row, attackers=YOUNG, pool=3, timing=AFTER))
    assert [post for post in posts if post.role == AuthorRole.GENUINE] == [
        post for post in plain if post.role == AuthorRole.GENUINE
    ]
    young = sum(post.account.age_days < 30 for post in posts if post.role == AuthorRole.ATTACKER)
    assert young == 300 if attackers == YOUNG else young >= 150 if attackers == MIXED else young < 20
    assert any(post.deleted_at_ms for post in posts) == (attackers == DELETING)


@pytest.mark.parametrize("generator", GENERATORS)
def test_pools_slogans_and_own_sentences_have_their_texts(generator: str) -> None:
    def texts(row: AttackRow, role: AuthorRole) -> int:
        return len({post.text for post in battle(row) if post.role == role})

    assert texts(AttackRow(OWN, BOUGHT, 60, generator=generator), AuthorRole.ATTACKER) == 60
    assert texts(AttackRow(OWN, BOUGHT, OWN_SENTENCES, generator=generator), AuthorRole.ATTACKER) == 300
    assert texts(AttackRow(OWN, BOUGHT, 60, generator=generator), AuthorRole.GENUINE) == 100
    assert texts(AttackRow(SLOGANS, YOUNG, 3, generator=generator), AuthorRole.GENUINE) == 5


def test_repeaters_follow_the_protesters_whom_they_repeat() -> None:
    posts = battle(AttackRow(OWN, REPEATING, 60))
    first = {post.text: post.at_ms for post in posts if post.role == AuthorRole.GENUINE}
    assert all(post.at_ms > first[post.text] for post in posts if post.role == AuthorRole.REPEATER)


@pytest.mark.parametrize("timing", [AMONG, AFTER])
@pytest.mark.parametrize("minutes", [10, HOUR])
def test_attackers_write_in_their_time(timing: str, minutes: int) -> None:
    row = AttackRow(OWN, YOUNG, 3, timing=timing, minutes=minutes)
    times = [(post.at_ms - START_MS) / MINUTE_MS for post in battle(row) if post.role == AuthorRole.ATTACKER]
    low, high = (1, 1 + minutes) if timing == AMONG else (1 + minutes / 2, 3 + minutes / 2)
    assert low <= min(times) and max(times) <= high < length_ms(row) / MINUTE_MS


@pytest.mark.parametrize("generator", GENERATORS)
def test_mirror_has_the_same_accounts_times_and_hate(generator: str) -> None:
    lifted = battle(AttackRow(LIFTED, YOUNG, 3, 5.0, AFTER, generator=generator, people=20))
    mirror = battle(AttackRow(MIRROR, YOUNG, 3, 5.0, AFTER, generator=generator, people=20))
    assert [(post.at_ms, post.account) for post in lifted] == [(post.at_ms, post.account) for post in mirror]
    assert roles(lifted) == {AuthorRole.LIFTER: 20, AuthorRole.ATTACKER: 100}
    assert roles(mirror) == {AuthorRole.GENUINE: 20, AuthorRole.ATTACKER: 100}
    assert [post for post in lifted if post.role == AuthorRole.ATTACKER] == [
        post for post in mirror if post.role == AuthorRole.ATTACKER
    ]


def test_rows_are_distinct_and_quick_ones_among_them() -> None:
    everything = {row.key for row in rows(quick=False, seeds=3)}
    quick = [row.key for row in rows(quick=True, seeds=1)]
    assert len(everything) == len(list(rows(quick=False, seeds=3)))
    assert len(set(quick)) == len(quick) and set(quick) <= everything


def test_protection_ends_where_texts_are_used_once() -> None:
    assert AttackRow(OWN, BOUGHT, 150).protected and AttackRow(SLOGANS, YOUNG, 3).protected
    assert not AttackRow(OWN, BOUGHT, 300).protected and not AttackRow(OWN, BOUGHT, OWN_SENTENCES).protected
    assert not AttackRow(STUDENTS, YOUNG, 3).protected and not AttackRow(NOTHING, YOUNG, 3).protected


def test_seconds_count_once_the_tick_of_the_tenth_person_has_settled() -> None:
    row = AttackRow(OWN, YOUNG, 3)
    tenth = sorted(post.at_ms for post in battle(row) if post.role == AuthorRole.GENUINE)[9]
    assert 6_000 < since(row) - tenth <= 6_000 + PANE_MS
    seen = [
        Sight(START_MS + second * 1000, "suppress" if 20 <= second < 50 else "", False, None) for second in range(99)
    ]
    found = result(row, seen, [], [], since_ms=START_MS + 30_000, attacked_ms=START_MS)
    assert (found.hidden_before_seconds, found.hidden_seconds, found.first_hidden_seconds) == (10, 20, 20)
    assert found.case_seconds is None


def test_case_on_lifted_campaign_counts_only_while_shown() -> None:
    seen = [Sight(START_MS + second * 1000, "suppress" if second < 50 else "", False, 9) for second in range(99)]
    cases = [
        OpenCase("review", START_MS, START_MS + 40_000),
        OpenCase("contested", START_MS + 70_000, START_MS + 90_000),
    ]
    moments = {"since_ms": START_MS, "attacked_ms": START_MS + 10_000}
    assert result(AttackRow(LIFTED, YOUNG, 3, people=20), seen, cases, [], **moments).case_seconds == 20
    assert result(AttackRow(OWN, YOUNG, 3), seen, cases, [], **moments).case_seconds == 0
    assert result(AttackRow(LIFTED, YOUNG, 3, people=20), seen, cases[:1], [], **moments).case_seconds is None


def test_each_goal_is_missed_by_its_worse_case() -> None:
    own, students = AttackRow(OWN, YOUNG, 3), AttackRow(STUDENTS, YOUNG, 3)
    lifted, mirror = AttackRow(LIFTED, YOUNG, 3, people=20), AttackRow(MIRROR, YOUNG, 3, people=20)
    good = [
        outcome(own, hidden_seconds=10), outcome(replace(own, ratio=5.0), hidden_seconds=60), outcome(students),
        outcome(lifted, rank=30.0), outcome(mirror, rank=30.0),
        outcome(AttackRow(NOTHING, YOUNG, 3), first_hidden_seconds=20.0),
    ]  # fmt: skip
    base = {each.row.key: each for each in good}
    assert not any(goal.missed for goal in row_goals(good, base))
    worse: list[tuple[int, int, dict[str, object]]] = [
        (0, 0, {"hidden_seconds": 11}), (1, 1, {"hidden_seconds": 61}), (2, 2, {"case_seconds": 61.0}),
        (2, 3, {"hidden_seconds": 1}), (3, 4, {"case_seconds": None}), (3, 5, {"rank": 29.0}),
        (4, 6, {"actions": ("IN abuse trends suppress",)}), (5, 7, {"first_hidden_seconds": None}),
        (0, 8, {"hidden_seconds": 11}),
    ]  # fmt: skip
    for place, goal, changed in worse:
        bad = [msgspec.structs.replace(each, **changed) if at == place else each for at, each in enumerate(good)]
        assert row_goals(bad, base)[goal].missed, goal
    assert row_goals(good, None)[3].state == "needs --base"
    assert of_rows(good).row_count == 6 and of_goals(row_goals(good, base)).row_count == 9


def test_changes_name_row_figure_and_both_values() -> None:
    before = {"a": {"hidden": 3.0, "case": None}, "gone": {"hidden": 1.0}}
    after = {"a": {"hidden": 2.5, "case": None}, "new": {"hidden": 1.0}}
    assert [str(change) for change in changes(before, after)] == ["a: hidden 3 → 2.5"]


def test_row_is_measured_through_the_judging_path() -> None:
    found = measure(AttackRow(OWN, YOUNG, 3, 0.5, AFTER, generator=FIRST))
    assert found.hidden_seconds == 0 and found.row.key in command.figures([found])
    decoded = msgspec.json.decode(msgspec.json.encode([found]), type=list[RowResult])
    assert decoded == [found]
