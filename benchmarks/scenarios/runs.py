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
from streams.log.decisions import Decision
from streams.log.lines import LogRecord
from streams.policy import Policy, parse_policy
from streams.replay import Replay

HARD, SLOW = "hard", "slow"
PRESETS = {HARD: (15.0, 40.0), SLOW: (60.0, 8.0)}
"""Minutes and tweets a second of each preset."""
_SHARDS, _FLUSH_MS = 2, 1_000
"""Fewer shards and flushes than a worker has, for speed: settled decisions are the same, early ones up to 1 s later."""


class Run(NamedTuple):
    """One simulated log and its judgement."""

    source: str
    preset: str
    seed: int
    policy: Path


def runs(sources: Iterable[str], seeds: Sequence[int], policy: Path) -> list[Run]:
    """List the runs: every preset and seed of every source."""
    return [Run(source, preset, seed, policy) for source in sources for seed in seeds for preset in PRESETS]


def observe(run: Run) -> Verdict:
    """Simulate and judge one run. A pure function of the run, the models and the texts."""
    found = material(run.source)
    minutes, rate = PRESETS[run.preset]
    config = hard_config(
        run.seed, tag_names(), minutes=minutes, rate=rate, languages=found.languages, slow=run.preset == SLOW
    )
    simulation = Simulation(config, found.texts)
    replay = Replay(
        range(config.partitions), _policy(run.policy), found.scorer, shards=_SHARDS, early=True, flush_ms=_FLUSH_MS
    )
    decisions = [one for one in replay.run(_records(simulation.lines())) if isinstance(one, Decision)]
    end_ms = config.start_ms + config.duration_ms
    return judge(
        simulation.truth()["tags"], decisions, end_ms, {"source": run.source, "preset": run.preset, "seed": run.seed}
    )


@lru_cache(maxsize=1)
def _policy(path: Path) -> Policy:
    return parse_policy(path.read_bytes(), str(path))


def _records(entries: Iterable[SimulatedRecord]) -> Iterator[LogRecord]:
    return (
        LogRecord(entry.partition, entry.offset, entry.log_time_ms, entry.key_bytes, entry.payload) for entry in entries
    )
