"""Compiles the passes over records of counts and panes, or reads them from disk, before a tick or a restart waits."""

from __future__ import annotations

import numpy as np

from streams.constants import PANE_MS
from streams.counting.block_counts import RULES, Flush
from streams.counting.keys import Tags
from streams.counting.sketch import KeyedHash
from streams.log.pane_assembly import assemble
from streams.log.panes import decode_pane_record, encode_pane
from streams.log.partials import decode_partial, encode_partial
from streams.windows.pane import Pane, merge_panes
from streams.windows.spellings import Spellings


def warm_up() -> None:
    """Decode two block counts; merge, encode and assemble the pane of one tweet."""
    decode_partial(encode_partial(Flush(
        "", 0, 1, RULES, 0, -1, -1, hashtags=b"a\nb\n", countries=b"\1\0" * 2, panes=bytes(16), blocks=bytes(16),
        counts=bytes(8), sizes=bytes(8),
    )))  # fmt: skip
    tags = Tags()
    pane = Pane(
        start_ms=0, length_ms=PANE_MS, keys=np.array([tags.key("a", "")]), counts=np.ones(1, np.int64),
        displays=Spellings.of(["A"]),
        bounds=np.array([0, 1]), author=np.ones(1, np.uint64), tweet=np.ones(1, np.int64),
        origin=np.zeros(1, np.int64), age_days=np.zeros(1, np.int32), flags=np.zeros(1, np.uint8),
        copy=np.zeros(1, np.uint32), scores=np.full((1, 1), np.nan, np.float32),
    )  # fmt: skip
    minute = merge_panes([pane, pane], 0, KeyedHash(b""))
    assemble(map(decode_pane_record, encode_pane(minute, 0, tags)), tags)
