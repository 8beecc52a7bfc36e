"""Compiles the kernels of a judge, or reads them from disk, before a tick waits for them."""

from __future__ import annotations

import numpy as np

from streams.constants import MINUTE_MS, PANE_MS
from streams.counting.kernels.warm_up import warm_up_names
from streams.counting.sketch import KeyedHash
from streams.judging.evidence_builder import EvidenceBuilder
from streams.judging.kernels.equal_pairs import equal_pairs
from streams.log.kernels.warm_up import warm_up as warm_up_panes
from streams.windows.kernels.warm_up import warm_up as warm_up_windows
from streams.windows.key_counter import KeyCounter
from streams.windows.pane import Pane
from streams.windows.spellings import Spellings
from streams.windows.window_store import WindowStore


def warm_up() -> None:
    """Judge the tweet of one author; this takes seconds on a machine that has compiled no kernel before."""
    warm_up_names()
    hashes = KeyedHash(b"")
    hashes.authors([1])
    store = WindowStore(hashes)
    store.arrange([MINUTE_MS], floor=1)
    one = Pane(
        start_ms=0, length_ms=PANE_MS, keys=np.ones(1, np.int64), counts=np.ones(1, np.int64),
        displays=Spellings.of(["a"]),
        bounds=np.array([0, 1]), author=np.ones(1, np.uint64), tweet=np.ones(1, np.int64),
        origin=np.zeros(1, np.int64), age_days=np.zeros(1, np.int32), flags=np.zeros(1, np.uint8),
        copy=np.ones(1, np.uint32), scores=np.zeros((1, 1), np.float32),
    )  # fmt: skip
    store.push(one)
    for table in EvidenceBuilder(store, 1).tables().values():
        table.everyone.bounds(0, 0.9)
    counter = KeyCounter()
    warm_up_windows()
    one_key = np.ones(1, np.int64)
    counter.over(one_key, 1, counter)  # as early looks call it
    one.tweets(one_key)
    equal_pairs(one_key, one_key)  # as side inputs call it
    warm_up_panes()
