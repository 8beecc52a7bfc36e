"""The log's time: monotone, and the error of a host's clock by records that it wrote or awaited."""

from __future__ import annotations

import pytest

from streams.log.log_clock import LARGEST_ERROR_MS, LogClock
from tests.support.wrong_clocks import ERRORS_MS

TRUE_MS = 1_611_600_000_000


def test_log_time_never_goes_back() -> None:
    clock = LogClock()
    assert clock.newest_ms == 0
    for append_ms in (TRUE_MS, TRUE_MS - 500, TRUE_MS + 7):
        clock.observe(append_ms)
    assert clock.newest_ms == TRUE_MS + 7


def test_log_time_goes_on_while_nothing_is_appended(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = [50.0]
    monkeypatch.setattr("streams.log.log_clock.monotonic_seconds", lambda: seconds[0])
    clock = LogClock()
    assert clock.reached_ms == 0
    clock.observe(TRUE_MS)
    seconds[0] += 60
    assert (clock.newest_ms, clock.reached_ms) == (TRUE_MS, TRUE_MS + 60_000)
    clock.observe(TRUE_MS + 59_000)
    assert clock.reached_ms == TRUE_MS + 60_000, "a record that was read late sets nothing back"
    clock.observe(TRUE_MS + 61_000)
    assert clock.reached_ms == TRUE_MS + 61_000


@pytest.mark.parametrize("error_ms", ERRORS_MS)
def test_acknowledged_record_shows_the_error_of_the_hosts_clock(error_ms: int) -> None:
    clock = LogClock()
    clock.compare(TRUE_MS, after_ms=TRUE_MS - 20 + error_ms, before_ms=TRUE_MS + 30 + error_ms)
    assert abs(clock.host_ahead_ms - error_ms) <= 30
    assert abs(clock.present_ms(TRUE_MS + 1_000 + error_ms) - (TRUE_MS + 1_000)) <= 30
    side = "ahead of" if error_ms > 0 else "behind"
    assert f"s {side} the Kafka broker's" in clock.why_wrong()


def test_slow_answer_is_no_error_of_the_clock() -> None:
    clock = LogClock()
    clock.compare(TRUE_MS, after_ms=TRUE_MS - 60_000, before_ms=TRUE_MS + 60_000)
    assert (clock.host_ahead_ms, clock.why_wrong()) == (0, "")


def test_slow_answer_makes_no_error_forgotten() -> None:
    clock = LogClock()
    clock.compare(TRUE_MS, after_ms=TRUE_MS + 600_000, before_ms=TRUE_MS + 600_001)
    clock.compare(TRUE_MS + 900_000, after_ms=TRUE_MS + 600_002, before_ms=TRUE_MS + 1_500_000)
    assert clock.host_ahead_ms == 600_000


def test_clock_set_right_again_is_no_error() -> None:
    clock = LogClock()
    clock.compare(TRUE_MS, after_ms=TRUE_MS + 3_600_000, before_ms=TRUE_MS + 3_600_001)
    assert "3,600.0 s ahead of" in clock.why_wrong()
    clock.compare(TRUE_MS + 10, after_ms=TRUE_MS + 5, before_ms=TRUE_MS + 15)
    assert (clock.host_ahead_ms, clock.why_wrong()) == (5, "")


def test_difference_of_a_few_seconds_is_tolerated() -> None:
    clock = LogClock()
    clock.compare(TRUE_MS, after_ms=TRUE_MS + LARGEST_ERROR_MS, before_ms=TRUE_MS + LARGEST_ERROR_MS + 1)
    assert clock.why_wrong() == ""


def test_present_time_is_no_earlier_than_any_record() -> None:
    clock = LogClock()
    clock.observe(TRUE_MS)
    assert clock.present_ms(TRUE_MS - 600_000) == TRUE_MS
