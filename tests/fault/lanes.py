"""Parallel schedules: a lane is a process with its servers, which its schedules use one after another."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.util import Finalize
from pathlib import Path

from streams.scoring import load_text_scorer
from tests.fault.play import Result, play
from tests.fault.world import World

_world: World | None = None
_scorer = None


def run_seed(base: Path, seed: int) -> Result:
    """Run one schedule in a lane's process."""
    global _world, _scorer
    if _world is None:
        _world = World(base / f"lane{os.getpid()}")
        Finalize(_world, _world.stop, exitpriority=10)
        _scorer = load_text_scorer()
    return play(_world, seed, _scorer)


@contextmanager
def lanes(base: Path, seeds: Iterable[int], count: int) -> Iterator[dict[int, Future[Result]]]:
    """Yield the results of the seeds as they arrive."""
    pool = ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn"))
    try:
        yield {seed: pool.submit(run_seed, base, seed) for seed in seeds}
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
