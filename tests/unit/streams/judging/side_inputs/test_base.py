"""A further side input: the judge and the evidence builder loop over it without other changes."""

from __future__ import annotations

from collections.abc import Iterable

from streams.judging.log_position import LogPosition
from streams.judging.recovered_state import RecoveredState
from streams.judging.side_inputs.base import SideInput
from streams.log.account_facts import FactsMark
from streams.log.partials import Partial
from streams.windows.window_store import WindowStore
from tests.support.judge_harness import JudgeHarness


class ToySideInput(SideInput):
    """Counts marks, publishes their number with the pane of the watermark, and recovers it."""

    def __init__(self) -> None:
        super().__init__()
        self.marks = self.pending = 0
        self.pruned: list[tuple[int, int]] = []

    def apply(self, record: Partial, position: LogPosition) -> Iterable[int]:
        if not isinstance(record, FactsMark):
            return ()
        self.pending += 1
        return (max(position.watermark_ms, 0) // 10_000,)

    def settle(self, pane: int, store: WindowStore) -> Iterable[bytes]:
        published, self.pending = [b"toy"] * self.pending, 0
        self.marks += len(published)
        self.counts["toys"] += len(published)
        return published

    def recover(self, state: RecoveredState) -> None:
        self.marks = state.side_records.count(b"toy")

    def prune(self, tick_ms: int, kept_from_ms: int) -> None:
        self.pruned.append((tick_ms, kept_from_ms))


def with_toy(harness: JudgeHarness) -> ToySideInput:
    toy = ToySideInput()
    harness.judge.state.side_inputs.append(toy)
    return toy


def test_judge_drives_a_further_side_input():
    harness = JudgeHarness()
    toy = with_toy(harness)
    harness.count(0, good=1, watermark_ms=5_000)
    harness.mark(0)
    at = harness.offset
    harness.count(1, good=1)
    harness.advance(10_000)
    assert harness.side_records == [[b"toy"]] and harness.progress.replay_offset > at
    harness.mark(0)
    assert toy.pending == 1
    harness.advance(20_000)
    assert harness.judge.state.take_counts()["toys"] == 2 and [tick_ms for tick_ms, _ in toy.pruned] == [0, 0]

    judge = harness.new_judge()
    toy = ToySideInput()
    judge.state.side_inputs.append(toy)
    judge.state.recover(harness.recovered_state(judge))
    assert toy.marks == 2
