"""Windows of one shard for tests, with the evidence over them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from streams.counting.keys import Tags
from streams.judging.evidence_builder import EvidenceBuilder
from streams.judging.side_inputs.base import SideInput
from streams.windows.key_counter import KeyCounter
from streams.windows.pane import Pane
from streams.windows.window_store import WindowStore
from tests.support.block_counts import Entry
from tests.support.panes import COLUMNS, HASHES, Uses, build


def counts_of(counter: KeyCounter) -> dict[int, int]:
    """Return the counts that are not 0, by key."""
    keys = counter.at_least(1)
    return dict(zip(keys.tolist(), counter.of(keys).tolist(), strict=True))


def evidence_over(
    store: WindowStore, side_inputs: Iterable[SideInput] = (), burst_min_past: int = 1
) -> EvidenceBuilder:
    evidence = EvidenceBuilder(store, COLUMNS, side_inputs)
    settings: Any = SimpleNamespace(
        young_days=30, harmless_below=0.25, burst_min_past=burst_min_past, least_suppress_at=0.5
    )
    evidence.follow_policy(settings)
    return evidence


class WindowHarness:
    """Windows to which a test pushes one pane after another; it remembers all uses and panes."""

    def __init__(
        self,
        windows_ms: list[int],
        *,
        floor: int = 1,
        burst_min_past: int = 1,
        side_inputs: Iterable[SideInput] = (),
        tags: Tags | None = None,
    ) -> None:
        self.tags = tags or Tags()
        self.windows_ms, self.floor, self.burst_min_past = windows_ms, floor, burst_min_past
        self.store = WindowStore(HASHES)
        self.store.arrange(windows_ms, floor)
        self.evidence = evidence_over(self.store, side_inputs, burst_min_past)
        self.uses: list[Uses] = []
        self.panes: list[Pane] = []
        self.minutes: list[Pane] = []

    def push(self, uses: Uses) -> Pane | None:
        number = len(self.uses)
        pane = build(uses, self.tags, number)
        self.uses.append(uses)
        self.panes.append(pane)
        minute = self.store.push(pane)
        self.minutes += [minute] if minute is not None else []
        return minute

    def restarted(self, side_inputs: Iterable[SideInput] = ()) -> EvidenceBuilder:
        """Return the evidence of the next owner, recovered from the published panes and the settled tick."""
        panes = [pane for pane in self.panes if len(pane.keys)]
        store = WindowStore(HASHES)
        store.recover(panes, self.minutes, self.store.end_ms, self.store.minutes_from_ms)
        store.arrange(self.windows_ms, self.floor)
        return evidence_over(store, side_inputs, self.burst_min_past)

    def counts(self, windows_ms: int) -> dict[tuple[str, str], int]:
        window = self.store.windows[windows_ms]
        names = {
            self.tags.key(f"tag{n}", country): (f"tag{n}", country) for n in range(4) for country in ("IN", "US", "*")
        }
        return {names[key]: count for key, count in counts_of(window.counts).items()}


def rows(evidence: EvidenceBuilder) -> dict[int, list[object]]:
    """Return the evidence tables, column by column, as plain values that compare."""
    tables = evidence.tables()
    return {
        window_ms: [plain(getattr(tables[window_ms], one.name)) for one in fields(tables[window_ms])]
        for window_ms in sorted(tables)
    }


def plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return np.nan_to_num(value, nan=-1.0).tolist()
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if is_dataclass(value):
        return [plain(getattr(value, one.name)) for one in fields(value)]
    return value


def one_use(count: int, tag: str = "tag0") -> Uses:
    return {(tag, "IN"): (count, [Entry(count, count, 5, 0, "", f"text {count}")])}
