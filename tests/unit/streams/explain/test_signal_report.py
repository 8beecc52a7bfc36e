"""Reports by signal with the line of the policy file that set each threshold, and conditions of a change."""

from __future__ import annotations

import dataclasses

import msgspec
import numpy as np
import pytest

from streams.counting.keys import Tags
from streams.explain.signal_report import SignalReport, signal_reports, volumes, would_clear, would_hide
from streams.judging.evidence_codec import TickEvidence, conditions_of, records_of
from streams.judging.hysteresis import decide
from streams.judging.levels import BETWEEN, LOW, UNDER
from streams.judging.levels import RuleResult as Level
from streams.log.decisions import Action, ScopeDecision
from streams.log.evidence import EvidenceRecord
from streams.policy import Rule, parse_policy
from streams.policy.places import PolicyLines
from tests.support.evidence import evidence_table
from tests.support.explanations import POLICY, POLICY_TEXT

PLACES = PolicyLines(POLICY, POLICY_TEXT)


@pytest.mark.parametrize(
    ("signal", "surface", "country", "line", "source"),
    [
        ("harmful_share_lower", "trends", "*", 8, "suppress_at: 0.4   # ours"),
        ("harmful_share_lower", "trends", "IN", 12, "- {country: IN, suppress_at: 0.6}"),
        ("burst", "trends", "IN", 10, "corroborate: {need: 1, burst: 2, authors: 100, term: true}"),
        ("young", "search", "*", 16, "young: 0.5"),
        ("min_authors", "search", "IN", 7, "min_authors: 10"),
        ("new_suppressions_per_hour", "trends", "*", 18, "valves: {new_suppressions_per_hour: 16}"),
    ],
)
def test_of_signal_returns_line_that_set_threshold(signal, surface, country, line, source):
    place = PLACES.of_signal(signal, "hateful_conduct", surface, country)
    assert place is not None and (place.line, place.source) == (line, source)


def test_of_signal_returns_none_for_default_or_unknown_file():
    assert PLACES.of_signal("least_scored", "hateful_conduct", "trends", "*") is None
    assert PLACES.of("dwell", "hateful_conduct", "trends", "*") is None
    assert PLACES.of_signal("harmful_share_lower", "abuse", "trends", "*") is None
    assert PolicyLines(POLICY, "").of_signal("harmful_share_lower", "hateful_conduct", "trends", "*") is None


def records(*ticks: dict[str, float], tag: str = "tag") -> list[EvidenceRecord]:
    """Build evidence of one tag in the world, one record a tick; values that are not given are over."""
    conditions = conditions_of(POLICY, shards=1, categories=("hateful_conduct",), model_revision="0" * 12)
    found = []
    for at, given in enumerate(ticks, 1):
        tags = Tags()
        one = {"tweets": 60, "authors": 50, "scored": 50, "share": 0.9, "burst": 3.0, "young": 0.1} | given
        columns = {name: np.array([value]) for name, value in one.items()}
        columns |= {"keys": np.array([tags.key(tag, "*")]), "share": np.array([[one["share"]] * 2])}
        table = evidence_table(120_000, **columns)
        found += records_of(TickEvidence(at * 10_000, conditions, False, {120_000: table}), 0, tags)
    return found


def report(surface: str = "trends", **given: float):
    (record,) = records(given)
    (one,) = [
        one for one in signal_reports({120_000: record}, "tag", "*", POLICY, PLACES) if one.surface == surface
    ]  # fmt: skip
    return one


def test_report_names_stages_of_share():
    (record,) = records({})
    correction = {"looked": np.array([7], "<u2").tobytes(), "variance": np.zeros((1, 2)).tobytes(), "stage_2": ["new"]}
    corrected = msgspec.structs.replace(record, **correction)
    for given, expected in ((record, (0, "")), (corrected, (7, "new"))):
        for one in signal_reports({120_000: given}, "tag", "*", POLICY, PLACES):
            assert (one.looked, one.stage_2) == expected


def test_report_of_over_tag_has_every_asked_signal():
    one = report()
    assert (one.level, one.need, would_hide(one)) == ("over", 1, [])
    assert [(signal.signal, signal.passed, signal.line) for signal in one.signals] == [
        ("min_tweets", True, 6),
        ("min_authors", True, 7),
        ("harmful_share_lower", True, 8),
        ("burst", True, 10),
        ("authors", False, 10),
        ("term", False, 10),
    ]
    assert one.lower < 0.9 < one.upper


def test_would_hide_lists_missing_conditions():
    assert would_hide(report(tweets=15, authors=9)) == [
        "20 tweets in 2 min, it has 15",
        "10 authors in 2 min, it has 9",
    ]
    (share,) = would_hide(report(share=0.4))
    assert share.startswith("a lower bound of the harmful share of 0.4, it is 0.2")
    assert would_hide(report(burst=np.nan)) == ["1 more of the corroborating signals (burst 2, authors 100, term 1)"]
    assert report(burst=np.nan).signals[3].value is None
    assert would_hide(report("search")) == ["1 more of the corroborating signals (young 0.5)"]


def test_would_clear_lists_conditions_without_times():
    rule = POLICY.rule("hateful_conduct", "trends", "*")
    first, last = would_clear("suppress", rule, report(), POLICY.max_automated_ms)
    assert first == "the upper bound of its harmful share falls below 0.3 at a settled tick, it is 0.96 now"
    assert last == "24 hours have passed without a person"
    assert "it stays below 20 tweets or 10 authors until it expires" in would_clear(
        "suppress", rule, report(tweets=10), POLICY.max_automated_ms
    )
    hold = dataclasses.replace(rule, mode="hold_for_review")
    assert would_clear("hold", hold, None, 1) == [
        "the upper bound of its harmful share falls below 0.3 at a settled tick",
        "a person decides, or the hold expires; it is not renewed",
    ]


def test_would_hide_shows_short_window_in_seconds():
    one = msgspec.structs.replace(report(tweets=15), window_ms=30_000)
    assert would_hide(one) == ["20 tweets in 30 s, it has 15"]


MINUTE_MS, HOUR_MS = 60_000, 3_600_000
BEGAN_MS = 1_000 * HOUR_MS


def flag(action: Action = "suppress", **changes: object) -> ScopeDecision:
    fields: dict[str, object] = {
        "category": "hateful_conduct", "surface": "trends", "action": action, "since_ms": BEGAN_MS,
        "expires_at_ms": BEGAN_MS + 30 * MINUTE_MS,
    }  # fmt: skip
    return ScopeDecision(**(fields | changes))  # type: ignore[arg-type]


def test_would_clear_includes_times_of_decision():
    rule = dataclasses.replace(POLICY.rule("hateful_conduct", "trends", "*"), dwell_ms=2 * MINUTE_MS)
    day_ms = POLICY.max_automated_ms

    def ends(now: SignalReport | None, at_ms: int = BEGAN_MS, **more: object) -> list[str]:
        return would_clear("suppress", rule, now, day_ms, at_ms=at_ms, **({"state": flag()} | more))  # type: ignore[arg-type]

    cleared, limit = ends(report())
    assert cleared.endswith(", it is 0.96 now, not before 1970-02-11 16:02:00 UTC"), "no sooner than a dwell"
    assert limit == "24 hours have passed without a person, at 1970-02-12 16:00:00 UTC"
    assert ends(report(), BEGAN_MS + 2 * MINUTE_MS)[0].endswith(", it is 0.96 now")
    held = msgspec.structs.replace(report(), holding=True)
    assert ends(held, BEGAN_MS + HOUR_MS)[0].endswith("not while a gap of the log is in its windows")
    half = "it stays below 20 tweets or 10 authors from 1970-02-11 16:15:00 UTC on until it expires"
    assert rule.expiry_ms == 30 * MINUTE_MS and half in ends(None), "it is renewed in the last half of its expiry only"
    assert "it stays below 20 tweets or 10 authors until it expires" in ends(None, BEGAN_MS + 15 * MINUTE_MS)
    last = flag(expires_at_ms=BEGAN_MS + day_ms)
    assert ends(report(), state=last)[1:] == ["it expires: nothing is renewed beyond 24 hours without a person"]


@pytest.mark.parametrize(
    ("changes", "end"),
    [
        ({"protected": True}, "the next tick settles: it is protected now"),
        ({"rule": None}, "the next tick settles: the policy does not have the category on this surface any more"),
        ({"mode": "review"}, "the next tick settles: the mode is review now"),
        ({"state": flag(provisional=True)}, "its tick settles and it is not over then"),
    ],
)
def test_would_clear_at_next_tick(changes, end):
    rule = dataclasses.replace(POLICY.rule("hateful_conduct", "trends", "*"), mode=changes.pop("mode", "suppress"))
    assert would_clear("suppress", changes.pop("rule", rule), report(), POLICY.max_automated_ms, **changes) == [end]


def test_would_clear_agrees_with_decide():
    """A tag in between is renewed in the last half of `expiry`, except a hold; under it clears after a dwell."""
    rule = POLICY.rule("hateful_conduct", "trends", "*")
    hold = dataclasses.replace(rule, mode="hold_for_review")

    def after(level: int, state: ScopeDecision, one: Rule, minutes: float) -> ScopeDecision | None:
        return decide(
            Level(level), state, one, BEGAN_MS + int(minutes * MINUTE_MS), scope=(state.category, state.surface),
            protected=False, max_automated_ms=POLICY.max_automated_ms,
        )  # fmt: skip

    for action, one, renewed in (("suppress", rule, True), ("hold", hold, False)):
        state = flag(action)
        assert after(BETWEEN, state, one, 14.9) is state
        assert (after(BETWEEN, state, one, 15) is not state) == renewed
        assert after(UNDER, state, one, rule.dwell_ms / MINUTE_MS - 0.1) is state
        assert after(UNDER, state, one, rule.dwell_ms / MINUTE_MS).action == "clear"
        assert after(LOW, state, one, 29.9) is state and after(LOW, state, one, 30).action == "clear"


def test_would_hide_lists_bars_of_over_tag():
    over = msgspec.structs.replace(report(), tick_ms=BEGAN_MS + 10_000, dwell_ms=MINUTE_MS)
    assert would_hide(over, state=flag()) == would_hide(over, state=flag("review")) == []
    (rest,) = would_hide(over, state=flag("clear"))
    assert rest == "a dwell until 1970-02-11 16:01:00 UTC: it was cleared at 1970-02-11 16:00:00 UTC"
    assert would_hide(msgspec.structs.replace(over, tick_ms=BEGAN_MS + MINUTE_MS), state=flag("clear")) == []
    (lapsed,) = would_hide(over, state=flag("clear", lapsed=True))
    assert lapsed == (
        "an upper bound of the harmful share below 0.3 once, it is 0.96: the action before expired at "
        "1970-02-11 16:00:00 UTC without a decision by a person"
    )
    (protected,) = would_hide(over, protected=True)
    assert protected == "an end of its protection: it is in never_suppress"


def test_report_names_hidden_tag_of_authors():
    text = POLICY_TEXT.replace("burst: 2,", "burst: 2, successor: 0.3,")
    policy = parse_policy(text, "policy.yaml")
    conditions = conditions_of(policy, shards=1, categories=("hateful_conduct",), model_revision="0" * 12)
    (record,) = records({})
    record = msgspec.structs.replace(
        record,
        conditions=conditions,
        signals=record.signals | {"successor": np.float64(0.6).tobytes()},
        predecessors={"oldtag": [0]},
    )
    one = signal_reports({120_000: record}, "tag", "*", policy, PolicyLines(policy, text))[0]
    (signal,) = [signal for signal in one.signals if signal.signal == "successor"]
    assert (one.predecessor, signal.value, signal.threshold, signal.passed, signal.line) == (
        "oldtag",
        0.6,
        0.3,
        True,
        10,
    )


def test_volumes_have_row_for_each_kept_tick():
    rows = [*records({"tweets": 20, "scored": 0, "share": np.nan}, {"tweets": 40}), *records({}, tag="other")]
    assert [(one.tick_ms, one.tweets, one.authors, one.share) for one in volumes(rows, "tag", "*")] == [
        (10_000, 20, 50, None),
        (20_000, 40, 50, pytest.approx(0.9)),
    ]
    assert volumes(rows, "tag", "IN") == []
