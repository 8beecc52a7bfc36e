"""What is known of the ends of logs, from whatever side."""

from __future__ import annotations

from dataclasses import dataclass

from faust.types.tuples import TP

from streams.pipeline.backlog import told_by, work_of
from streams.pipeline.watchdog import Work

A, B = TP("tweets", 0), TP("hashtag-partials", 3)


@dataclass
class Standing:
    position: int | None


class Consumer:
    """Has been told of one partition only; aiokafka asserts that a partition is assigned."""

    def highwater(self, tp):
        assert tp == A, "Partition is not assigned"
        return 9


def test_the_greatest_known_end_counts():
    ends = [told_by(Consumer, besides="moderation"), lambda tp: {A: 7, B: 12}[tp]]
    assert work_of({A: Standing(5), B: Standing(11)}, ends) == {
        "tweets[0]": Work(5, 9),
        "hashtag-partials[3]": Work(11, 12),
    }


def test_what_nobody_knows_is_left_out():
    assert work_of({A: Standing(None), B: Standing(3)}, [told_by(Consumer, besides="")]) == {}
    assert work_of({A: Standing(3)}, [told_by(Consumer, besides="tweets")]) == {}, "its end may be a marker"
