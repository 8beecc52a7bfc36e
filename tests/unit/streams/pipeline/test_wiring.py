"""The parts of a worker that its stages share."""

from __future__ import annotations

import pytest

from models.compiled import KernelCounts
from streams.pipeline import wiring


@pytest.mark.parametrize(("loaded", "compiled", "late"), [(4, 1, 0), (4, 2, 1), (5, 1, 1), (6, 3, 4)])
def test_late_kernels_count_wherever_their_code_comes_from(
    monkeypatch: pytest.MonkeyPatch, loaded: int, compiled: int, late: int
) -> None:
    """Another process may have left the code on the disk; elsewhere it would be compiled."""
    counts = KernelCounts(kernels=9, loaded=loaded, compiled=compiled, unsaved=0)
    monkeypatch.setattr(wiring, "kernel_counts", lambda: counts)
    assert wiring.late_kernels(KernelCounts(kernels=9, loaded=4, compiled=1, unsaved=0)) == late


@pytest.mark.parametrize(("cores", "shards", "threads"), [(1, 8, 2), (4, 8, 4), (64, 8, 8), (64, 1, 2)])
def test_judge_threads_follow_cores_and_shards(
    monkeypatch: pytest.MonkeyPatch, cores: int, shards: int, threads: int
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(cores)))
    assert wiring.judge_threads(shards) == threads
