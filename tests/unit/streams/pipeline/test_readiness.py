"""Ready is who has reached the end that was there at the assignment."""

from __future__ import annotations

from dataclasses import dataclass

from faust.types.tuples import TP

from streams.pipeline.readiness import CaughtUp
from streams.pipeline.watchdog import Work

TWEETS = TP("tweets", 1)


@dataclass(eq=False)
class Standing:
    position: int | None = 0


def test_the_end_at_the_assignment_is_what_counts():
    caught_up, owned = CaughtUp(), {TWEETS: Standing()}
    assert caught_up.behind(owned, {}) == "tweets[1]: catching up", "nobody knows its end yet"
    assert caught_up.behind(owned, {"tweets[1]": Work(3, 9)}) == "tweets[1] at 3 of 9: catching up"
    assert caught_up.behind(owned, {"tweets[1]": Work(8, 20)}) == "tweets[1] at 8 of 9: catching up"
    assert caught_up.behind(owned, {"tweets[1]": Work(9, 21)}) == ""
    assert caught_up.behind(owned, {"tweets[1]": Work(9, 2_000)}) == "", "to fall behind is something else"


def test_a_new_assignment_begins_anew():
    caught_up = CaughtUp()
    assert caught_up.behind({TWEETS: Standing()}, {"tweets[1]": Work(9, 9)}) == ""
    assert caught_up.behind({TWEETS: Standing()}, {"tweets[1]": Work(7, 30)}) == "tweets[1] at 7 of 30: catching up"


def test_few_are_named():
    many = {TP("t", number): Standing() for number in range(9)}
    assert CaughtUp().behind(many, {}) == "t[0], t[1], t[2], t[3] and 5 more: catching up"
