"""The judge shell and author sketches: what is acknowledged before what, and what whoever takes over reads back."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from streams.counting.block_counts import PANE_MS
from streams.judging.side_inputs.author_sketches import DELAY_MS
from streams.log.author_sketches import AuthorSketch, HeardSketch, heard_records
from streams.log.decisions import Decision, decode_record
from streams.log.panes import pane_records
from streams.log.partials import decode_partial, encode_partial
from tests.support.shells import NOW_MS, Shells, make_shells, settle_down
from tests.unit.streams.judging.test_campaigns import policy_of
from tests.unit.streams.judging.test_shard_judge import activation
from tests.unit.streams.pipeline.test_judge import DECISIONS, PARTIALS, judged, say, started, under_way

POLICY = policy_of("authors: 15, successor: 0.4")
PANES = "hashtag-panes"
HIDDEN_MS = (NOW_MS // PANE_MS + 1) * PANE_MS


@pytest.fixture
async def shells(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shells]:
    made = make_shells(monkeypatch, shards=3)

    async def policies(_: object) -> dict[str, object]:
        return {POLICY.revision: activation(POLICY)}

    monkeypatch.setattr("streams.pipeline.recovery.read_policies", policies)
    made.topics.append(PARTIALS, 0, encode_partial(activation(POLICY)))
    say(made, 0, bad=20)
    say(made, 1, bad=1, settled=1)
    yield made
    made.context.executor.shutdown()


def sketches(shells: Shells) -> dict[int, list[AuthorSketch]]:
    """By shard, those that have arrived."""
    logs = {shard: shells.topics.read(PARTIALS, shard) for shard in range(3)}
    return {
        shard: [one for one in (decode_partial(kept.value or b"") for kept in log) if isinstance(one, AuthorSketch)]
        for shard, log in logs.items()
    }


def decided(shells: Shells) -> list[str]:
    found = [decode_record(one.value or b"") for one in shells.topics.read(DECISIONS, 0)]
    return [one.hashtag for one in found if isinstance(one, Decision)]


async def test_a_decision_is_sent_once_every_shard_has_its_sketch(shells: Shells) -> None:
    partition = await started(shells)
    await judged(shells, partition)
    assert under_way(shells).count(PARTIALS) == 3 and DECISIONS not in under_way(shells)
    shells.sender.deliver(len(shells.sender.under_way) - 1)
    await settle_down()
    assert DECISIONS not in under_way(shells), "the last shard has not got it"
    shells.sender.deliver()
    await settle_down()
    assert under_way(shells) == [DECISIONS]
    (one,) = {one for of_shard in sketches(shells).values() for one in of_shard}
    assert (one.hashtag, one.country, one.tick_ms) == ("a", "*", HIDDEN_MS) and len(one.hashes()) == 20


async def test_one_that_dies_before_it_is_out_is_followed_by_one_who_sends_it(shells: Shells) -> None:
    """Two of three shards had it: the successor sends the same to all, then decides."""
    first = await started(shells)
    await judged(shells, first)
    while sum(map(len, sketches(shells).values())) < 2:
        shells.sender.deliver(1)
    first.drop()
    shells.sender.under_way.clear()
    shells.sender.at_once = True
    after = await started(shells, committed=first.replay_point)
    await judged(shells, after)
    found = sketches(shells)
    assert sorted(map(len, found.values())) == [1, 2, 2] and len({one for many in found.values() for one in many}) == 1
    assert decided(shells) == ["a"]


async def test_what_was_heard_lies_beside_the_panes_and_is_read_back(shells: Shells) -> None:
    shells.sender.at_once = True
    heard = AuthorSketch("old", "*", HIDDEN_MS, HIDDEN_MS + 600_000, 2**64 - 1, b"\1" * 8)
    shells.topics.append(PARTIALS, 0, encode_partial(heard))
    say(shells, 2, bad=1, settled=2)
    first = await started(shells)
    await judged(shells, first)
    values = [one.value or b"" for one in shells.topics.read(PANES, 0)]
    assert HeardSketch(heard, HIDDEN_MS + DELAY_MS) in list(heard_records(values))
    assert list(pane_records(values)), "who reads panes passes over it"
    after = await started(shells, committed=first.replay_point)
    assert after.judge is not None
    assert [one.hashtag for one in after.judge.sketches.live("*", HIDDEN_MS + DELAY_MS, 0)] == ["old"]


async def test_late_ones_and_those_given_up_are_counted(shells: Shells) -> None:
    shells.sender.at_once = True
    shells.topics.append(PARTIALS, 0, encode_partial(AuthorSketch("old", "*", HIDDEN_MS - 900_000, 0, 0, b"")))
    partition = await started(shells)
    await judged(shells, partition)
    assert shells.context.metrics.registry.get_sample_value("hushtag_author_sketches_late_total") == 1
