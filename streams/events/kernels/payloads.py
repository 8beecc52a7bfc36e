# ruff: noqa: I001  # constants in rows, not one a line
"""Read the payloads of a batch into columns.

A payload that is unusual in any way stays `SLOW`: it has an escape in a value that is read, a repeated member, a value
of another type or out of range, a link that needs parsing, or a hashtag that only the grammar can find.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from models.compiled import compiled
from streams.events.kernels.members import (
    ABSENT, CREATED_AT, CREATED_AT_MS, DEPTH, OBJECT, SLOTS, STRING, TYPE, USER, find_members, is_utf8,
)  # fmt: skip
from streams.events.kernels.native import read_native
from streams.events.kernels.twitter_v1 import read_v1
from streams.events.tweet_columns import FAST, SLOW, STATUS

MOST_BYTES = 16_384
"""Longest payload that is read here; no text of it exceeds the grammar's limit."""


@compiled
def read_payloads(data: Any, ranges: Any, table: Any, fields: Any, spans: Any) -> Any:
    """Read payloads into columns.

    Args:
        data: (b,) uint8, read-only.
        ranges: (n, 2) int64 byte ranges of the payloads; -1 for none.
        table: the spelling table.
        fields: (n, FIELDS) int64, to be filled.
        spans: (s, SPANS) int64, to be filled with the hashtags and the hosts of each tweet.

    Returns:
        The number of spans.
    """
    n = np.int64(0)
    found, stack = np.empty((SLOTS, 3), np.int64), np.empty((DEPTH, 2), np.int64)
    for row in range(len(ranges)):
        fields[row, STATUS] = SLOW
        at, end = ranges[row, 0], ranges[row, 1]
        if at < 0 or end - at > MOST_BYTES:
            continue
        found[:, TYPE] = ABSENT
        if find_members(data, at, end, 0, found, stack) != end or not is_utf8(data, at, end):
            continue
        if found[CREATED_AT_MS, TYPE] != ABSENT:
            after = read_native(data, at, end, found, table, fields, spans, n, row)
        elif found[USER, TYPE] == OBJECT and found[CREATED_AT, TYPE] == STRING:
            after = read_v1(data, end, found, stack, table, fields, spans, n, row)
        else:
            continue
        if after >= 0:
            n = after
            fields[row, STATUS] = FAST
    return n
