"""One run: simulate a preset on the texts of a source, and judge it by the reference."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from benchmarks.scenarios.sources import material
from benchmarks.scenarios.verdicts import Verdict, judge
from devkit.simulation.data import tag_names
from devkit.simulation.hard import hard_config
from devkit.simulation.lines import SimulatedRecord
from devkit.simulation.run import Simulation
from models import left_out
from streams.log.decisions import Decision
from streams.log.lines import LogRecord
from streams.policy import Policy, parse_policy
from streams.replay import Replay

HARD, SLOW = "hard", "slow"
PRESETS = {HARD: (15.0, 40.0, 1_000), SLOW: (60.0, 8.0, 5_000)}
"""Minutes, tweets a second, and milliseconds between two flushes of each preset.

Fewer flushes than a worker has, and fewer shards, save time. Settled decisions are the same; early ones come later.
"""
_SHARDS = 2


class ScenarioRun(NamedTuple):
    """One simulated log and its judgement."""

    source: str
    preset: str
    seed: int
    policy: Path
    labels: int = 0
    """Labels of the source to which the model's scale is fitted."""


def runs(sources: Iterable[str], seeds: Sequence[int], policy: Path, labels: Iterable[int] = (0,)) -> list[ScenarioRun]:
    """List the runs: every preset and seed of every source. Only the scale of a left-out source is fitted to labels."""
    return [
        ScenarioRun(source, preset, seed, policy, n_labels)
        for source in sources
        for n_labels in labels
        if n_labels == 0 or source in left_out.SOURCES
        for seed in seeds
        for preset in PRESETS
    ]


def observe(run: ScenarioRun) -> Verdict:
    """Simulate and judge one run. A pure function of the run, the models and the texts."""
    trained = material(run.source, run.labels)
    minutes, rate, flush_ms = PRESETS[run.preset]
    config = hard_config(
        run.seed, tag_names(), minutes=minutes, rate=rate, languages=trained.languages, slow=run.preset == SLOW
    )
    simulation = Simulation(config, trained.texts)
    replay = Replay(
        range(config.partitions), _policy(run.policy), trained.scorer, shards=_SHARDS, early=True, flush_ms=flush_ms
    )
    decisions = [record for record in replay.run(_records(simulation.lines())) if isinstance(record, Decision)]
    facts = {"source": run.source, "preset": run.preset, "seed": run.seed, "labels": run.labels}
    return judge(simulation.truth()["tags"], decisions, config.start_ms + config.duration_ms, facts)


@lru_cache(maxsize=1)
def _policy(path: Path) -> Policy:
    return parse_policy(path.read_bytes(), str(path))


def _records(entries: Iterable[SimulatedRecord]) -> Iterator[LogRecord]:
    return (
        LogRecord(entry.partition, entry.offset, entry.log_time_ms, entry.key_bytes, entry.payload) for entry in entries
    )
