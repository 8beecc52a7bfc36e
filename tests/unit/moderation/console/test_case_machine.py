"""Numbers of the machine: readings at the decision and now, and the picture of a share against its thresholds."""

from __future__ import annotations

import asyncio
import re

from msgspec.structs import replace

from moderation.console.case_machine import machine_views, meter
from moderation.domain.cases.case import HashtagCase
from streams.log.decisions import Decision
from tests.support.case_decisions import EVIDENCE, decision, ruling, unread_ruling
from tests.support.in_memory_policies import POLICY
from tests.support.moderation_world import World

RULE = POLICY.rule("abuse", "trends", "IN")


def case_of(*decisions: Decision) -> HashtagCase:
    return asyncio.run(World(*decisions).case())


def test_reading_of_now_stands_beside_that_of_the_decision() -> None:
    held = decision(ruling("hold", evidence=replace(EVIDENCE, highest=("17",), highest_at=())))
    case = case_of(held)
    [same] = machine_views(case, [held], POLICY)
    assert [one.when for one in same.readings] == ["when it was decided"]
    calmer = ruling("hold", evidence=replace(EVIDENCE, share=0.2, lower=0.1, upper=0.3))
    [moved] = machine_views(case, [decision(calmer, number=2, at_ms=90)], POLICY)
    assert [(one.when, one.evidence.share) for one in moved.readings] == [("when it was decided", 0.6), ("now", 0.2)]
    assert moved.readings[1].words == "Between 10% and 30% of the authors write harm; the best estimate is 20%"


def test_view_without_a_policy_or_decision_has_no_thresholds() -> None:
    [view] = machine_views(case_of(decision(ruling("hold"))), [], None)
    assert (view.suppress_at, view.clear_at, view.signals, view.mode) == (None, None, [], "")
    assert "hide from" not in view.readings[0].svg


def test_unassessed_hashtag_has_neither_picture_nor_share() -> None:
    [view] = machine_views(case_of(decision(unread_ruling())), [], POLICY)
    [reading] = view.readings
    assert (reading.svg, view.assessed) == ("", False)
    assert reading.words == "The model does not read most of its texts, and estimates no harm"
    assert reading.read == "19% of 64 sampled authors (Tamil 41, Bengali 9, other 2 not read)"
    assert view.cause.startswith("not assessed: the model read 19%")


def test_meter_keeps_marks_and_labels_inside_the_picture() -> None:
    for lower, share, upper in ((0.0, 0.0, 0.0), (0.99, 1.0, 1.0), (-1.0, 0.5, 7.0)):
        drawn = meter(replace(EVIDENCE, lower=lower, share=share, upper=upper), RULE, "a <b> title")
        width = float(re.findall(r'viewBox="0 0 (\d+) ', drawn)[0])
        assert all(-2 <= float(x) <= width + 2 for x in re.findall(r' x[12]?="([^"]+)"', drawn))
        assert "<b>" not in drawn and "hide from 55%" in drawn and "clear below 40%" in drawn
