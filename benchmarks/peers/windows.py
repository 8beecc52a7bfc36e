"""Definition of the job: a window's rows, counted the obvious way, and the comparison with a peer's rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

PANE_MS = 10_000
WINDOW_PANES = 60
LATENESS_MS = 5_000
FLOOR = 50
"""Uses that a hashtag needs in a window to get a row."""

Uses = dict[tuple[str, str], dict[int, int]]
"""(hashtag, country) to pane number to uses; a pane's number is its start over `PANE_MS`."""


class Row(NamedTuple):
    """Uses of a hashtag in a country in the window that ends before `window_end_ms`."""

    hashtag: str
    country: str
    window_end_ms: int
    count: int


def row_bytes(row: Row) -> bytes:
    """Encode a row as every peer writes it."""
    return json.dumps(row._asdict()).encode()


def read_row(value: bytes) -> Row:
    """Decode a row for the check."""
    return Row(**json.loads(value))


def last_closed_ms(newest_ms: Iterable[int]) -> int:
    """End of the last window that the watermark has passed.

    Args:
        newest_ms: the greatest time in each partition.

    >>> last_closed_ms([38_000, 36_000])
    30000
    """
    return (min(newest_ms) - LATENESS_MS) // PANE_MS * PANE_MS


def rows_of_windows(uses: Uses, until_ms: int) -> Iterator[Row]:
    """Every row of every window that ends at `until_ms` or before.

    >>> list(rows_of_windows({("tag", "IN"): {0: 60}}, 20_000))[1]
    Row(hashtag='tag', country='IN', window_end_ms=20000, count=60)
    """
    for (hashtag, country), panes in uses.items():
        if sum(panes.values()) < FLOOR:
            continue
        count = 0
        for pane in range(min(panes), max(panes) + WINDOW_PANES):
            count += panes.get(pane, 0) - panes.get(pane - WINDOW_PANES, 0)
            end_ms = (pane + 1) * PANE_MS
            if count >= FLOOR and end_ms <= until_ms:
                yield Row(hashtag, country, end_ms, count)


@dataclass(frozen=True)
class Exactness:
    """Comparison of a peer's windows with the plain count."""

    windows: int
    exact: int
    """Windows with all rows, no other rows, and every count equal."""
    rows: int
    right: int
    """Rows of the plain count that the peer has too, with the same count."""


def compare(expected: Iterable[Row], actual: Iterable[Row], until_ms: int, advance_ms: int = PANE_MS) -> Exactness:
    """Hold a peer's rows against the plain count, up to `until_ms`; of rows sent twice the last one counts.

    Args:
        expected: rows of the plain count.
        actual: rows of the peer, in the order of their output.
        until_ms: end of the last window that is compared.
        advance_ms: from a window to the next; rows of windows in between are not looked at.

    >>> compare([Row("a", "IN", 10_000, 60)], [Row("a", "IN", 10_000, 57)], 10_000)
    Exactness(windows=1, exact=0, rows=1, right=0)
    """

    def looked_at(rows: Iterable[Row]) -> dict[tuple[str, str, int], int]:
        ends = [row for row in rows if row.window_end_ms <= until_ms and not row.window_end_ms % advance_ms]
        return {(row.hashtag, row.country, row.window_end_ms): row.count for row in ends}

    right, theirs = looked_at(expected), looked_at(actual)
    windows = {end_ms for _, _, end_ms in right}
    wrong = {key for key in right.keys() | theirs.keys() if right.get(key) != theirs.get(key)}
    return Exactness(
        windows=len(windows),
        exact=len(windows - {end_ms for _, _, end_ms in wrong}),
        rows=len(right),
        right=len(right.keys() - wrong),
    )
