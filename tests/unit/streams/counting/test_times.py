"""Effective time: clamped into [log time - allowed lateness, log time], from the record alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.counting.kernels.admission import TOO_NEW, TOO_OLD, effective_ms
from streams.counting.keys import COUNTRY_BITS, NOWHERE, WORLD, Tags, country_code, country_name, country_of
from streams.counting.times import TimeRules, ahead_error

LOG_MS = 1_611_600_000_000
RULES = TimeRules()


def effective_time(event_ms: int, log_ms: int, rules: TimeRules) -> int:
    limits = rules.allowed_lateness_ms, rules.max_event_ahead_ms, rules.max_event_age_ms
    return int(effective_ms(event_ms, log_ms, *limits))


@pytest.mark.parametrize(
    ("event_ms", "expected_ms"),
    [
        (LOG_MS, LOG_MS),
        (LOG_MS - 1, LOG_MS - 1),
        (LOG_MS - 5_000, LOG_MS - 5_000),
        (LOG_MS - 5_001, LOG_MS - 5_000),
        (LOG_MS - 3_600_000, LOG_MS - 5_000),
        (LOG_MS - 3_600_001, TOO_OLD),
        (LOG_MS + 1, LOG_MS),
        (LOG_MS + 120_000, LOG_MS),
        (0, TOO_OLD),
        (LOG_MS + 120_001, TOO_NEW),
    ],
)
def test_effective_time(event_ms, expected_ms):
    assert effective_time(event_ms, LOG_MS, RULES) == expected_ms


def test_tweet_too_far_ahead_breaks_the_contract():
    error = ahead_error(LOG_MS + 120_001, LOG_MS, RULES)
    assert (error.reason, error.field, error.value) == ("event_ahead", "created_at", str(LOG_MS + 120_001))


@pytest.mark.parametrize("log_ms", [-1, -5_000, -(2**63)])
@pytest.mark.parametrize("event_ms", [0, 1_000, LOG_MS, 2**63 - 1])
def test_every_event_is_ahead_of_a_negative_log_time(event_ms, log_ms):
    assert effective_time(event_ms, log_ms, RULES) == TOO_NEW


@settings(max_examples=100, deadline=None)
@given(st.integers(-4_000_000, 120_000), st.integers(0, 20_000))
def test_effective_time_is_above_the_watermark(ahead_ms, lateness_ms):
    rules = TimeRules(allowed_lateness_ms=lateness_ms)
    at_ms = effective_time(LOG_MS + ahead_ms, LOG_MS, rules)
    assert at_ms == TOO_OLD or LOG_MS - rules.watermark_slack_ms <= at_ms <= LOG_MS


def test_watermark_slack_adds_lateness_skew_and_disorder():
    assert RULES.watermark_slack_ms == 5_500
    assert TimeRules(allowed_lateness_ms=1, max_broker_skew_ms=20, max_disorder_ms=300).watermark_slack_ms == 321


def test_country_codes_are_distinct():
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    countries = ["*", "", *(first + second for first in letters for second in letters)]
    codes = [country_code(country) for country in countries]
    assert (codes[0], codes[1]) == (WORLD, NOWHERE)
    assert len(set(codes)) == len(codes) and max(codes) < 1024
    assert [country_name(code) for code in codes] == countries


def test_tag_numbers_are_assigned_and_released():
    tags = Tags()
    india, nowhere, world = tags.key("a", "IN"), tags.key("a", ""), tags.key("a", "*")
    other = tags.key("b", "US")
    assert len({india, nowhere, world, other}) == 4 and len(tags) == 2
    assert [country_of(key) for key in (india, nowhere, world)] == ["IN", "", "*"]
    assert {key >> COUNTRY_BITS << COUNTRY_BITS for key in (india, nowhere)} == {world}
    assert tags.key("a", "IN") == india == tags.find("a", "IN")

    tags.release_all_but(np.array([other >> COUNTRY_BITS]))
    assert tags.find("a", "IN") is None and tags.name(other) == "b"
    again = tags.key("a", "IN")
    assert again != india, "a number is never given out twice"
