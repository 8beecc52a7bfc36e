"""Oracle: correct records of a simulated pipeline pass, and any single error is detected."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

import pytest
from hushtag_client.registers import Register
from msgspec.structs import replace

from streams.counting.ingest import SourcePartition
from streams.counting.keys import Sharding
from streams.counting.sketch import KeyedHash
from streams.counting.times import TimeRules
from streams.judging.shard_judge import ShardJudge
from streams.judging.shard_state import ShardState
from streams.log.decisions import Decision, decode_record, encode_record
from streams.log.lines import LogRecord
from streams.log.panes import encode_pane
from streams.log.partials import encode_partial
from streams.policy import parse_policy
from streams.policy.activation import Activation
from streams.scoring import score_batches
from tests.fault.oracle import Left, bad_offsets, expected_flags, judge, unfounded_flags, wrong_flags
from tests.fault.traffic import deletion
from tests.fault.world import POLICY
from tests.support.block_counts import TOPIC_ID
from tests.support.simulated_words import SCORER

START_MS = 1_611_600_000_000
SHARDS, SOURCES = 2, 2


def tweets() -> list[LogRecord]:
    """Make 80 s of two partitions; the first 20 s have harmful tweets of one tag."""
    rng, found = random.Random(5), []
    for number in range(1_600):
        log_ms = START_MS + number * 50
        tag = rng.choice(["Tag1", "Tag1", "Tag2", "Tag3"])
        value = json.dumps(
            {
                "id": str(number + 1), "author_id": str(rng.randrange(400)), "created_at_ms": log_ms - 40,
                "text": f"{'bad' if tag == 'Tag1' and number < 400 else 'good'} {rng.randrange(9)}",
                "hashtags": [tag], "country": rng.choice(["IN", ""]),
            }
        ).encode()  # fmt: skip
        found.append(LogRecord(number % SOURCES, number // SOURCES, log_ms, None, b"{" if number == 77 else value))
    return found


def pipeline(records: list[LogRecord]) -> Left:
    """Run the cores, shard by shard, without faults."""
    hashes, policy = KeyedHash(b""), parse_policy(POLICY.format(serial=1, least=10), "policy.yaml")
    activation = Activation(
        revision=policy.revision, sequence=0, from_tick_ms=0, policy=policy.canonical, model_revision=SCORER.revision
    )
    sources = [
        SourcePartition(number, SOURCES, TOPIC_ID, 0, sharding=Sharding(SHARDS), hashes=hashes, times=TimeRules())
        for number in range(SOURCES)
    ]
    judges = [
        ShardJudge(ShardState(shard, categories=SCORER.categories, model_revision=SCORER.revision, hashes=hashes))
        for shard in range(SHARDS)
    ]
    partials = {shard: [encode_partial(activation)] for shard in range(SHARDS)}
    panes: dict[int, list[bytes]] = {shard: [] for shard in range(SHARDS)}
    decisions: dict[int, list[bytes]] = {shard: [] for shard in range(SHARDS)}
    dead: list[tuple[int, int]] = []
    for one in judges:
        one.apply(0, activation)
    for at in range(0, len(records), 20):
        for source in sources:
            source.read([one for one in records[at : at + 20] if one.partition == source.source])
            flushed = source.flush()
            dead += [(letter.source, letter.offset) for letter in source.dead_letters]
            for shard, flushes in flushed.items():
                for flush in flushes:
                    judges[shard].apply(len(partials[shard]), flush)
                    partials[shard].append(encode_partial(flush))
            source.reset_counts()
        for shard, one in enumerate(judges):
            while (job := one.next_tick()) is not None:
                settled = one.settle(job, SCORER(job.texts.batch.lines))
                panes[shard] += [value for pane in settled.panes for value in encode_pane(pane, shard, one.state.tags)]
                assert settled.progress is not None
                decisions[shard] += [encode_record(emitted) for emitted in (*settled.decisions, settled.progress)]
            firing = one.next_early()
            if firing is not None:
                early = one.decide_early(
                    firing, score_batches(firing.batches, lambda _: SCORER, 1 + len(SCORER.categories))
                )
                decisions[shard] += [encode_record(emitted) for emitted in early]
    return Left(records, partials, panes, decisions, dead, SOURCES)


@pytest.fixture(scope="module")
def left() -> Left:
    return pipeline(tweets())


def lying(left: Left, **members: object) -> Left:
    return Left(**{**{name: getattr(left, name) for name in Left.__dataclass_fields__}, **members})  # type: ignore[arg-type]


def test_correct_records_pass(left):
    verdict = judge(left, SCORER)
    assert verdict.problems == []
    assert verdict.decisions >= 4 and verdict.early >= 1 and verdict.ticks >= 5
    assert verdict.lost == verdict.doubled == 0


def decided(left: Left, true: Callable[[Decision], bool]) -> tuple[int, int, Decision]:
    for shard, values in left.decisions.items():
        for at, value in enumerate(values):
            one = decode_record(value)
            if isinstance(one, Decision) and true(one):
                return shard, at, one
    raise AssertionError("no such decision")


def with_decision(left: Left, shard: int, at: int, *instead: Decision) -> Left:
    values = left.decisions[shard]
    actual = [*values[:at], *map(encode_record, instead), *values[at + 1 :]]
    return lying(left, decisions={**left.decisions, shard: actual})


def test_lost_tweet_is_detected(left):
    verdict = judge(
        lying(left, tweets=[*left.tweets, LogRecord(0, 800, START_MS + 30_000, None, left.tweets[0].value)]), SCORER
    )
    assert verdict.lost == 0 and verdict.problems == [], "sent twice, it does not count"
    twin = json.loads(left.tweets[600].value) | {"id": "999999"}
    more = LogRecord(0, 800, START_MS + 30_000, None, json.dumps(twin).encode())
    verdict = judge(lying(left, tweets=[*left.tweets, more]), SCORER)
    assert verdict.lost == 1 and verdict.problems


def test_double_counted_tweet_is_detected(left):
    verdict = judge(lying(left, tweets=[one for one in left.tweets if one.offset != 300]), SCORER)
    assert verdict.doubled == 2 and verdict.problems


def test_missing_pane_is_detected(left):
    verdict = judge(lying(left, panes={**left.panes, 0: left.panes[0][1:], 1: left.panes[1][1:]}), SCORER)
    assert verdict.lost > 0


def test_missing_decision_is_detected(left):
    shard, at, _ = decided(left, lambda one: not one.provisional)
    assert judge(with_decision(left, shard, at), SCORER).problems


def test_decision_at_wrong_tick_is_detected(left):
    shard, at, one = decided(left, lambda one: not one.provisional and bool(one.rulings))
    moved = replace(one, rulings=tuple(replace(ruling, since_ms=ruling.since_ms + 10_000) for ruling in one.rulings))
    assert judge(with_decision(left, shard, at, moved), SCORER).problems


def test_zombie_record_is_compared(left):
    """A record below the greatest version of its key must still equal the reference at its tick."""
    shard, at, one = decided(left, lambda one: any(not r.provisional and r.action == "suppress" for r in one.rulings))
    older = replace(one, version=one.version[:-1] + "0", rulings=())
    assert any("reference" in problem for problem in judge(with_decision(left, shard, at, older, one), SCORER).problems)


def test_unanswered_early_ruling_is_detected(left):
    shard, _, one = decided(left, lambda one: one.provisional)
    late = replace(one, hashtag="tag9", version="0000.9999999999999999999.000000000000000")
    actual = lying(left, decisions={**left.decisions, shard: [*left.decisions[shard], encode_record(late)]})
    assert any("neither confirmed nor withdrawn" in problem for problem in judge(actual, SCORER).problems)


def test_dead_letters_equal_bad_records(left):
    assert left.dead == [(1, 38)]
    assert judge(lying(left, dead=[]), SCORER).problems
    assert judge(lying(left, dead=[(1, 38), (0, 3)]), SCORER).problems


def stands(left: Left) -> dict[str, Register]:
    return {
        name: Register(
            version=version, action=action, hashtag=name.split("|")[3], surface=name.split("|")[0],
            country=name.split("|")[1], expires_at_ms=expires_at_ms, weight=weight,
        )
        for name, (version, action, expires_at_ms, weight) in expected_flags(left).items()
    }  # fmt: skip


def test_flags_equal_greatest_versions(left):
    good = stands(left)
    assert good and wrong_flags(left, good) == []
    name = next(iter(good))
    assert wrong_flags(left, {other: one for other, one in good.items() if other != name})
    shard, _, early = decided(left, lambda one: one.provisional)
    last_is_older = lying(left, decisions={**left.decisions, shard: [*left.decisions[shard], encode_record(early)]})
    assert wrong_flags(last_is_older, good) == [], "the last record is not the greatest version"


def test_flag_without_decision_is_detected(left):
    written = {(name, one.version): one for name, one in stands(left).items()}
    assert unfounded_flags(left, written) == []
    (name, version), one = next(iter(written.items()))
    assert unfounded_flags(left, {(name, version + "1"): one})


def test_repeated_future_tweet_is_one_dead_letter():
    ahead = json.dumps({"id": "1", "author_id": "1", "text": "", "created_at_ms": START_MS + 200_000}).encode()
    records = [LogRecord(0, at, START_MS, None, ahead) for at in (5, 9, 9 + 4_096, 9 + 4_097 + 4_096)]
    assert bad_offsets(records) == {(0, 5), (0, 9 + 4_097 + 4_096)}


def test_deletion_without_tweet_is_dead_letter():
    actual = [b'{"kind": "delete", "id": "1"}', deletion(b'{"id": "x"}', 0.96), deletion(b'{"id": "x"}', 0.9)]
    assert bad_offsets([LogRecord(0, at, START_MS, None, value) for at, value in enumerate(actual)]) == {(0, 1)}
