"""Conditions that end a flag or hide a hashtag, compared with `decide`, which they restate."""

from __future__ import annotations

import dataclasses
import re
from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.counting.keys import Tags
from streams.explain.changes import would_clear, would_hide
from streams.explain.signal_report import LanguageCount, SignalReport
from streams.judging.evidence_codec import table_of
from streams.judging.hysteresis import decide
from streams.judging.levels import (
    BETWEEN,
    CONTESTED,
    LOW,
    OVER,
    OVER_ALONE,
    OVER_WITHOUT,
    UNDER,
    UNREAD,
    EstablishedVoice,
    levels,
)
from streams.judging.levels import RuleResult as Level
from streams.log.decisions import Action, DecisionReason, Evidence, ScopeDecision
from streams.policy import Rule
from tests.support.explanations import EVIDENCE, IN_LANGUAGES, POLICY, UNREAD_TAG, tag_records
from tests.support.explanations import signal_report as report

MINUTE_MS, HOUR_MS = 60_000, 3_600_000
BEGAN_MS = 1_000 * HOUR_MS
SCOPE = ("hateful_conduct", "trends")
RULE = POLICY.rule(*SCOPE, "*")
DAY_MS = POLICY.max_automated_ms
CONTESTED_TAG = {"authors": 120, "scored": 64, "share": 0.6, "established": 41, "established_share": 0.02}


def flag(action: Action = "suppress", **changes: object) -> ScopeDecision:
    fields: dict[str, object] = {
        "category": SCOPE[0], "surface": SCOPE[1], "action": action, "since_ms": BEGAN_MS,
        "expires_at_ms": BEGAN_MS + 30 * MINUTE_MS,
    }  # fmt: skip
    return ScopeDecision(**(fields | changes))  # type: ignore[arg-type]


def ends(
    now: SignalReport | None, at_ms: int = BEGAN_MS, *, action: Action = "suppress", rule: Rule = RULE, **more: object
) -> list[str]:
    """Return the ends of an automated flag with its times."""
    return would_clear(action, rule, now, DAY_MS, at_ms=at_ms, **({"state": flag(action)} | more))  # type: ignore[arg-type]


def test_would_hide_lists_missing_floors_and_signals():
    assert would_hide(report(tweets=15, authors=9, established=9)) == [
        "20 tweets in 2 min, it has 15",
        "10 authors in 2 min, it has 9",
    ]
    assert would_hide(report(burst=np.nan, established=2)) == [
        "1 more of the corroborating signals (burst 2, authors 100, term 1)"
    ]
    assert report(burst=np.nan).signals[3].value is None
    assert would_hide(report("search")) == [
        "1 more of the corroborating signals (young 0.5), except where it is contested"
    ]
    one = msgspec.structs.replace(report(tweets=15), window_ms=30_000)
    assert would_hide(one) == ["20 tweets in 30 s, it has 15"]


def test_would_hide_names_share_of_authors_that_decide():
    (share,) = would_hide(report(share=0.4, established=9))
    assert share.startswith("a lower bound of the harmful share of 0.4, it is 0.2")
    (few,) = would_hide(report(share=0.1, established=46))
    assert few.endswith("among its 46 established authors, it is 0.04, or among 10 authors who are not established, "
                        "it has 4")  # fmt: skip
    (others,) = would_hide(report(share=0.1, established=30))
    assert others.startswith("a lower bound of the harmful share of 0.4 among its 30 established authors, it is 0.0")
    assert others.endswith("or among the 20 others, it is 0.03")


def test_would_hide_is_empty_for_contested_tag():
    one = report(burst=1.0, **CONTESTED_TAG)
    assert one.level == "contested" and would_hide(one) == []


def test_would_hide_of_tag_contested_in_longer_window_only():
    one = msgspec.structs.replace(report(**CONTESTED_TAG), level="between", window_ms=1_200_000)
    assert would_hide(one) == ["the same in 2 min, the window that decides what is contested"]


def test_would_hide_lists_bars_of_over_tag():
    over = msgspec.structs.replace(report(), tick_ms=BEGAN_MS + 10_000, dwell_ms=MINUTE_MS)
    assert would_hide(over, state=flag()) == would_hide(over, state=flag("review")) == []
    (rest,) = would_hide(over, state=flag("clear"))
    assert rest == "a dwell until 1970-02-11 16:01:00 UTC: it was cleared at 1970-02-11 16:00:00 UTC"
    (later,) = would_hide(over, state=flag("discount"))
    assert later == "a dwell until 1970-02-11 16:01:00 UTC: it became contested at 1970-02-11 16:00:00 UTC"
    assert would_hide(msgspec.structs.replace(over, tick_ms=BEGAN_MS + MINUTE_MS), state=flag("clear")) == []
    (lapsed,) = would_hide(over, state=flag("clear", lapsed=True))
    assert lapsed == (
        "an upper bound of the harmful share below 0.3 once, it is 0.96: the action before expired at "
        "1970-02-11 16:00:00 UTC without a decision by a person"
    )
    (protected,) = would_hide(over, protected=True)
    assert protected == "an end of its protection: it is in never_suppress"


def test_innocent_past_bars_until_a_person_decides():
    over = report(past=340)
    assert would_hide(over) == ["a decision by a person: 340 established authors used it before without harm"]
    assert would_hide(over, state=flag("review", valve="innocent_past")) == [
        "a decision by a person, or the end of its review: innocent past"
    ]
    assert would_hide(over, state=flag()) == [], "what is hidden already is not asked about"
    assert would_hide(report(past=340, **CONTESTED_TAG)) == []


def test_review_of_an_uncorroborated_tag_bars_nothing():
    over = msgspec.structs.replace(report(), tick_ms=BEGAN_MS + 10_000, dwell_ms=MINUTE_MS)
    for action in ("review", "clear"):
        assert would_hide(over, state=flag(action, valve="uncorroborated")) == []
    alone = report(burst=0.0, established=2)
    assert alone.level == "over without corroboration"
    (missing,) = would_hide(alone, state=flag("review", valve="uncorroborated"))
    assert missing.startswith("1 more of the corroborating signals")


def test_would_hide_asks_for_texts_that_are_read():
    one = report(scale=IN_LANGUAGES, **UNREAD_TAG)
    missing = "texts that the model reads by 50% of its sampled authors (min_scored), it reads 19%; not read: Tamil 52"
    assert one.level == "not assessed" and would_hide(one) == [missing]
    assert would_hide(one, state=flag("review", valve="not_assessed")) == [missing]
    assert missing in would_hide(report(scale=IN_LANGUAGES, burst=0.0, **UNREAD_TAG))


def test_would_hide_asks_for_texts_of_established_authors():
    one = msgspec.structs.replace(
        report(), level="between", unread=(LanguageCount("ta", 20),), min_scored=0.5, established_read=0.3
    )
    assert one.established >= one.min_established and one.read_part >= one.min_scored
    assert any("50% of its established sampled authors (min_scored), it reads 30%" in part for part in would_hide(one))


def test_would_clear_lists_conditions_without_times():
    under, over, contested, limit = would_clear("suppress", RULE, report(), DAY_MS)
    assert under == "the upper bound of its harmful share falls below 0.3 at a settled tick, it is 0.96 now"
    assert over == "it was not over for 60 s"
    assert contested == (
        "it is contested at a settled tick: at least 10 established authors (it has 50 now) write no harm and the "
        "others do; it is then ranked by the established alone"
    )
    assert limit == "24 hours have passed without a person"
    assert "it stays below 20 tweets or 10 authors until it expires" in would_clear(
        "suppress", RULE, report(tweets=10), DAY_MS
    )
    hold = dataclasses.replace(RULE, mode="hold_for_review")
    first, *_, last = would_clear("hold", hold, None, 1)
    assert first == "the upper bound of its harmful share falls below 0.3 at a settled tick"
    assert last == "a person decides, or the hold expires; it is not renewed"


def test_would_clear_of_unread_tag_claims_no_bound():
    one = report(scale=IN_LANGUAGES, **UNREAD_TAG)
    upper, over, *_ = ends(one, BEGAN_MS + HOUR_MS)
    assert upper == "the upper bound of its harmful share falls below 0.3 at a settled tick"
    assert over == "it was not over for 60 s (it is not assessed now)"
    assert not any("it is 0" in end or "it is 1" in end for end in ends(one, BEGAN_MS + HOUR_MS, action="discount"))


def test_would_clear_includes_times_of_decision():
    rule = dataclasses.replace(RULE, dwell_ms=2 * MINUTE_MS)
    cleared, *_, limit = ends(report(), rule=rule)
    assert cleared.endswith(", it is 0.96 now, not before 1970-02-11 16:02:00 UTC"), "no sooner than a dwell"
    assert limit == "24 hours have passed without a person, at 1970-02-12 16:00:00 UTC"
    assert ends(report(), BEGAN_MS + 2 * MINUTE_MS, rule=rule)[0].endswith(", it is 0.96 now")
    gap = msgspec.structs.replace(report(), holding=True)
    assert all("not while a gap of the log is in its windows" in one for one in ends(gap, BEGAN_MS + HOUR_MS)[:3])
    half = "it stays below 20 tweets or 10 authors from 1970-02-11 16:15:00 UTC on until it expires"
    assert rule.expiry_ms == 30 * MINUTE_MS and half in ends(None), "it is renewed in the last half of its expiry only"
    assert "it stays below 20 tweets or 10 authors until it expires" in ends(None, BEGAN_MS + 15 * MINUTE_MS)
    last = flag(expires_at_ms=BEGAN_MS + DAY_MS)
    assert ends(report(), state=last)[-1] == "it expires: nothing is renewed beyond 24 hours without a person"
    below = flag(below_since_ms=BEGAN_MS + MINUTE_MS)
    assert ends(report(share=0.4), state=below)[1] == (
        "it was not over for 60 s: since 1970-02-11 16:01:00 UTC, so at 1970-02-11 16:02:00 UTC"
    )


def test_would_clear_of_flag_without_established_authors():
    few = report(established=3)
    assert "it has 10 established authors (it has 3 now) and is not over, at the first such settled tick" in ends(
        few, state=flag(without=True)
    )
    assert not any("at the first such settled tick" in one for one in ends(few))


def test_would_clear_of_discount():
    now = report(**CONTESTED_TAG)
    quiet, under, hidden, _ = ends(now, action="discount")
    assert quiet == (
        "the others were too few or mostly not read, or the upper bound of their harmful share was below 0.3, for 60 s"
    )
    assert under == (
        "that and the upper bound of all are below 0.3 at a settled tick, they are 0.96 and 0.71 now, not before "
        "1970-02-11 16:01:00 UTC"
    )
    assert hidden == (
        "at least 10 established authors (it has 41 now) write harm at a settled tick (lower bound 0.4, it is 0.00 "
        "now); it is then hidden, not before 1970-02-11 16:01:00 UTC"
    )
    innocent = ends(report(past=340, **CONTESTED_TAG), action="discount")[2]
    assert "it is then reviewed by people: its past is innocent" in innocent
    assert ends(now, action="discount", rule=dataclasses.replace(RULE, mode="shadow")) == [
        "the next tick settles: the mode is shadow now"
    ]


@pytest.mark.parametrize(
    ("changes", "end"),
    [
        ({"protected": True}, "the next tick settles: it is protected now"),
        ({"rule": None}, "the next tick settles: the policy does not have the category on this surface any more"),
        ({"mode": "review"}, "the next tick settles: the mode is review now"),
        ({"state": flag(provisional=True)}, "its tick settles and it is not over then"),
        ({"action": "discount", "state": flag("discount", provisional=True)}, "its tick settles and it is not contested"
         " then"),
    ],
)  # fmt: skip
def test_would_clear_at_next_tick(changes, end):
    rule = dataclasses.replace(RULE, mode=changes.pop("mode", "suppress"))
    action = changes.pop("action", "suppress")
    assert would_clear(action, changes.pop("rule", rule), report(), DAY_MS, **changes) == [end]


@dataclasses.dataclass
class Row:
    """A judged row whose established authors are given."""

    part: EstablishedVoice
    is_shortest = True

    def evidence(self, row: int) -> Evidence:
        return EVIDENCE

    def reasons(self, row: int, *, by_established: bool = False) -> tuple[DecisionReason, ...]:
        return ()

    def voice(self, row: int) -> EstablishedVoice:
        return self.part


def decided(
    level: int, state: ScopeDecision, rule: Rule, tick_ms: int, part: EstablishedVoice | None = None, *,
    paused: bool = False,
) -> ScopeDecision | None:  # fmt: skip
    result = Level(level, Row(part or voice()))
    return decide(result, state, rule, tick_ms, scope=SCOPE, protected=False, max_automated_ms=DAY_MS, paused=paused)


def voice(*, enough: bool = False, disputed: bool = False) -> EstablishedVoice:
    return EstablishedVoice(enough=enough, weight=0.5, disputed=disputed, innocent_past=0)


def test_would_clear_renewal_agrees_with_decide():
    """A tag in between is renewed in the last half of `expiry`, except a hold; a small one expires."""
    patient = dataclasses.replace(RULE, clear_after_ms=2 * HOUR_MS)
    hold = dataclasses.replace(patient, mode="hold_for_review")
    for action, rule, renewed in (("suppress", patient, True), ("discount", patient, True), ("hold", hold, False)):
        state = flag(action)
        early, late = (decided(BETWEEN, state, rule, BEGAN_MS + int(at * MINUTE_MS)) for at in (14.9, 15))
        assert early is not None and early.expires_at_ms == state.expires_at_ms
        assert late is not None and (late.expires_at_ms > state.expires_at_ms) == renewed
        small = [decided(LOW, state, rule, BEGAN_MS + int(at * MINUTE_MS)) for at in (29.9, 30)]
        assert small[0] is state and small[1] is not None and small[1].action == "clear"


def times(text: str) -> list[int]:
    found = re.findall(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", text)
    return [int(datetime.strptime(one, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()) * 1000 for one in found]


NOT_OVER = (UNDER, BETWEEN, OVER_ALONE, UNREAD)
"""Levels at which an action in force ends after a time."""


def is_met(end: str, level: int, part: EstablishedVoice, tick_ms: int) -> bool:
    """Read one end, as a person would, for a settled tick."""
    at = times(end)
    if "not while" in end:
        return False
    if end.startswith("the others were too few"):
        return level in NOT_OVER and not part.disputed and bool(at) and tick_ms >= at[-1]
    if end.startswith("that and the upper bound of all"):
        return level == UNDER and not part.disputed and (not at or tick_ms >= at[-1])
    if end.startswith("the upper bound"):
        return level == UNDER and (not at or tick_ms >= at[-1])
    if end.startswith("it was"):
        return level in NOT_OVER and bool(at) and tick_ms >= at[-1]
    if end.startswith("it is contested"):
        return level == CONTESTED
    if end.startswith("at least"):
        return level == OVER and (not at or tick_ms >= at[-1])
    if end.endswith("at the first such settled tick"):
        return part.enough and level in NOT_OVER
    assert "expires" in end or "without a person" in end, end
    return False


@given(
    action=st.sampled_from(["suppress", "hold", "discount"]),
    level=st.sampled_from([LOW, *NOT_OVER, OVER_WITHOUT, CONTESTED, OVER]),
    part=st.builds(voice, enough=st.booleans(), disputed=st.booleans()),
    without=st.booleans(),
    paused=st.booleans(),
    waited=st.integers(1, 30),
    below=st.integers(0, 30),
    dwell=st.integers(1, 12),
    clear_after=st.integers(1, 12),
)
def test_would_clear_agrees_with_decide(action, level, part, without, paused, waited, below, dwell, clear_after):
    mode = "hold_for_review" if action == "hold" else "suppress"
    rule = dataclasses.replace(
        RULE, mode=mode, dwell_ms=dwell * 10_000, clear_after_ms=clear_after * 10_000, expiry_ms=HOUR_MS
    )
    tick_ms = BEGAN_MS + waited * 10_000
    below_ms = BEGAN_MS + min(below, waited) * 10_000 if below else 0
    without = without and action != "discount"  # a contested tag has enough established authors
    state = flag(action, expires_at_ms=BEGAN_MS + HOUR_MS, without=without, below_since_ms=below_ms)
    now = msgspec.structs.replace(report(), holding=paused)
    found = would_clear(action, rule, now, DAY_MS, state=state, at_ms=tick_ms - 10_000)
    after = decided(level, state, rule, tick_ms, part, paused=paused)
    ended = after is None or after.action != action
    assert ended == any(is_met(end, level, part, tick_ms) for end in found), found


@given(
    tweets=st.integers(15, 30),
    authors=st.integers(5, 120),
    part=st.floats(0, 1),
    own_share=st.floats(0, 1),
    rest_share=st.floats(0, 1),
    burst=st.sampled_from([0.0, 3.0]),
    past=st.sampled_from([0, 340]),
    unread=st.sampled_from([0, 0.3, 0.6, 0.9]),
    own_unread=st.floats(0, 1),
    state=st.sampled_from(["clear", "discount", "review", None]),
    waited=st.integers(1, 3),
    lapsed=st.booleans(),
)
def test_would_hide_agrees_with_decide(
    tweets, authors, part, own_share, rest_share, burst, past, unread, own_unread, state, waited, lapsed
):
    rule = dataclasses.replace(RULE, dwell_ms=20_000)
    own = round(part * authors)
    share = (own * own_share + (authors - own) * rest_share) / authors
    given = {
        "tweets": tweets, "authors": authors, "scored": authors, "share": share, "established": own,
        "established_share": own_share, "burst": burst,
        "unread": round(authors * unread / (1 - unread)),
    }  # fmt: skip
    given["established_unread"] = round(own_unread * given["unread"])
    tick_ms = BEGAN_MS + waited * 10_000
    (record,) = tag_records(given, past=past, scale=IN_LANGUAGES)
    judged = levels(table_of([record], Tags()), rule, 1, np.zeros(1, bool), rule.confidence)
    changes = {"lapsed": lapsed and state == "clear", "valve": "not_assessed" if state == "review" else ""}
    before = None if state is None else flag(state, expires_at_ms=BEGAN_MS + DAY_MS, **changes)
    after = decide(judged.result(0), before, rule, tick_ms, scope=SCOPE, protected=False, max_automated_ms=2 * DAY_MS)
    wanted = {CONTESTED: "discount", OVER: "suppress", OVER_WITHOUT: "suppress"}.get(int(judged.level[0]))
    now = msgspec.structs.replace(
        report(past=past, scale=IN_LANGUAGES, **given), tick_ms=tick_ms, dwell_ms=rule.dwell_ms
    )
    acts = wanted is not None and after is not None and after.action == wanted
    assert acts == (would_hide(now, state=before) == [])
