"""Tests of the memory of changed keys."""

from __future__ import annotations

import doctest

from moderation.log import changes
from moderation.log.changes import ChangeMemory


def test_examples_of_the_module_hold() -> None:
    assert doctest.testmod(changes).failed == 0


def test_changes_since_a_forgotten_or_unknown_number_are_none() -> None:
    memory = ChangeMemory(most_keys=2)
    for key in "abc":
        memory.note(key)
    assert memory.since(0) == (3, None)
    assert memory.since(1) == (3, {"b", "c"})
    assert memory.since(9) == (3, None), "a number of another process"
