"""The backlog: known ends of logs, and readiness relative to the ends at assignment."""

from __future__ import annotations

from dataclasses import dataclass

from faust.types.tuples import TP

from streams.pipeline.backlog import Readiness, fetched_end, work_of
from streams.pipeline.watchdog import Work

A, B = TP("tweets", 1), TP("hashtag-partials", 3)


@dataclass(eq=False)
class State:
    position: int | None = 0


class Consumer:
    """A consumer with one assigned partition; aiokafka asserts that a partition is assigned."""

    def highwater(self, tp):
        assert tp == A, "Partition is not assigned"
        return 9


def test_greatest_known_end_counts():
    ends = [fetched_end(Consumer, except_topic="moderation"), lambda tp: {A: 7, B: 12}[tp]]
    assert work_of({A: State(5), B: State(11)}, ends) == {
        "tweets[1]": Work(5, 9),
        "hashtag-partials[3]": Work(11, 12),
    }


def test_unknown_position_or_end_is_left_out():
    assert work_of({A: State(None), B: State(3)}, [fetched_end(Consumer, except_topic="")]) == {}
    assert work_of({A: State(3)}, [fetched_end(Consumer, except_topic="tweets")]) == {}, "the end may be a marker"


def test_readiness_counts_the_end_at_assignment():
    readiness, owned = Readiness(), {A: State()}
    assert readiness.missing(owned, {}) == "tweets[1]: catching up", "its end is unknown"
    assert readiness.missing(owned, {"tweets[1]": Work(3, 9)}) == "tweets[1] at 3 of 9: catching up"
    assert readiness.missing(owned, {"tweets[1]": Work(8, 20)}) == "tweets[1] at 8 of 9: catching up"
    assert readiness.missing(owned, {"tweets[1]": Work(9, 21)}) == ""
    assert readiness.missing(owned, {"tweets[1]": Work(9, 2_000)}) == "", "falling behind later does not count"


def test_readiness_restarts_with_a_new_assignment():
    readiness = Readiness()
    assert readiness.missing({A: State()}, {"tweets[1]": Work(9, 9)}) == ""
    assert readiness.missing({A: State()}, {"tweets[1]": Work(7, 30)}) == "tweets[1] at 7 of 30: catching up"


def test_readiness_names_few_partitions():
    many = {TP("t", number): State() for number in range(9)}
    assert Readiness().missing(many, {}) == "t[0], t[1], t[2], t[3] and 5 more: catching up"
