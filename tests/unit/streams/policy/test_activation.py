"""Activations against the obvious way: all that were ever read, in any order, any number of times."""

from __future__ import annotations

import json
from dataclasses import dataclass

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from streams.policy.activation import Activation, ActivationLog, serial_of, should_propose


def activation(sequence: int, from_tick_ms: int, revision: str = "") -> Activation:
    name = revision or f"{sequence:012x}"
    return Activation(name, sequence, from_tick_ms, json.dumps({"serial": sequence + 1, "x": 1}), "m")


ticks = st.integers(0, 20).map(lambda n: n * 10_000)
activations = st.builds(activation, st.integers(0, 8), ticks)
logs = st.lists(activations, max_size=12)


def obvious(read: list[Activation], tick_ms: int) -> Activation | None:
    """The rule, word for word: of each sequence the earliest; of those begun the greatest."""
    firsts = {one.sequence: min(x.from_tick_ms for x in read if x.sequence == one.sequence) for one in read}
    begun = [sequence for sequence, first in firsts.items() if first <= tick_ms]
    return activation(max(begun), firsts[max(begun)]) if begun else None


@given(logs, ticks)
def test_in_force_equals_the_obvious_way(read: list[Activation], tick_ms: int) -> None:
    assert ActivationLog(read).in_force(tick_ms) == obvious(read, tick_ms)


@given(logs, st.randoms(use_true_random=False), ticks)
def test_order_and_repetition_do_not_matter(read: list[Activation], random: object, tick_ms: int) -> None:
    shuffled = read + read[: len(read) // 2]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert ActivationLog(shuffled).to_list() == ActivationLog(read).to_list()


@given(logs, logs, ticks, ticks)
def test_pruning_changes_nothing_from_there_on(
    before: list[Activation], after: list[Activation], settled_ms: int, later_ms: int
) -> None:
    log = ActivationLog(before)
    log.prune(settled_ms)
    for one in after:
        log.add(one)
    tick_ms = settled_ms + later_ms
    assert log.in_force(tick_ms) == obvious(before + after, tick_ms)


def test_pruning_forgets() -> None:
    log = ActivationLog([activation(0, 0), activation(1, 10_000), activation(2, 50_000)])
    log.prune(20_000)
    assert [one.sequence for one in log.to_list()] == [1, 2]
    assert log.newest == activation(2, 50_000)


@given(logs)
def test_a_log_goes_through_the_progress_record(read: list[Activation]) -> None:
    log = ActivationLog(read)
    encoded = msgspec.json.encode(log.to_list())
    assert ActivationLog.from_list(msgspec.json.decode(encoded, type=list[Activation])).to_list() == log.to_list()


@given(logs, ticks)
def test_nothing_before_the_first(read: list[Activation], tick_ms: int) -> None:
    later = [one for one in read if one.from_tick_ms > tick_ms]
    assert ActivationLog(later).in_force(tick_ms) is None


@dataclass
class File:
    serial: int
    revision: str


def test_a_file_goes_live_only_above_the_live_serial() -> None:
    live = activation(4, 0, "aaaaaaaaaaaa")  # serial 5
    assert serial_of(live.policy) == 5
    said = {
        "propose": should_propose(File(6, "bbbbbbbbbbbb"), live),
        "same": should_propose(File(5, "aaaaaaaaaaaa"), live),
        "drift": should_propose(File(5, "bbbbbbbbbbbb"), live),
        "behind": should_propose(File(4, "bbbbbbbbbbbb"), live),
    }
    assert {verdict: proposal.verdict for verdict, proposal in said.items()} == {one: one for one in said}
    assert [bool(proposal) for proposal in said.values()] == [True, False, False, False]
    assert "set its serial to 6" in said["drift"].message
    assert "set its serial to 6" in said["behind"].message
    assert should_propose(File(1, "bbbbbbbbbbbb"), None)
