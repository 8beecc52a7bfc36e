"""Crowds: minutes of the evidence, of every hashtag for an hour and of open cases for longer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.share import Scale
from moderation.domain.crowd.answers import CrowdPointAnswer
from moderation.domain.crowd.crowd import CrowdFold
from moderation.domain.crowd.follower import apply_evidence
from streams.constants import HOUR_MS, MINUTE_MS
from streams.log.evidence import encode_evidence_record
from streams.log.lines import LogRecord
from tests.support.in_memory_crowds import FLOOR, WINDOW_MS, Counts, crowd_record

TAGS = ("tag", "किसान", "tagb")
Cell = tuple[str, str]


def folded(*minutes: dict[Cell, Counts]) -> CrowdFold:
    fold = CrowdFold()
    for number, rows in enumerate(minutes, 1):
        fold.apply(crowd_record(number * MINUTE_MS, rows))
    return fold


def test_point_has_counts_and_estimates_without_shares() -> None:
    fold = CrowdFold()
    rows: dict[Cell, Counts] = {("tag", "*"): (90, 40, 30), ("tag", "IN"): (60, 20, 25)}
    fold.apply(crowd_record(MINUTE_MS, rows, young=(0.26, float("nan"))))
    assert fold.series("tag", "*", 0, HOUR_MS) == [
        CrowdPointAnswer(at_ms=MINUTE_MS, tweets=90, authors=40, established=30, coordinated=10, young=10, copies=None,
                         sampled=0, unread={})
    ]  # fmt: skip
    [india] = fold.series("tag", "IN", 0, HOUR_MS)
    assert (india.established, india.coordinated, india.young) == (20, 0, None), "estimates are never contradictory"
    assert (fold.window_ms, fold.floor, fold.newest_ms) == (WINDOW_MS, FLOOR, MINUTE_MS)


def test_point_counts_unread_authors_by_language() -> None:
    fold, rows = CrowdFold(), {("tag", "*"): (90, 40, 30), ("read", "*"): (60, 20, 5)}
    fold.apply(crowd_record(MINUTE_MS, rows, scored=[12, 20], unread=[{"ta": 41, "other": 2}, {}]))
    [tag], [read] = (fold.series(name, "*", 0, HOUR_MS) for name in ("tag", "read"))
    assert (tag.sampled, dict(tag.unread)) == (55, {"ta": 41, "other": 2})
    assert (read.sampled, dict(read.unread)) == (0, {})
    fold.thin(2 * MINUTE_MS, ["tag"])
    assert fold.series("tag", "*", 0, HOUR_MS) == [tag]
    other = CrowdFold()
    other.apply(crowd_record(MINUTE_MS, rows, scored=[12, 20], unread=[{"ta": 41, "other": 2}, {}], scale=b""))
    [unnamed] = other.series("tag", "*", 0, HOUR_MS)
    assert dict(unnamed.unread) == {"und": 43}, "groups of another scorer have no names"


def test_fold_knows_whether_the_scale_is_the_platforms() -> None:
    fold, rows, scale = CrowdFold(), {("tag", "*"): (90, 40, 30)}, Scale(np.ones((3, 2, 4)), np.zeros((3, 2, 3)))
    assert fold.is_calibrated is None
    mixed = replace(scale, between=np.full(3, 0.1))
    for minute, (one, expected) in enumerate(((mixed, False), (scale, True)), 1):
        fold.apply(crowd_record(minute * MINUTE_MS, rows, scale=one.to_bytes()))
        assert fold.is_calibrated is expected


def test_only_minutes_of_the_shortest_window_are_read() -> None:
    fold, rows = CrowdFold(), {("tag", "*"): (90, 40, 30)}
    for tick_ms, window_ms in ((MINUTE_MS, 3_600_000), (MINUTE_MS - 10_000, WINDOW_MS), (2 * MINUTE_MS, WINDOW_MS)):
        value = encode_evidence_record(crowd_record(tick_ms, rows, window_ms=window_ms))
        apply_evidence(fold, LogRecord(0, 0, tick_ms, None, value))
    apply_evidence(fold, LogRecord(0, 0, MINUTE_MS, None, b"not a record"))
    assert [one.at_ms for one in fold.series("tag", "*", 0, HOUR_MS)] == [2 * MINUTE_MS]


def test_repeated_record_counts_once_and_shards_are_joined() -> None:
    fold = CrowdFold()
    for _ in range(2):
        fold.apply(crowd_record(MINUTE_MS, {("a", "*"): (90, 40, 30)}, shard=0))
        fold.apply(crowd_record(MINUTE_MS, {("b", "*"): (20, 10, 5)}, shard=1))
    assert [len(fold.series(tag, "*", 0, HOUR_MS)) for tag in "abc"] == [1, 1, 0]


def test_long_crowd_has_every_fifth_minute() -> None:
    fold = folded(*[{("tag", "*"): (90, 40, 30)} for _ in range(200)])
    assert len(fold.series("tag", "*", 0, 2 * HOUR_MS)) == 120
    assert [one.at_ms // MINUTE_MS for one in fold.series("tag", "*", 0, 3 * HOUR_MS)][:3] == [5, 10, 15]


def test_older_minutes_keep_open_cases_alone() -> None:
    rows: dict[Cell, Counts] = {(tag, "*"): (90, 40, 30) for tag in TAGS}
    fold = folded(rows, rows, rows)
    fold.thin(3 * MINUTE_MS, ["tag"])
    assert [len(fold.series(tag, "*", 0, HOUR_MS)) for tag in TAGS] == [3, 1, 1]
    fold.apply(crowd_record(2 * MINUTE_MS, {("tag", "IN"): (50, 9, 9), ("tagb", "IN"): (50, 9, 9)}, shard=1))
    assert [len(fold.series(tag, "IN", 0, HOUR_MS)) for tag in TAGS] == [1, 0, 0], "late rows are thinned, too"
    fold.expire(3 * MINUTE_MS)
    assert [len(fold.series(tag, "*", 0, HOUR_MS)) for tag in TAGS] == [1, 1, 1]


@given(st.lists(st.dictionaries(
    st.tuples(st.sampled_from(TAGS), st.sampled_from(("*", "IN", "DE"))),
    st.tuples(st.integers(10, 10**6), st.integers(0, 10**5), st.integers(0, 10**5)),
), max_size=6), st.integers(0, 7), st.integers(0, 7))  # fmt: skip
def test_series_equals_the_rows_of_a_key(minutes: list[dict[Cell, Counts]], first: int, last: int) -> None:
    fold = folded(*minutes)
    for tag in TAGS:
        for country in ("*", "IN", "DE"):
            expected = [
                (number * MINUTE_MS, tweets, authors, min(established, authors))
                for number, rows in enumerate(minutes, 1)
                if first <= number <= last
                for tweets, authors, established in [rows.get((tag, country), (-1, 0, 0))]
                if tweets >= 0
            ]
            found = fold.series(tag, country, first * MINUTE_MS, last * MINUTE_MS)
            assert [(one.at_ms, one.tweets, one.authors, one.established) for one in found] == expected
