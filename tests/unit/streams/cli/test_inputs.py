"""Times and durations that people type."""

from __future__ import annotations

import doctest

import pytest

from streams.cli import inputs, output
from streams.cli.inputs import past_ms, since_ms
from streams.errors import CallerMistake


def test_doctests() -> None:
    for module in (inputs, output):
        result = doctest.testmod(module)
        assert result.attempted
        assert not result.failed


def test_past_ms_parses_times_and_durations():
    noon_ms = 1_790_000_000_000 // 86_400_000 * 86_400_000 + 43_200_000
    assert past_ms("11:30", noon_ms) == noon_ms - 1_800_000
    assert past_ms("12:30:10", noon_ms) == noon_ms + 1_810_000 - 86_400_000, "the last such time"
    assert past_ms("90s", noon_ms) == noon_ms - 90_000
    assert past_ms("1970-01-01T01:00+01:00", noon_ms) == 0
    for bad in ("soon", "25:00", "2199-01-01", "1-1"):
        with pytest.raises(CallerMistake, match="--at"):
            past_ms(bad, noon_ms)


def test_since_ms_refuses_zero_and_words():
    assert since_ms("30m") == 1_800_000
    for bad in ("soon", "0s"):
        with pytest.raises(CallerMistake, match="--since"):
            since_ms(bad)
