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
from tests.fault.cluster import ClusterWorld
from tests.fault.plan import Plan
from tests.fault.play import Result, play
from tests.fault.world import World

_world: World | None = None
_scorer = None


def run(base: Path, schedule: Plan) -> Result:
    """Run one schedule in a lane's process; a lane has either a broker or a cluster."""
    global _world, _scorer
    if _world is None:
        _world = (ClusterWorld if schedule.cluster else World)(base / f"lane{os.getpid()}")
        Finalize(_world, _world.stop, exitpriority=10)
        _scorer = load_text_scorer()
    return play(_world, schedule, _scorer)


@contextmanager
def lanes(base: Path, schedules: Iterable[Plan], count: int) -> Iterator[dict[int, Future[Result]]]:
    """Yield the results of the schedules by seed, as they arrive."""
    pool = ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn"))
    try:
        yield {one.seed: pool.submit(run, base, one) for one in schedules}
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
