"""Whatever is killed, paused, sent twice or read again: what settles equals the reference.

`SEEDS=400 pytest tests/simulation/test_restarts.py` looks longer; `FIRST=` says where to begin.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from msgspec.structs import replace

from streams.counting.block_counts import MINUTE_MS, PANE_MS, Flush
from streams.counting.ingest import SourcePartition
from streams.counting.keys import Tags, country_of
from streams.counting.sketch import KeyedHash
from streams.judging.shard_decisions import Rulings
from streams.judging.shard_judge import ShardJudge
from streams.judging.side_inputs.account_facts_view import ShardFacts
from streams.judging.side_inputs.author_sketches import heard_in
from streams.judging.side_inputs.corrections import Corrected
from streams.log.account_facts import FactsMark, HeardFacts
from streams.log.author_sketches import AuthorSketch
from streams.log.decisions import Decision, Ruling, decode_record
from streams.log.panes import PaneRow, assemble, pane_records, rows_of
from streams.log.partials import decode_partial
from streams.policy import Policy, parse_policy
from streams.replay import Replay
from streams.windows.corrections import Corrections
from streams.windows.open_pane import OpenPane
from streams.windows.open_panes import OpenPanes
from streams.windows.pane import Pane
from tests.support.simulated import World
from tests.support.simulated_people import random_moderation
from tests.support.simulated_sizes import BLOCK, KEY, LONG, PARTITIONS, SHARDS, SHORT, TIMES, Span, small_units
from tests.support.simulated_words import SCORER, SCORERS

pytestmark = pytest.mark.simulation

FIRST, SEEDS = int(os.environ.get("FIRST", "0")), int(os.environ.get("SEEDS", "100"))

HEAD = """
serial: {serial}
surfaces: [trends, search]
windows: [{windows}]
score_floor: 2
evidence_floor: 2
early_confidence: 0.8
burst_min_past: 5
categories:
"""
CATEGORY = """
  {name}:
    mode: {mode}
    windows: [{windows}]
    min_tweets: 5
    min_authors: 3
    suppress_at: 0.4
    clear_at: 0.3
    confidence: {confidence}
    dwell: {dwell}
    expiry: {expiry}
    corroborate: {{need: 1, {signals}}}
"""
VALVES = [
    "",
    f"valves: {{new_suppressions_per_hour: {2 * SHARDS}}}\n",
    "valves: {top_tags: 5, suppressed_share_of_top: 0.2}\n",
    f"valves: {{new_suppressions_per_hour: {3 * SHARDS}, least_scored: 0.3, most_harmful: 0.9}}\n",
]


WINDOWS = [["30s"], ["20s", "1m"], ["30s", "16m", "20m"], ["40s", "2m", "17m"]]
FEW_WINDOWS = [["30s"], ["20s"], ["30s"], ["20s", "1m"], ["30s", "16m"], ["40s", "2m", "17m"]]


@cache
def few_policies(number: int) -> list[Policy]:
    """Reading a policy takes a tenth of the time of a short history."""
    return policies(random.Random(number), FEW_WINDOWS)


def policies(rng: random.Random, windows_of: Sequence[list[str]] = WINDOWS) -> list[Policy]:
    """A policy, sometimes another that follows it while the log runs."""
    made = []
    for serial in range(1, 2 + (rng.random() < 0.4)):
        windows = rng.choice(windows_of)
        text = HEAD.format(serial=serial, windows=", ".join(windows))
        for name in rng.choice([["hateful_conduct"], ["hateful_conduct", "abuse"]]):
            text += CATEGORY.format(
                name=name,
                mode=rng.choice(["suppress", "suppress", "hold_for_review", "review"]),
                windows=", ".join(rng.choice([windows, windows[:1]])),
                confidence=rng.choice(["0.6", "0.8"]),
                dwell=rng.choice(["10s", "20s"]),
                expiry=rng.choice(["20s", "60s"]),
                signals=rng.choice(["authors: 1", "authors: 5, copies: 0.3", "burst: 1.5, young: 0.4"]),
            )
        text += rng.choice(VALVES) + rng.choice(["", f"max_tags_per_pane: {2 * SHARDS}\n"])
        made.append(parse_policy(text, "simulated.yaml"))
    return made


def settled_part(rulings: tuple[Ruling, ...]) -> tuple[Ruling, ...]:
    """What must equal the reference; a clear that has rested is forgotten without a word, so clears are left out."""
    return tuple(one for one in rulings if not one.provisional and (one.action != "clear" or one.lapsed))


def without_early(one: Decision) -> Decision:
    """What must be equal at equal versions: of two judges one may have spoken early and the other not, or not yet."""
    return replace(one, rulings=settled_part(one.rulings), provisional=False)


def history(decisions: list[Decision]) -> dict[tuple[str, str], list[tuple[int, tuple[Ruling, ...]]]]:
    """Settled rulings of each key from tick to tick: of each tick the greatest version, every change once."""
    best: dict[tuple[str, str, int], Decision] = {}
    for one in decisions:
        key = (one.hashtag, one.country, one.tick_ms)
        if one.tick_ms == one.settled_ms and (key not in best or one.version > best[key].version):
            best[key] = one
    found: dict[tuple[str, str], list[tuple[int, tuple[Ruling, ...]]]] = {}
    for (hashtag, country, tick_ms), one in sorted(best.items()):
        past = found.setdefault((hashtag, country), [(0, ())])
        if settled_part(one.rulings) != past[-1][1]:
            past.append((tick_ms, settled_part(one.rulings)))
    return {key: past[1:] for key, past in found.items() if len(past) > 1}


def as_of(past: list[tuple[int, tuple[Ruling, ...]]], tick_ms: int) -> tuple[Ruling, ...]:
    return ([(0, ())] + [one for one in past if one[0] <= tick_ms])[-1][1]


def content(pane: Pane, tags: Tags) -> dict[tuple[str, str], object]:
    """A pane without its numbers for hashtags."""
    found = {}
    for row, key in enumerate(pane.keys.tolist()):
        at = slice(int(pane.bounds[row]), int(pane.bounds[row + 1]))
        columns = [getattr(pane, name)[at].tolist() for name in ("author", "tweet", "age_days", "flags", "copy")]
        scores = np.nan_to_num(pane.scores[at], nan=-1.0).tolist()
        found[tags.name(key), country_of(key)] = (int(pane.counts[row]), pane.displays[row], columns, scores)
    return found


def heard(partials: list[bytes]) -> list[HeardFacts]:
    """From which tick on each mark counts, read off a shard's whole log."""
    found: list[HeardFacts] = []
    passed_ms = -1
    for record in map(decode_partial, partials):
        if isinstance(record, Flush):
            passed_ms = max(passed_ms, record.watermark_ms)
        elif isinstance(record, FactsMark) and all(one.upto < record.upto for one in found):
            found.append(HeardFacts("", record.upto, passed_ms))
    return found


def corrected(partials: list[bytes]) -> list[tuple[int, Corrections]]:
    """From which pane's end on each record of stage 2 counts, read off a shard's whole log."""
    found: list[tuple[int, Corrections]] = []
    passed_ms = 0
    for record in map(decode_partial, partials):
        if isinstance(record, Flush):
            passed_ms = max(passed_ms, record.watermark_ms)
        elif isinstance(record, Corrections) and record.model_revision == SCORER.revision:
            found.append((passed_ms // PANE_MS, record))
    return found


class Reference:
    """The same source log, single-threaded."""

    def __init__(self, world: World, *, stage_2: bool = True) -> None:
        replay = Replay(
            range(PARTITIONS), world.policies[0], SCORER, shards=SHARDS, times=TIMES, hash_key=KEY,
            moderation=world.moderation,
            models=SCORERS.values(),
            heard={shard: heard_in(map(decode_partial, world.logs["partials", shard])) for shard in range(SHARDS)},
        )  # fmt: skip
        for judge in replay.judges:
            judge.facts.recover(heard(world.logs["partials", judge.shard]), -1)
            for activation in world.activations[1:]:
                judge.apply(0, activation)
            if stage_2:
                for pane, record in corrected(world.logs["partials", judge.shard]):
                    judge.corrected.add(pane, record, judge.tags)
        records = sorted(
            (record for log in world.sources for record in log), key=lambda one: (one.timestamp, one.offset)
        )
        said = list(replay.run(records))
        self.rows = {(row.hashtag, row.country, row.start_ms): row for row in said if isinstance(row, PaneRow)}
        self.history = history([one for one in said if isinstance(one, Decision)])
        self.late = replay.counts.late_registers
        self.sketches = set(replay.sketches)
        self.panes = [
            {pane.start_ms: content(pane, judge.tags) for pane in judge.views.short_panes} for judge in replay.judges
        ]


def problems(world: World) -> list[str]:
    """What is not as it must be after a run."""
    found: list[str] = []
    reference = Reference(world)
    assert not reference.late
    rows: dict[tuple[str, str, int], PaneRow] = {}
    decisions: list[Decision] = []
    final: dict[tuple[str, str], Decision] = {}
    for shard in range(SHARDS):
        told = {one for one in map(decode_partial, world.logs["partials", shard]) if isinstance(one, AuthorSketch)}
        if told != reference.sketches:
            wrong = sorted(told ^ reference.sketches, key=str)[0]
            found.append(f"{'a wrong' if wrong in told else 'no'} sketch in shard {shard}: {wrong}")
        tags = Tags()
        records = list(pane_records(world.logs["panes", shard]))
        seen: dict[tuple[int, int, int, int], object] = {}
        for record in records:
            if seen.setdefault(record.key, record) != record:
                found.append(f"a repeated pane record differs: {record.key}")
        panes = assemble(records, tags)
        for pane in panes:
            if pane.length_ms == MINUTE_MS:
                rows |= {(row.hashtag, row.country, row.start_ms): row for row in rows_of(pane, tags)}
        short = {pane.start_ms: content(pane, tags) for pane in panes if pane.length_ms == PANE_MS}
        for start_ms in sorted(short.keys() | reference.panes[shard].keys()):
            ours, theirs = short.get(start_ms, {}), reference.panes[shard].get(start_ms, {})
            bad = [key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key)]
            if bad:
                key = bad[0]
                found.append(f"pane {start_ms} of shard {shard}: {key}: {ours.get(key)} for {theirs.get(key)}")
        for value in world.logs["decisions", shard]:
            one = decode_record(value)
            if not isinstance(one, Decision):
                continue
            decisions.append(one)
            key = (one.hashtag, one.country)
            if key not in final or one.version > final[key].version:
                final[key] = one
            if final[key].version == one.version and without_early(final[key]) != without_early(one):
                found.append(f"equal versions, other content: {final[key]} and {one}")
            early = [r for r in one.rulings if r.provisional and r.action != "clear" and r.since_ms <= one.settled_ms]
            if early:
                found.append(f"an early ruling outlives its tick: {one}")
        for one in decisions:
            past = reference.history.get((one.hashtag, one.country), [])
            if settled_part(one.rulings) != as_of(past, one.settled_ms):
                found.append(f"other settled rulings than the reference's: {one}, not {as_of(past, one.settled_ms)}")
    if rows != reference.rows:
        found.append(f"minute rows differ: {sorted(rows.items() ^ reference.rows.items(), key=str)[:3]}")
    ours = history(decisions)
    for key in sorted(ours.keys() | reference.history.keys()):
        if ours.get(key) != reference.history.get(key):
            found.append(f"history of {key}: {ours.get(key)} for {reference.history.get(key)}")
    for one in final.values():
        early = [ruling for ruling in one.rulings if ruling.provisional and ruling.action != "clear"]
        if early:
            found.append(f"neither confirmed nor withdrawn: {one}")
    return found


def simulate(seed: int, **options: Any) -> list[str]:
    """The problems of one history."""
    with small_units():
        return problems(World(seed, few_policies(seed % 60), **options).run())


def simulate_people(seed: int, span: Span = SHORT) -> tuple[World, list[str]]:
    """A history in which accounts are withheld, suspended and protected while the log runs, and what is wrong in it."""
    with small_units():
        moderation = random_moderation(random.Random(seed), span)
        made = few_policies(seed % 60) if span is SHORT else policies(random.Random(seed))
        world = World(seed, made, moderation=moderation, span=span).run()
        return world, problems(world)


REPEATS = ("a repeated pane record differs", "equal versions, other content")


def assert_noticed(rule: Callable[[], Any], make: Callable[[int], World], most: int) -> None:
    """With one rule knocked out some history of so many goes wrong: the simulation can fail."""
    for seed in range(most):
        with rule(), small_units():
            world = make(seed)
        with small_units():
            if problems(world):
                return
    pytest.fail(f"nothing was noticed in {most} histories")


def told(seed: int, found: list[str]) -> str:
    return f"seed {seed}: {len(found)} problems\n" + "\n".join(found[:5])


@pytest.mark.parametrize("seed", range(FIRST, FIRST + SEEDS))
def test_what_settles_equals_the_reference(seed):
    found = simulate(seed)
    assert not found, told(seed, found)


@pytest.mark.parametrize("seed", range(FIRST, FIRST + SEEDS // 5))
def test_long_histories_do(seed):
    """Of three minutes, with windows of minutes: what is withheld, revoked and run out leaves time for more."""
    _, found = simulate_people(seed, span=LONG)
    assert not found, told(seed, found)


@pytest.mark.parametrize("seed", range(FIRST, FIRST + SEEDS // 5))
def test_it_does_whether_or_not_judges_look_early(seed):
    found = simulate(seed, timely="some")
    assert not found, told(seed, found)


@pytest.mark.parametrize("seed", range(FIRST, FIRST + SEEDS))
def test_it_does_while_accounts_are_withheld_suspended_and_protected(seed):
    _, found = simulate_people(seed)
    assert not found, told(seed, found)


@pytest.mark.parametrize("seed", range(FIRST, FIRST + SEEDS))
def test_it_does_while_stage_2_reads_along(seed):
    """Its records repeated, late, in another order, contradicting each other, and of another model."""
    found = simulate(seed, stage_2=True)
    assert not found, told(seed, found)


def test_stage_2_changes_what_is_decided():
    """Or the histories above would show nothing."""
    changed = 0
    for seed in range(20):
        with small_units():
            world = World(seed, few_policies(seed % 60), stage_2=True).run()
            changed += Reference(world).history != Reference(world, stage_2=False).history
    assert changed >= 7


@pytest.mark.parametrize("seed", range(FIRST, FIRST + SEEDS // 5))
def test_it_does_while_versions_run_side_by_side(seed):
    """Upgraded and rolled back: each run of ingest has the rules of one version or the other."""
    found = simulate(seed, rules=(1, 2))
    assert not found, told(seed, found)


@pytest.mark.parametrize("seed", range(FIRST, FIRST + SEEDS // 5))
def test_what_is_said_again_is_the_same_where_versions_count_differently(seed):
    """No reference says what is right then, but a successor says the same of panes and flags as who was killed."""
    found = [one for one in simulate(seed, rules=(1, 2), other_grammar=(2,)) if one.startswith(REPEATS)]
    assert not found, told(seed, found)


def test_without_harm_there_is_nothing_to_find():
    assert not simulate(0, harm=0)


def recovering(change: Callable[..., tuple[Any, ...]]) -> Any:
    """A judge that reads back something else than what was said."""
    real = ShardJudge.recover
    return patch.object(ShardJudge, "recover", lambda judge, *told: real(judge, *change(*told)))


def committing_the_position() -> Any:
    real = ShardJudge.settle

    def settle(judge: ShardJudge, *job: Any) -> Any:
        settled = real(judge, *job)
        settled.progress = replace(settled.progress, replay_offset=settled.progress.position + 1)
        return settled

    return patch.object(ShardJudge, "settle", settle)


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(lambda: recovering(lambda progress, said, *panes: (progress, [], *panes)), id="read decisions"),
        pytest.param(
            lambda: recovering(lambda progress, said, *rest: (progress, said, [], [], *rest[2:])), id="read panes"
        ),
        pytest.param(lambda: recovering(lambda *told: told[:4]), id="read retractions"),
        pytest.param(lambda: patch.object(OpenPanes, "blocks", lambda panes: {}), id="know the open blocks"),
        pytest.param(committing_the_position, id="replay what had not settled"),
        pytest.param(lambda: patch.object(OpenPane, "void", lambda *_: None), id="absolute counts"),
        pytest.param(
            lambda: patch.object(
                SourcePartition, "replay_point", property(lambda core: -(-core.next_offset // BLOCK) * BLOCK)
            ),
            id="replay the open block",
        ),
        pytest.param(lambda: patch.object(SourcePartition, "_read_back", lambda *_: None), id="read ids back"),
        pytest.param(lambda: patch.object(Rulings, "_answer_early", lambda *_: False), id="answer early rulings"),
        pytest.param(
            lambda: patch.object(KeyedHash, "names", lambda _, names: np.arange(len(names))), id="give up by hash"
        ),
        pytest.param(
            lambda: patch.object(
                OpenPanes,
                "watermark_ms",
                property(lambda panes: max((one.watermark_ms for one in panes.sources.values()), default=-1)),
            ),
            id="wait for the slowest source",
        ),
    ],
)
def test_each_rule_is_needed(rule):
    assert_noticed(rule, lambda seed: World(seed, few_policies(seed % 60)).run(), 100)


def forgetting(**fields: Any) -> Any:
    """A judge whose predecessor's progress record lacks something."""
    return recovering(lambda progress, *rest: (progress and replace(progress, **fields), *rest))


def all_heard(facts: ShardFacts, _: int) -> int:
    return max((one.upto for one in facts.to_list()), default=0)


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(lambda: forgetting(facts=[]), id="recover what was heard"),
        pytest.param(lambda: patch.object(ShardFacts, "heard_at", all_heard), id="late news touch no passed tick"),
    ],
)
def test_each_rule_about_accounts_is_needed(rule):
    def lived(seed: int) -> World:
        moderation = random_moderation(random.Random(seed))
        return World(seed, few_policies(seed % 60), moderation=moderation).run()

    assert_noticed(rule, lived, 200)


def counting_at_once() -> Any:
    real = Corrected.of
    return patch.object(Corrected, "of", lambda state, sample, keys, *_: real(state, sample, keys, 0, 1 << 62))


def read_again_from_nowhere() -> Any:
    """A judge to whose replay point it does not matter where a correction lies that waits for its tick."""
    real = Corrected.take

    def take(state: Corrected, *record: Any) -> None:
        real(state, *record)

    return patch.object(Corrected, "take", take)


def passed_by_then() -> Any:
    """A successor that takes the watermarks up to its predecessor's end for those before it begins."""
    return recovering(
        lambda progress, *rest: (progress and replace(progress, replay_passed_ms=progress.passed_ms), *rest)
    )


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(lambda: recovering(lambda *told: (*told[:-1], [])), id="read corrections"),
        pytest.param(counting_at_once, id="no tick that was passed is touched"),
        pytest.param(read_again_from_nowhere, id="replay what had not counted"),
        pytest.param(passed_by_then, id="know the watermark where it begins"),
    ],
)
def test_each_rule_about_stage_2_is_needed(rule):
    assert_noticed(rule, lambda seed: World(seed, few_policies(seed % 60), stage_2=True).run(), 300)
