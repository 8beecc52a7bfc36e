"""Verdict, timeline and screen of the demo, from invented observations."""

from __future__ import annotations

import doctest
from dataclasses import replace
from typing import Any

import pytest
from hushtag_client.registers import Reason, Register
from hypothesis import given
from hypothesis import strategies as st

from devkit.demo import view
from devkit.demo.state import DemoState, TrendRow
from devkit.demo.timeline import Timeline, TimelineEvent
from devkit.demo.truth import PlannedTag, by_hashtag, planned_tags
from devkit.demo.verdict import DemoVerdict, Judgement
from streams import countries
from streams.explain import flag_text
from tests.support.terminal_text import drawn

T0 = 1_800_000_000_000
CAMPAIGN = PlannedTag("outnow", "OutNow", "campaign", True, "IN", T0 + 20_000, T0 + 300_000)
PROTEST = PlannedTag("fairpay", "FairPay", "protest", False, "IN", T0, T0 + 300_000)
ATTACKED = PlannedTag("savetheriver", "SaveTheRiver", "protest", False, "IN", T0, T0 + 300_000, T0 + 25_000)
LATER = PlannedTag("goaway", "GoAway", "campaign", True, "US", T0 + 80_000, T0 + 300_000)


def verdict_of(
    *,
    seen: float | None = 22,
    flagged: float | None = 28,
    after: list[tuple[float, str]] | None = None,
    end: float = 60,
) -> Judgement:
    """Build the verdict of a run with sightings and a flag at these seconds."""
    verdict = DemoVerdict([CAMPAIGN, PROTEST, LATER])
    if seen is not None:
        verdict.saw_list(T0 + int(seen * 1000), "trends", "IN", ["fairpay", "outnow"])
    if flagged is not None:
        flag(verdict, flagged, "outnow")
    for at, surface in after or []:
        verdict.saw_list(T0 + int(at * 1000), surface, "IN", ["outnow"])
    return verdict.judge(T0 + int(end * 1000))


def flag(verdict: DemoVerdict, at: float, hashtag: str, country: str = "IN", *, hides: bool = True) -> None:
    verdict.saw_flag(T0 + int(at * 1000), hashtag, "trends", country, hides=hides, provisional=True)


def test_verdict_is_good_when_conditions_hold() -> None:
    judgement = verdict_of(after=[(29, "trends"), (29.9, "search")])  # polls that were under way
    assert judgement.good and judgement.complete
    assert [one.story.hashtag for one in judgement.campaigns] == ["outnow"]
    assert judgement.campaigns[0].best_rank == 2
    assert judgement.harmless == {"protest": 1}


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"seen": None}, "never seen"),
        ({"flagged": None}, "never flagged"),
        ({"flagged": 32.5}, "10.5 s after it was seen"),
        ({"seen": 45, "flagged": 51}, "31.0 s after it began"),
        ({"after": [(40, "trends")]}, "found on trends 12.0 s after its flag"),
        ({"after": [(31, "search")]}, "found on search"),
    ],
)
def test_verdict_names_violated_conditions(changed: dict[str, Any], problem: str) -> None:
    judgement = verdict_of(**changed)
    assert not judgement.good
    assert problem in " ".join(judgement.campaigns[0].problems())


def test_flag_before_first_sighting_is_a_problem() -> None:
    verdict = DemoVerdict([CAMPAIGN])
    flag(verdict, 22, "outnow")
    verdict.saw_list(T0 + 23_000, "trends", "IN", ["outnow"])
    assert "was never seen in the top 10" in verdict.judge(T0 + 60_000).campaigns[0].problems()


def attack_of(
    *,
    contested: float | None = 31,
    lists: list[tuple[float, list[str]]] | None = None,
    hidden: float | None = None,
    end: float = 60,
) -> Judgement:
    """Build the verdict of an attack on a protest with lists and a discount at these seconds."""
    verdict = DemoVerdict([ATTACKED])
    for at, tags in lists or [(10, ["match", "savetheriver"]), (40, ["savetheriver"]), (50, ["match", "savetheriver"])]:
        verdict.saw_list(T0 + int(at * 1000), "trends", "IN", tags)
    if contested is not None:
        verdict.saw_discount(T0 + int(contested * 1000), "savetheriver", "IN", "contested. why")
        verdict.saw_discount(T0 + int(contested * 1000) + 9_000, "savetheriver", "IN", "contested. later numbers")
    if hidden is not None:
        flag(verdict, hidden, "savetheriver")
    return verdict.judge(T0 + int(end * 1000))


def test_attack_is_good_if_protest_stays_and_is_contested() -> None:
    judgement = attack_of()
    (attack,) = judgement.attacks
    assert judgement.good and not judgement.false_flags
    assert (attack.rank_before, attack.ranks, attack.why) == (2, [1, 2], "contested. why")


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"contested": None}, "never became contested"),
        ({"contested": 56}, "became contested 31.0 s after the copying began"),
        ({"lists": [(30, ["savetheriver"])]}, "was not in the top 10 before the copying began"),
        ({"lists": [(10, ["savetheriver"]), (40, ["match"])]}, "left the top 10 15.0 s after the copying began"),
    ],
)
def test_attack_names_violated_conditions(changed: dict[str, Any], problem: str) -> None:
    judgement = attack_of(**changed)
    assert not judgement.good and problem in judgement.attacks[0].problems()


def test_hidden_protest_is_a_false_flag_under_attack() -> None:
    judgement = attack_of(hidden=32)
    assert not judgement.good and [one.hashtag for one in judgement.false_flags] == ["savetheriver"]


def test_late_attack_is_not_evaluated() -> None:
    judgement = attack_of(contested=None, end=50)
    assert judgement.good and judgement.attacks == []


def test_attack_decided_by_person_or_elsewhere_is_not_evaluated() -> None:
    verdict = DemoVerdict([ATTACKED])
    verdict.saw_discount(T0 + 30_000, "savetheriver", "US", "why")
    assert verdict.attacks["savetheriver"].contested_ms is None
    verdict.saw_person("savetheriver")
    assert verdict.judge(T0 + 60_000).attacks == []


def test_late_campaign_is_not_evaluated() -> None:
    judgement = verdict_of(seen=None, flagged=None, end=45)
    assert not judgement.complete and judgement.good
    assert [one.story.hashtag for one in judgement.too_young] == ["outnow"]
    assert verdict_of(end=85).too_young[0].story.hashtag == "goaway"


@pytest.mark.parametrize("hashtag", ["fairpay", "somechatter"])
def test_brief_false_flag_is_reported(hashtag: str) -> None:
    verdict = DemoVerdict([CAMPAIGN, PROTEST])
    verdict.saw_list(T0 + 22_000, "trends", "IN", ["outnow"])
    flag(verdict, 25, "outnow", "*")
    flag(verdict, 30, hashtag)
    flag(verdict, 30.1, hashtag, hides=False)
    judgement = verdict.judge(T0 + 60_000)
    assert not judgement.good
    assert [(one.hashtag, one.kind) for one in judgement.false_flags] == [
        (hashtag, "protest" if hashtag == "fairpay" else "organic")
    ]


def test_only_own_country_of_campaign_counts() -> None:
    verdict = DemoVerdict([CAMPAIGN])
    verdict.saw_list(T0 + 22_000, "trends", "US", ["outnow"])
    flag(verdict, 23, "outnow", "GB")
    found = verdict.judge(T0 + 60_000).campaigns[0]
    assert found.seen_ms is None and found.flagged_ms is None


def test_campaign_decided_by_person_is_not_evaluated() -> None:
    verdict = DemoVerdict([CAMPAIGN, PROTEST])
    verdict.saw_list(T0 + 22_000, "trends", "IN", ["outnow"])
    flag(verdict, 25, "outnow")
    verdict.saw_person("outnow")
    verdict.saw_list(T0 + 50_000, "trends", "IN", ["outnow"])
    judgement = verdict.judge(T0 + 60_000)
    assert judgement.good and judgement.campaigns == [] and len(judgement.left_to_people) == 1


def test_campaign_shown_by_pause_is_no_error_until_resume() -> None:
    verdict = DemoVerdict([CAMPAIGN, ATTACKED])
    verdict.saw_list(T0 + 22_000, "trends", "IN", ["savetheriver", "outnow"])
    verdict.saw_discount(T0 + 30_000, "savetheriver", "IN", "why")
    flag(verdict, 25, "outnow")
    verdict.saw_pause(T0 + 39_000, "trends|*|human|*", T0 + 90_000)
    verdict.saw_list(T0 + 40_000, "trends", "IN", ["outnow"])
    verdict.saw_pause(T0 + 45_000, "trends|*|human|*", T0 + 45_000)
    verdict.saw_list(T0 + 46_900, "trends", "IN", ["outnow"])
    assert verdict.judge(T0 + 60_000).good
    verdict.saw_list(T0 + 47_100, "trends", "IN", ["outnow"])
    assert "found on trends" in " ".join(verdict.judge(T0 + 60_000).campaigns[0].problems())


@pytest.mark.parametrize("act", ["pause", "policy"])
def test_campaign_shown_just_before_pause_or_policy_is_noticed_is_no_error(act: str) -> None:
    verdict = DemoVerdict([CAMPAIGN])
    verdict.saw_list(T0 + 22_000, "trends", "IN", ["outnow"])
    flag(verdict, 25, "outnow")
    verdict.saw_list(T0 + 69_700, "search", "IN", ["outnow"])
    assert not verdict.judge(T0 + 69_800).good
    if act == "pause":
        verdict.saw_pause(T0 + 70_000, "trends|*|human|*", T0 + 90_000)
    else:
        verdict.saw_other_policy(T0 + 70_000)
    assert verdict.judge(T0 + 71_000).good


def test_attacked_protest_may_leave_list_after_decision_on_another() -> None:
    verdict = DemoVerdict([ATTACKED])
    verdict.saw_list(T0 + 10_000, "trends", "IN", ["savetheriver"])
    verdict.saw_discount(T0 + 30_000, "savetheriver", "IN", "why")
    verdict.saw_person("match")
    verdict.saw_list(T0 + 40_000, "trends", "IN", ["match"])
    assert verdict.judge(T0 + 60_000).good


def test_evaluation_ends_with_policy_change() -> None:
    verdict = DemoVerdict([CAMPAIGN, PROTEST, LATER])
    verdict.saw_list(T0 + 22_000, "trends", "IN", ["outnow"])
    flag(verdict, 25, "outnow")
    verdict.saw_other_policy(T0 + 70_000)
    verdict.saw_list(T0 + 80_000, "trends", "IN", ["outnow"])
    flag(verdict, 90, "fairpay")
    judgement = verdict.judge(T0 + 200_000)
    assert judgement.good and [one.story.hashtag for one in judgement.campaigns] == ["outnow"]


@given(st.floats(20, 59), st.floats(0, 30))
def test_time_limits_are_inclusive(seen: float, wait: float) -> None:
    flagged_ms = int((seen + wait) * 1000) - int(seen * 1000)
    good = flagged_ms <= 10_000 and int((seen + wait) * 1000) - 20_000 <= 30_000
    assert verdict_of(seen=seen, flagged=seen + wait, end=100).campaigns[0].problems() == [] or not good
    assert not good or verdict_of(seen=seen, flagged=seen + wait, end=100).good is (wait >= 0)


def register(hashtag: str, surface: str, country: str, action: str = "suppress", **more: Any) -> Register:
    return Register(
        version="1", action=action, hashtag=hashtag, surface=surface, country=country,  # type: ignore[arg-type]
        expires_at_ms=T0 + 900_000, decided_at_ms=T0 + 27_600,
        reasons=(
            Reason(signal="harmful_share_lower", value=0.46, threshold=0.45),
            Reason(signal="young", value=0.6471, threshold=0.3), Reason(signal="burst", value=6.25, threshold=4.0),
        ),
        evidence={"upper": 0.84, "authors": 34}, **more,
    )  # fmt: skip


def everywhere(**more: Any) -> list[Register]:
    return [register("outnow", s, c, **more) for s in ("trends", "search") for c in ("IN", "*")]


def lines(events: list[TimelineEvent]) -> list[str]:
    return [event.text for event in events]


def test_timeline_of_a_campaign() -> None:
    timeline = Timeline([CAMPAIGN, PROTEST])
    assert lines(timeline.tick(T0 + 100)) == ["a protest begins in India: #FairPay"]
    assert lines(timeline.saw_trends(T0 + 19_000, "IN", ["match", "fairpay"])) == [
        "#FairPay entered the top 10 in India at number 2"
    ]
    assert lines(timeline.tick(T0 + 20_000)) == ["a campaign begins in India: #OutNow"]
    assert lines(timeline.saw_trends(T0 + 22_000, "IN", ["outnow", "match", "fairpay"])) == [
        "#OutNow entered the top 10 in India at number 1"
    ]
    (held,) = timeline.saw_flags(T0 + 28_000, everywhere(provisional=True))
    assert held.tone == "held"
    assert held.text == "#OutNow held back from trends and search in India and World"
    assert held.detail == (
        "0.4 s after the tweet that decided it: "
        "harmful share 0.46–0.84 ≥ 0.45, 34 authors, young accounts 0.65 ≥ 0.30, rate against its own past 6.2 ≥ 4.0"
    )
    assert timeline.saw_flags(T0 + 28_100, everywhere(provisional=True)) == []
    assert lines(timeline.saw_trends(T0 + 28_200, "IN", ["match", "fairpay"])) == [
        "#FairPay stays: a protest, number 2",
        "#OutNow is gone from trends, 0.2 s after its flag",
    ]
    assert lines(timeline.saw_flags(T0 + 35_000, everywhere())) == [
        "#OutNow: settled in India and World, the early flag is confirmed"
    ]
    assert lines(timeline.saw_flags(T0 + 90_000, everywhere(action="clear"))) == ["#OutNow no longer held back"]


def contested(action: str = "discount", **more: Any) -> list[Register]:
    evidence = {"authors": 120, "established": 41, "established_upper": 0.1}
    reasons = (Reason(signal="coordinated_share_lower", value=0.84, threshold=0.45),)
    plain = register("savetheriver", "trends", "IN", action, category="hateful_conduct", weight=0.3, **more)
    return [
        replace(plain, surface=surface, country=country, evidence=evidence, reasons=reasons)
        for surface in ("trends", "search")
        for country in ("*", "IN")
    ]


def test_timeline_of_an_attacked_protest() -> None:
    timeline = Timeline([ATTACKED])
    assert lines(timeline.tick(T0 + 25_000)) == [
        "new accounts begin to copy hate under #SaveTheRiver",
        "a protest begins in India: #SaveTheRiver",
    ]
    (event,) = timeline.saw_flags(T0 + 28_000, contested(provisional=True))
    assert event.tone == "contested"
    assert event.text == "#SaveTheRiver: contested. 34% of its authors are established and write no harm"
    assert event.detail == (
        "the others write hateful conduct: ranked by the established alone "
        "(0.4 s after the tweet that decided it, its tweets count 30%)"
    )
    assert timeline.saw_flags(T0 + 30_000, contested()) == [], "settled, or with another weight"
    assert timeline.saw_flags(T0 + 31_000, contested("clear")[:2]) == []
    assert lines(timeline.saw_flags(T0 + 32_000, contested("clear"))) == ["#SaveTheRiver no longer contested"]
    (wrong,) = timeline.saw_flags(T0 + 40_000, contested("suppress"))
    assert wrong.tone == "wrong"


def test_timeline_marks_people_and_false_flags() -> None:
    timeline = Timeline([CAMPAIGN, PROTEST])
    (wrong,) = timeline.saw_flags(T0, [register("fairpay", "trends", "IN")])
    assert wrong.tone == "wrong"
    (blocked,) = timeline.saw_flags(T0, [register("fairpay", "trends", "IN", source="human", actor="ana")])
    assert blocked.tone == "held" and "held back by ana" in blocked.text
    (allowed,) = timeline.saw_flags(T0, [register("outnow", "trends", "IN", "allow", source="human", actor="ana")])
    assert allowed.text == "#OutNow allowed by ana on trends in India"


def test_timeline_reports_pause_and_resume() -> None:
    timeline = Timeline([CAMPAIGN])
    pause = [register("*", surface, "*", "allow", source="human", actor="ana") for surface in ("trends", "search")]
    assert lines(timeline.saw_flags(T0, pause)) == ["automation paused by ana on trends and search in World"]
    end = [replace(one, action="clear") for one in pause]
    assert lines(timeline.saw_flags(T0, end)) == ["automation resumed by ana on trends and search in World"]


def test_hints_name_only_hashtags_that_exist() -> None:
    state = a_state()
    state.held, state.rows = [], []
    assert not [hint for hint in view.hints(state) if "explain" in hint[1]], "nothing to explain yet"
    state.rows = a_state().rows
    assert ("hide a trend", ".venv/bin/hushtag block FairPay -r 'a try'") in view.hints(state)
    state.held = a_state().held
    assert ("overrule a flag", ".venv/bin/hushtag allow OutNow -r 'a try'") in view.hints(state)
    state.by_people = [register("outnow", "trends", "*", "allow", source="human", display="OutNow")]
    assert ("undo it", ".venv/bin/hushtag undo OutNow") in view.hints(state)
    assert ("pause all", ".venv/bin/hushtag pause -r 'a try'") in view.hints(state)
    state.by_people = [register("*", "trends", "*", "allow", source="human")]
    assert ("end the pause", ".venv/bin/hushtag resume") in view.hints(state)


def test_doctests() -> None:
    for module in (view, flag_text, countries):
        assert doctest.testmod(module).failed == 0


def test_planned_tags_are_read_from_ground_truth() -> None:
    tag = {"hashtag": "a", "display": "A", "harmful": True, "countries": ["IN"], "from_ms": 5, "to_ms": 9, "texts": 3}
    attacked = tag | {"kind": "protest", "harmful": False, "attacked_from_ms": 7}
    found = planned_tags({"tags": [tag | {"kind": "campaign"}, tag | {"kind": "organic"}, attacked]})
    assert [story.moved(10) for story in found] == [
        PlannedTag("a", "A", "campaign", True, "IN", 15, 19),
        PlannedTag("a", "A", "protest", False, "IN", 15, 19, 17),
    ]


def a_state() -> DemoState:
    state = DemoState("http://127.0.0.1:1", "http://127.0.0.1:2", "config/demo-policy.yaml", "", 60)
    state.began_ms, state.now_ms = T0, T0 + 42_000
    state.stories = by_hashtag([CAMPAIGN, PROTEST, ATTACKED])
    state.rows = [
        TrendRow(1, "fairpay", "FairPay", 321, [1, 2, 3]),
        TrendRow(2, "savetheriver", "SaveTheRiver", 123, [1, 2, 3]),
    ]
    state.held = everywhere(provisional=True, display="OutNow", category="hateful_conduct")
    state.held += contested(display="SaveTheRiver")
    state.events.append(TimelineEvent(T0 + 28_000, "held", "#OutNow held back", "for a reason"))
    return state


@pytest.mark.parametrize(("width", "height"), [(100, 30), (140, 50)])
def test_screen_shows_trends_and_flags(width: int, height: int) -> None:
    text = drawn(view.screen(a_state(), height), width, height)
    found = ("42 of 60 s", "#FairPay", "protest", "321", "#OutNow", "suppressed, early", "in India and World")
    assert "attack" not in text, "a protest under attack is a protest"
    for expected in (*found, "ranked by its established accounts"):
        assert expected in text
    assert "28.0 s  #OutNow held back" in text and "hushtag explain OutNow" in text
    assert len(text.splitlines()) <= height


def test_summary_lists_met_and_violated_conditions() -> None:
    good = drawn(view.summary(a_state(), verdict_of()), 120)
    assert "✓ flagged after 8.0 s, 6.0 s after that" in good and "Everything went as promised." in good
    attacked = drawn(view.summary(a_state(), attack_of()), 120)
    assert "#SaveTheRiver: a protest in India, new accounts copy hate under it from 25 s on" in attacked
    assert "✓ 6.0 s later: contested. why" in attacked
    assert "✓ stayed in the top 10: number 2 before, number 1 to 2 since" in attacked
    assert "✗ never became contested" in drawn(view.summary(a_state(), attack_of(contested=None)), 120)
    bad = drawn(view.summary(a_state(), verdict_of(flagged=45)), 120)
    assert "✗ was flagged 23.0 s after it was seen" in bad and "Not everything went as promised." in bad
    short = drawn(view.summary(a_state(), verdict_of(end=30)), 120)
    assert "run it for 60 seconds" in short


def test_summary_says_that_a_busy_machine_sent_late() -> None:
    state = a_state()
    assert "too busy" not in drawn(view.summary(state, verdict_of()), 120)
    state.health.late_seconds = 12.4
    assert "this machine was too busy: tweets were sent up to 12 s late" in drawn(
        view.summary(state, verdict_of()), 120
    )


def test_lines_have_no_control_characters() -> None:
    assert "\x1b" not in view.plain_event(TimelineEvent(T0, "held", "#a\x1b[2J", "b\u202e"), T0)
