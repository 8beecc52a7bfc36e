"""Reports by signal with the line of the policy file that set each threshold."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from streams.explain.signal_report import signal_reports, volumes
from streams.judging.evidence_codec import conditions_of
from streams.log.evidence import EvidenceRecord
from streams.policy import parse_policy
from streams.policy.places import PolicyLines
from tests.support.explanations import LONG, PLACES, POLICY, POLICY_TEXT, SHORT, signal_report, tag_records


@pytest.mark.parametrize(
    ("signal", "surface", "country", "line", "source"),
    [
        ("harmful_share_lower", "trends", "*", 8, "suppress_at: 0.4   # ours"),
        ("harmful_share_lower", "trends", "IN", 12, "- {country: IN, suppress_at: 0.6}"),
        ("established_share_lower", "trends", "*", 8, "suppress_at: 0.4   # ours"),
        ("coordinated_share_lower", "trends", "*", 8, "suppress_at: 0.4   # ours"),
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


def test_report_names_stages_of_share():
    (record,) = tag_records({})
    correction = {"looked": np.array([7], "<u2").tobytes(), "variance": np.zeros((1, 2)).tobytes(), "stage_2": ["new"]}
    group = msgspec.structs.replace(record.everyone, **correction)
    corrected = msgspec.structs.replace(record, everyone=group)
    for given, expected in ((record, (0, "")), (corrected, (7, "new"))):
        for one in signal_reports({SHORT: given}, "tag", "*", POLICY, PLACES):
            assert (one.looked, one.stage_2) == expected


def test_report_of_over_tag_has_every_asked_signal():
    one = signal_report()
    assert (one.level, one.need) == ("over", 1)
    assert [(signal.signal, signal.passed, signal.line) for signal in one.signals] == [
        ("min_tweets", True, 6),
        ("min_authors", True, 7),
        ("established_share_lower", True, 8),
        ("burst", True, 10),
        ("authors", False, 10),
        ("term", False, 10),
    ]
    assert one.lower < 0.9 < one.upper


def test_report_separates_established_authors_from_the_others():
    one = signal_report(authors=120, scored=64, share=0.6, established=41, established_share=0.02)
    assert (one.level, one.established, one.coordinated, one.weight) == ("contested", 41, 79, 0.342)
    assert one.established_upper < 0.25 and one.coordinated_lower > 0.75
    assert one.signals[2].signal == "coordinated_share_lower" and one.signals[2].passed
    calm = signal_report(authors=120, scored=64, share=0.02, established=41, established_share=0.02)
    assert (calm.level, calm.signals[2].signal) == ("under", "established_share_lower")


def test_report_without_enough_established_authors_shows_all():
    one = signal_report(authors=50, scored=50, share=0.9, established=9, established_share=0.0)
    assert (one.level, one.established, one.weight) == ("over without established authors", 9, 0.18)
    assert (one.signals[2].signal, one.signals[2].passed) == ("harmful_share_lower", True)


def test_report_has_innocent_past():
    assert [signal_report(past=past).innocent_past for past in (0, 99, 100, 340)] == [0, 0, 100, 340]


def test_report_names_hidden_tag_of_authors():
    text = POLICY_TEXT.replace("burst: 2,", "burst: 2, successor: 0.3,")
    policy = parse_policy(text, "policy.yaml")
    conditions = conditions_of(policy, shards=1, categories=("hateful_conduct",), model_revision="0" * 12)
    (record,) = tag_records({})
    record = msgspec.structs.replace(
        record,
        conditions=conditions,
        signals=record.signals | {"successor": np.float64(0.6).tobytes()},
        predecessors={"oldtag": [0]},
    )
    one = signal_reports({SHORT: record}, "tag", "*", policy, PolicyLines(policy, text))[0]
    (signal,) = [signal for signal in one.signals if signal.signal == "successor"]
    assert (one.predecessor, signal.value, signal.threshold, signal.passed, signal.line) == (
        "oldtag",
        0.6,
        0.3,
        True,
        10,
    )


def test_volumes_have_row_for_each_kept_tick():
    rows = [*tag_records({"tweets": 20, "scored": 0, "share": np.nan}, {"tweets": 40}), *tag_records({}, tag="other")]
    assert [(one.tick_ms, one.tweets, one.authors, one.share) for one in volumes(rows, "tag", "*")] == [
        (10_000, 20, 50, None),
        (20_000, 40, 50, pytest.approx(0.9)),
    ]
    assert volumes(rows, "tag", "IN") == []


def contested_records(**short: float) -> dict[int, EvidenceRecord]:
    """Return evidence that is contested in the long window, and as given in the short one."""
    (long,) = tag_records({"authors": 120, "scored": 64, "share": 0.6, "established": 41, "established_share": 0.02})
    found = {LONG: msgspec.structs.replace(long, window_ms=LONG)}
    return found | ({SHORT: tag_records(short)[0]} if short else {})


@pytest.mark.parametrize(
    ("short", "level", "window_ms"),
    [
        ({}, "between", LONG),
        ({"share": 0.1, "established": 9}, "between", SHORT),
        ({"share": 0.9, "established": 9}, "contested", SHORT),
        ({"share": 0.9}, "over", SHORT),
    ],
)
def test_report_is_of_window_that_decides(short, level, window_ms):
    found = signal_reports(contested_records(**short), "tag", "*", POLICY, PLACES)
    one = next(one for one in found if one.surface == "trends")
    assert (one.level, one.window_ms, one.shortest_window_ms) == (level, window_ms, SHORT)
