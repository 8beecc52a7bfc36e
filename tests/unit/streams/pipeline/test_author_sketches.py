"""Author sketches in the judge stage: the order of acknowledgements, and recovery by the next owner."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from streams.constants import PANE_MS
from streams.judging.side_inputs.author_sketches import DELAY_MS
from streams.log.author_sketches import AuthorSketch, ReceivedSketch, decode_received_sketches
from streams.log.decisions import Decision, decode_record
from streams.log.panes import pane_records
from streams.log.partials import decode_partial, encode_partial
from tests.support.judge_harness import activation
from tests.support.judge_shell import DECISIONS, PARTIALS, append_counts, deliver, in_flight, keep_policies, started
from tests.support.shells import NOW_MS, Shells, make_shells, settle_down
from tests.support.word_policy import corroborated_policy

POLICY = corroborated_policy("authors: 15, successor: 0.4")
PANES = "hashtag-panes"
HIDDEN_MS = (NOW_MS // PANE_MS + 1) * PANE_MS


@pytest.fixture
async def shells(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shells]:
    made = make_shells(monkeypatch, shards=3)

    keep_policies(monkeypatch, activation(POLICY))
    made.topics.append(PARTIALS, 0, encode_partial(activation(POLICY)))
    append_counts(made, 0, bad=20)
    append_counts(made, 1, bad=1, settled=1)
    yield made
    made.context.executor.shutdown()


def sketches(shells: Shells) -> dict[int, list[AuthorSketch]]:
    """Return the acknowledged sketches by shard."""
    logs = {shard: shells.topics.read(PARTIALS, shard) for shard in range(3)}
    return {
        shard: [one for one in (decode_partial(kept.value or b"") for kept in log) if isinstance(one, AuthorSketch)]
        for shard, log in logs.items()
    }


def decided(shells: Shells) -> list[str]:
    found = [decode_record(one.value or b"") for one in shells.topics.read(DECISIONS, 0)]
    return [one.hashtag for one in found if isinstance(one, Decision)]


async def test_sketch_reaches_every_shard_before_its_decision(shells: Shells) -> None:
    partition = await started(shells)
    await deliver(shells, partition)
    assert in_flight(shells).count(PARTIALS) == 3 and DECISIONS not in in_flight(shells)
    shells.sender.deliver(len(shells.sender.in_flight) - 1)
    await settle_down()
    assert DECISIONS not in in_flight(shells), "the last shard lacks it"
    shells.sender.deliver()
    await settle_down()
    assert in_flight(shells) == [DECISIONS]
    (one,) = {one for of_shard in sketches(shells).values() for one in of_shard}
    assert (one.hashtag, one.country, one.tick_ms) == ("a", "*", HIDDEN_MS) and len(one.hashes()) == 20


async def test_next_owner_sends_sketches_lost_with_a_crash(shells: Shells) -> None:
    """Two of three shards have it: the next owner sends the same to all, then decides."""
    first = await started(shells)
    await deliver(shells, first)
    while sum(map(len, sketches(shells).values())) < 2:
        shells.sender.deliver(1)
    first.drop()
    shells.sender.in_flight.clear()
    shells.sender.at_once = True
    after = await started(shells, committed=first.replay_point)
    await deliver(shells, after)
    found = sketches(shells)
    assert sorted(map(len, found.values())) == [1, 2, 2] and len({one for many in found.values() for one in many}) == 1
    assert decided(shells) == ["a"]


async def test_received_sketches_are_published_and_recovered(shells: Shells) -> None:
    shells.sender.at_once = True
    sketch = AuthorSketch("old", "*", HIDDEN_MS, HIDDEN_MS + 600_000, 2**64 - 1, b"\1" * 8)
    shells.topics.append(PARTIALS, 0, encode_partial(sketch))
    append_counts(shells, 2, bad=1, settled=2)
    first = await started(shells)
    await deliver(shells, first)
    values = [one.value or b"" for one in shells.topics.read(PANES, 0)]
    assert ReceivedSketch(sketch, HIDDEN_MS + DELAY_MS) in list(decode_received_sketches(values))
    assert not list(pane_records(values)), "readers of panes skip it"
    after = await started(shells, committed=first.replay_point)
    assert after.judge is not None
    recovered = after.judge.state.sketches.campaigns("*", HIDDEN_MS + DELAY_MS, 0)
    assert recovered is not None and recovered.hashtags == ["old"]


async def test_late_and_evicted_sketches_are_counted(shells: Shells) -> None:
    shells.sender.at_once = True
    shells.topics.append(PARTIALS, 0, encode_partial(AuthorSketch("old", "*", HIDDEN_MS - 900_000, 0, 0, b"")))
    partition = await started(shells)
    await deliver(shells, partition)
    assert shells.context.metrics.registry.get_sample_value("hushtag_author_sketches_late_total") == 1
