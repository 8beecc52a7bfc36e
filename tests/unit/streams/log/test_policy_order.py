"""Compare-and-set on the policy topic: the log decides which of several writers was first."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.log.policy_order import policy_key, split_by_order


@dataclass(frozen=True)
class Written:
    before: int | None


def offsets(records: list[tuple[int, Written]]) -> list[int]:
    return [offset for offset, _ in split_by_order(records)[0]]


@pytest.mark.parametrize(
    ("befores", "accepted"),
    [
        ([-1, 0, 1], [0, 1, 2]),  # one after the other
        ([-1, 0, 0], [0, 1]),  # two at the same moment: the first wins
        ([-1, -1, 0], [0, 2]),  # two first policies
        ([-1, 0, 0, 1], [0, 1, 3]),  # the loser does not count for the next writer
        ([None, None, 0], [0, 1]),  # records of earlier versions name no predecessor
        ([None, None, 1], [0, 1, 2]),
    ],
)
def test_record_with_outdated_predecessor_is_refused(befores, accepted):
    records = [(offset, Written(before)) for offset, before in enumerate(befores)]
    assert offsets(records) == accepted
    assert [at for at, _ in split_by_order(records)[1]] == [at for at in range(len(befores)) if at not in accepted]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 5)), max_size=30))
def test_each_writer_replaces_exactly_what_it_saw(steps):
    """Writers read the log late by up to three records; each accepted record replaces the live one that it names."""
    log: list[tuple[int, Written]] = []
    offset = 0
    for late, gap in steps:
        seen = offsets(log[: max(0, len(log) - late)])
        log.append((offset, Written(seen[-1] if seen else -1)))
        offset += gap
    accepted = dict(split_by_order(log)[0])
    lives = [-1, *accepted]
    assert [accepted[at].before for at in accepted] == lives[:-1]


def test_keys_of_one_policy_differ():
    assert policy_key("4f1c09aa21de") != policy_key("4f1c09aa21de")
