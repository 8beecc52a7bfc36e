"""The picture of a crowd: well-formed, without inline style, and with words for people who do not see it."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest

from moderation.console.crowd_chart import crowd_chart, crowd_words, numbered_moments
from moderation.domain.crowd.answers import CrowdAnswer, CrowdMomentAnswer, CrowdPointAnswer
from streams.constants import HOUR_MS, MINUTE_MS

SINCE_MS = 1_767_222_000_000
"""2025-12-31 23:00 UTC."""


def point(minute: int, authors: int, established: int) -> CrowdPointAnswer:
    return CrowdPointAnswer(
        at_ms=SINCE_MS + minute * MINUTE_MS, tweets=2 * authors, authors=authors, established=established,
        coordinated=authors - established, young=None, copies=3, sampled=0, unread={},
    )  # fmt: skip


def moment(minute: int, what: str = "held", actor: str = "", country: str = "IN") -> CrowdMomentAnswer:
    return CrowdMomentAnswer(
        at_ms=SINCE_MS + minute * MINUTE_MS, source="human" if actor else "automated", what=what, country=country,
        surfaces=("trends",), actor=actor,
    )  # fmt: skip


def crowd(*points: CrowdPointAnswer, moments: tuple[CrowdMomentAnswer, ...] = (), **changes: Any) -> CrowdAnswer:
    return CrowdAnswer(**{
        "case": "case-1", "hashtag": "tag", "country": "IN", "countries": ["IN"], "since_ms": SINCE_MS,
        "until_ms": SINCE_MS + HOUR_MS, "step_ms": MINUTE_MS, "window_ms": 600_000, "floor": 10, "newest_at_ms": None,
        "is_calibrated": None, "complete": True, "points": list(points), "moments": list(moments),
    } | changes)  # fmt: skip


def drawn(given: CrowdAnswer) -> ElementTree.Element:
    svg = crowd_chart(given)
    assert "style=" not in svg and "<style" not in svg
    return ElementTree.fromstring(svg)


def texts(svg: ElementTree.Element) -> list[str]:
    return [one.text or "" for one in svg.iter("text")]


def test_areas_are_stacked_and_end_where_minutes_are_missing() -> None:
    svg = drawn(crowd(point(1, 40, 30), point(2, 50, 10), point(30, 20, 20)))
    areas = [(one.get("class"), one.get("points", "").split()) for one in svg.iter("polygon")]
    assert [css for css, _ in areas] == ["area-1", "area-2", "area-1", "area-2"]
    low, high = areas[0][1], areas[1][1]
    assert low[:3] == high[:-4:-1], "the second area lies on the first"
    assert high[2] == "21.3,0", "the peak touches the top"
    assert "most: 50 authors" in texts(svg)


def test_moments_are_numbered_and_near_ones_joined() -> None:
    given = crowd(
        point(1, 40, 30),
        moments=(moment(10), moment(30, "hidden", "ann"), moment(31, "undone", "zoe"), moment(60, "shown", "zoe", "*")),
    )
    svg = drawn(given)
    lines = [one for one in svg.iter("line") if one.get("class") == "mark"]
    assert [one.get("stroke-dasharray") for one in lines] == ["4 3", None, None, None]
    assert [one for one in texts(svg) if one[0] in "1234" and ":" not in one] == ["1", "2–3", "4"]
    assert [(one.number, one.words, one.actor) for one in numbered_moments(given)] == [
        (1, "held for review automatically in India", ""), (2, "hidden in India", "ann"),
        (3, "decision undone in India", "zoe"), (4, "shown everywhere", "zoe"),
    ]  # fmt: skip


def test_words_tell_what_the_picture_shows() -> None:
    words = crowd_words(crowd(point(1, 40, 30), point(2, 1_250, 50), moments=(moment(5, "hidden", "ann"),)))
    assert words == (
        "Authors in India, counted over 10 min at a time: 40 at 23:01 UTC, most at 23:02 with 1,250, of whom 50"
        " established and 1,200 coordinated; 1,250 at 23:02. Decisions: 1: hidden in India by ann at 23:05."
    )
    svg = drawn(crowd(point(1, 40, 30)))
    ids = {one.get("id") for one in svg.iter()}
    assert set((svg.get("aria-labelledby") or "").split()) <= ids


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "Fewer than 10 tweets in any 10 min"),
        ({"complete": False}, "The evidence is still being read"),
        ({"window_ms": 0}, "There is no evidence of this time"),
    ],
)
def test_empty_crowd_says_why(changes: dict[str, Any], words: str) -> None:
    given = crowd(moments=(moment(30),), **changes)
    svg = drawn(given)
    assert words in texts(svg) and not list(svg.iter("polygon"))
    assert crowd_words(given).startswith(words)


def test_hostile_name_stays_text() -> None:
    svg = drawn(crowd(point(1, 0, 0), moments=(moment(5, "hidden", '"><script>alert(1)</script>'),)))
    assert not list(svg.iter("script"))
