"""Activations in any order and number, compared with a direct computation."""

from __future__ import annotations

import json
from dataclasses import dataclass

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from streams.policy.activation import Activation, ActivationLog
from streams.policy.proposal import serial_of, should_propose


def activation(sequence: int, from_tick_ms: int, revision: str = "") -> Activation:
    name = revision or f"{sequence:012x}"
    return Activation(name, sequence, from_tick_ms, json.dumps({"serial": sequence + 1, "x": 1}), "m")


ticks = st.integers(0, 20).map(lambda n: n * 10_000)
activations = st.builds(activation, st.integers(0, 8), ticks)
logs = st.lists(activations, max_size=12)


def reference(read: list[Activation], tick_ms: int) -> Activation | None:
    """Return the greatest sequence that has begun, with the earliest tick of its records."""
    firsts = {one.sequence: min(x.from_tick_ms for x in read if x.sequence == one.sequence) for one in read}
    begun = [sequence for sequence, first in firsts.items() if first <= tick_ms]
    return activation(max(begun), firsts[max(begun)]) if begun else None


@given(logs, ticks)
def test_in_force_equals_reference(read: list[Activation], tick_ms: int) -> None:
    assert ActivationLog(read).in_force(tick_ms) == reference(read, tick_ms)


@given(logs, st.randoms(use_true_random=False), ticks)
def test_log_ignores_order_and_repetition(read: list[Activation], random: object, tick_ms: int) -> None:
    shuffled = read + read[: len(read) // 2]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert ActivationLog(shuffled).to_list() == ActivationLog(read).to_list()


@given(logs, logs, ticks, ticks)
def test_prune_keeps_activations_of_later_ticks(
    before: list[Activation], after: list[Activation], settled_ms: int, later_ms: int
) -> None:
    log = ActivationLog(before)
    log.prune(settled_ms)
    for one in after:
        log.add(one)
    tick_ms = settled_ms + later_ms
    assert log.in_force(tick_ms) == reference(before + after, tick_ms)


def test_prune_drops_older_activations() -> None:
    log = ActivationLog([activation(0, 0), activation(1, 10_000), activation(2, 50_000)])
    log.prune(20_000)
    assert [one.sequence for one in log.to_list()] == [1, 2]
    assert log.newest == activation(2, 50_000)


@given(logs)
def test_log_round_trips_through_json(read: list[Activation]) -> None:
    log = ActivationLog(read)
    encoded = msgspec.json.encode(log.to_list())
    assert ActivationLog.from_list(msgspec.json.decode(encoded, type=list[Activation])).to_list() == log.to_list()


@given(logs, ticks)
def test_in_force_is_none_before_first_tick(read: list[Activation], tick_ms: int) -> None:
    later = [one for one in read if one.from_tick_ms > tick_ms]
    assert ActivationLog(later).in_force(tick_ms) is None


@dataclass
class File:
    serial: int
    revision: str


def test_should_propose_requires_higher_serial() -> None:
    live = activation(4, 0, "aaaaaaaaaaaa")  # serial 5
    assert serial_of(live.policy) == 5
    proposals = {
        "propose": should_propose(File(6, "bbbbbbbbbbbb"), live),
        "same": should_propose(File(5, "aaaaaaaaaaaa"), live),
        "drift": should_propose(File(5, "bbbbbbbbbbbb"), live),
        "behind": should_propose(File(4, "bbbbbbbbbbbb"), live),
    }
    assert {verdict: proposal.verdict for verdict, proposal in proposals.items()} == {one: one for one in proposals}
    assert [bool(proposal) for proposal in proposals.values()] == [True, False, False, False]
    assert "set its serial to 6" in proposals["drift"].message
    assert "set its serial to 6" in proposals["behind"].message
    assert should_propose(File(1, "bbbbbbbbbbbb"), None)
