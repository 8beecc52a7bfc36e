"""Differences of policies with long lists, which the API computes while others wait."""

from __future__ import annotations

from streams.clock import monotonic_seconds
from streams.policy.diff import differences
from tests.support.in_memory_policies import POLICY


def test_differences_of_long_lists_take_no_second() -> None:
    names = tuple(f"protected{number}" for number in range(12_000))
    old, new = (POLICY.model_copy(update={"never_suppress": one}) for one in (names[1:], names[:-1]))
    began = monotonic_seconds()
    assert differences(old, new) == [f"never_suppress: without {names[-1]}", f"never_suppress: with {names[0]}"]
    assert monotonic_seconds() - began < 1
