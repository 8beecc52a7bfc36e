"""Oracle of simulated histories: policies, a replay as reference, and the problems of a run."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from streams.constants import MINUTE_MS, PANE_MS
from streams.counting.block_counts import Flush
from streams.counting.keys import Tags, country_of
from streams.log.account_facts import AppliedMark, FactsMark
from streams.log.author_sketches import AuthorSketch
from streams.log.decisions import Decision, LanguageCoverage, ScopeDecision, decode_record
from streams.log.pane_assembly import assemble
from streams.log.pane_rows import PaneRow, rows_of
from streams.log.panes import pane_records
from streams.log.partials import Partial
from streams.policy import Policy, parse_policy
from streams.replay import Replay, received_sketches, skipped_spans
from streams.windows.corrections import Corrections
from streams.windows.pane import Pane
from tests.support.settled_history import history, settled_part
from tests.support.simulated import SimulatedPipeline
from tests.support.simulated_sizes import KEY, PARTITIONS, SHARDS, TIMES, small_units
from tests.support.simulated_words import SCORER, SCORERS

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
    clear_at: 0.35
    confidence: {confidence}
    dwell: {dwell}
    expiry: {expiry}
    min_established: {established}
    innocent_past: {past}
    clear_after: {after}
    corroborate: {{need: 1, {signals}}}
"""

VALVES = [
    "",
    f"valves: {{new_suppressions_per_hour: {2 * SHARDS}}}\n",
    "valves: {top_tags: 5, suppressed_share_of_top: 0.2}\n",
    f"valves: {{new_suppressions_per_hour: {3 * SHARDS}, least_scored: 0.3, most_harmful: 0.9}}\n",
]

WINDOWS = [["30s"], ["10s", "1m"], ["20s", "1m"], ["30s", "16m", "20m"], ["40s", "2m", "17m"]]

FEW_WINDOWS = [["30s"], ["20s"], ["10s", "1m"], ["10s", "1m"], ["20s", "16m"], ["40s", "2m", "17m"]]


@cache
def few_policies(number: int) -> list[Policy]:
    """Cache policies: parsing one takes a tenth of the time of a short history."""
    return policies(random.Random(number), FEW_WINDOWS)


def policies(rng: random.Random, windows_of: Sequence[list[str]] = WINDOWS) -> list[Policy]:
    """Draw a policy, and sometimes a second one activated within the log."""
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
                established=rng.choice([2, 4]),
                past=rng.choice([3, 6]),
                after=rng.choice(["10s", "30s"]),
                signals=rng.choice(["authors: 1", "authors: 5, copies: 0.3", "burst: 1.5, young: 0.4"]),
            )
        text += rng.choice(VALVES) + rng.choice(["", f"max_tags_per_pane: {2 * SHARDS}\n"])
        made.append(parse_policy(text, "simulated.yaml"))
    return made


def without_early(one: Decision) -> Decision:
    """Select the values that must be equal at equal versions; early rulings may differ between two judges."""
    return replace(one, rulings=settled_part(one.rulings), provisional=False)


def as_of(past: list[tuple[int, tuple[ScopeDecision, ...]]], tick_ms: int) -> tuple[ScopeDecision, ...]:
    return ([(0, ())] + [one for one in past if one[0] <= tick_ms])[-1][1]


def content(pane: Pane, tags: Tags) -> dict[tuple[str, str], object]:
    """Convert a pane to values without internal hashtag numbers."""
    found = {}
    displays = pane.displays.tolist()
    for row, key in enumerate(pane.keys.tolist()):
        at = slice(int(pane.bounds[row]), int(pane.bounds[row + 1]))
        names = ("author", "tweet", "origin", "age_days", "flags", "copy")
        columns = [getattr(pane, name)[at].tolist() for name in names]
        scores = np.nan_to_num(pane.scores[at], nan=-1.0).tolist()
        found[tags.name(key), country_of(key)] = (int(pane.counts[row]), displays[row], columns, scores)
    return found


def applied_marks(partials: Sequence[Partial | None]) -> list[AppliedMark]:
    """Compute from a shard's whole log the tick from which each mark counts."""
    found: list[AppliedMark] = []
    passed_ms = -1
    for record in partials:
        if isinstance(record, Flush):
            passed_ms = max(passed_ms, record.watermark_ms)
        elif isinstance(record, FactsMark) and all(one.upto < record.upto for one in found):
            found.append(AppliedMark("", record.upto, passed_ms))
    return found


def corrected(partials: Sequence[Partial | None]) -> list[tuple[int, Corrections]]:
    """Compute from a shard's whole log the pane end from which each stage 2 record counts."""
    found: list[tuple[int, Corrections]] = []
    passed_ms = 0
    for record in partials:
        if isinstance(record, Flush):
            passed_ms = max(passed_ms, record.watermark_ms)
        elif isinstance(record, Corrections) and record.model_revision == SCORER.revision:
            found.append((passed_ms // PANE_MS, record))
    return found


class Reference:
    """Replay of the same source log."""

    def __init__(self, world: SimulatedPipeline, *, stage_2: bool = True) -> None:
        replay = Replay(
            range(PARTITIONS), world.policies[0], SCORER, shards=SHARDS, times=TIMES, hash_key=KEY,
            moderation=world.moderation,
            models=SCORERS.values(),
            sketches={
                shard: received_sketches(world.partials(shard)) for shard in range(SHARDS)
            },
            skipped={shard: skipped_spans(world.partials(shard), shard, SHARDS) for shard in range(SHARDS)},
        )  # fmt: skip
        for judge in replay.judges:
            judge.state.facts.load(applied_marks(world.partials(judge.state.shard)))
            for activation in world.activations[1:]:
                judge.apply(0, activation)
            if stage_2:
                for pane, record in corrected(world.partials(judge.state.shard)):
                    judge.state.corrections.load(pane, record)
        records = sorted(
            (record for log in world.sources for record in log), key=lambda one: (one.timestamp, one.offset)
        )
        emitted = list(replay.run(records))
        self.rows = {(row.hashtag, row.country, row.start_ms): row for row in emitted if isinstance(row, PaneRow)}
        self.history = history([one for one in emitted if isinstance(one, Decision)])
        self.late = replay.counts.late_registers
        self.hours = {(one.shard, one.from_ms): one for one in replay.coverage}
        self.sketches = set(replay.sketches)
        self.panes = [
            {pane.start_ms: content(pane, judge.state.tags) for pane in judge.state.store.short_panes}
            for judge in replay.judges
        ]


def problems(world: SimulatedPipeline) -> list[str]:
    """List the problems of a finished run."""
    found: list[str] = []
    reference = Reference(world)
    assert not reference.late
    rows: dict[tuple[str, str, int], PaneRow] = {}
    decisions: list[Decision] = []
    final: dict[tuple[str, str], Decision] = {}
    for shard in range(SHARDS):
        actual = {one for one in world.partials(shard) if isinstance(one, AuthorSketch)}
        if actual != reference.sketches:
            wrong = sorted(actual ^ reference.sketches, key=str)[0]
            found.append(f"{'a wrong' if wrong in actual else 'no'} sketch in shard {shard}: {wrong}")
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
        renewals: list[Decision] = []
        hours: dict[tuple[int, int], LanguageCoverage] = {}
        for value in world.logs["decisions", shard]:
            one = decode_record(value)
            if isinstance(one, LanguageCoverage) and hours.setdefault((one.shard, one.from_ms), one) != one:
                found.append(f"a repeated hour differs: {one}")
            if not isinstance(one, Decision):
                continue
            if one.is_renewal:
                renewals.append(one)
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
        found += _wrong_hours(hours, {key: one for key, one in reference.hours.items() if one.shard == shard})
        found += [f"a renewal outlives a later decision: {one}" for one in renewals if not _extends(one, decisions)]
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


def _wrong_hours(
    hours: Mapping[tuple[int, int], LanguageCoverage], expected: Mapping[tuple[int, int], LanguageCoverage]
) -> list[str]:
    """Compare the hours of a shard; the reference ends with the last tweet, so it lacks the last hour."""
    end_ms = max((one.to_ms for one in expected.values()), default=0)
    found = {key: one for key, one in hours.items() if one.to_ms <= end_ms}
    keys = [key for key in found.keys() | expected.keys() if found.get(key) != expected.get(key)]
    return [f"another hour than the reference's: {found.get(key)} for {expected.get(key)}" for key in keys]


def _extends(renewal: Decision, decisions: Sequence[Decision]) -> bool:
    """Check that a renewal changes only the expiries of the greatest decision of its key below its version."""
    of_key = [one for one in decisions if (one.hashtag, one.country) == (renewal.hashtag, renewal.country)]
    base = max((one for one in of_key if one.version < renewal.version), key=lambda one: one.version)
    same = tuple(replace(one, expires_at_ms=0) for one in base.rulings)
    return same == tuple(replace(one, expires_at_ms=0) for one in renewal.rulings)


def assert_noticed(
    rule: Callable[[], Any], make: Callable[[int], SimulatedPipeline], most: int, first: int = 0
) -> None:
    """Break one rule: some of the histories, tried from the first seed on, must then have problems."""
    for seed in (*range(first, most), *range(first)):
        with rule(), small_units():
            world = make(seed)
        with small_units():
            if problems(world):
                return
    pytest.fail(f"nothing was noticed in {most} histories")


def failure_message(seed: int, found: list[str]) -> str:
    return f"seed {seed}: {len(found)} problems\n" + "\n".join(found[:5])


def migration_policies(rng: random.Random) -> list[Policy]:
    """Draw a policy with the migration signal, sometimes followed by one without it or with other limits."""
    made = []
    for serial in range(1, 2 + (rng.random() < 0.4)):
        windows = rng.choice([["30s"], ["20s", "40s"], ["40s", "2m", "17m"]])
        text = HEAD.format(serial=serial, windows=", ".join(windows))
        for name in rng.choice([["hateful_conduct"], ["hateful_conduct", "abuse"]]):
            text += CATEGORY.format(
                name=name,
                mode=rng.choice(["suppress", "suppress", "hold_for_review"]),
                windows=", ".join(rng.choice([windows, windows[:1]])),
                confidence=rng.choice(["0.6", "0.8"]),
                dwell=rng.choice(["10s", "20s"]),
                expiry=rng.choice(["20s", "60s"]),
                established=rng.choice([4, 20]),
                past=rng.choice([3, 6]),
                after=rng.choice(["10s", "30s"]),
                signals=rng.choice(["authors: 16, successor: 0.1", "copies: 0.8, successor: 0.05", "authors: 12"])
                if serial > 1
                else rng.choice(["authors: 16, successor: 0.1", "copies: 0.8, successor: 0.05"]),
            )
        made.append(parse_policy(text + rng.choice(VALVES), "simulated.yaml"))
    return made
