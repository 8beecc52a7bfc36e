"""Last counts of the open blocks, and one pass that finds what each new count adds to them.

The table has a row of six columns a slot, with linear probing. It has the counts of all sources. A block that ends
releases nothing: a count of another block than the open one of its source is as good as absent, and goes when the table
is rebuilt.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.compiled import compiled
from streams.counting.block_counts import Ints
from streams.counting.kernels.hashes import GOLDEN

SOURCE, BLOCK, PANE, KEY, COUNT, ROW = 0, 1, 2, 3, 4, 5
"""Columns of the table: number of the source, -1 in a free slot; block, pane, key; count, and its row in the pane."""
COLUMNS = 6
NO_ROW = -1
"""Row of a count of a settled pane."""
END, OF_SOURCE, OPEN_BLOCK, SAME_RULES, IS_WHOLE, OLD_BLOCK = 0, 1, 2, 3, 4, 5
"""Columns of the records: end of its counts; number and open block of its source before it, whether that is counted
by the rules of the record, and known from its start; greatest block that may not be known from its start."""


@compiled
def place(table: Ints, source: int, pane: int, key: int) -> np.int64:
    """Return the slot of a source's count, or the free slot for it."""
    mask = len(table) - 1
    mixed = (np.uint64(key) * GOLDEN ^ np.uint64(pane)) * GOLDEN ^ np.uint64(source)
    mixed *= GOLDEN
    at = np.int64((mixed ^ (mixed >> np.uint64(32))) & np.uint64(mask))
    while table[at, SOURCE] != -1 and not (
        table[at, SOURCE] == source and table[at, PANE] == pane and table[at, KEY] == key
    ):
        at = (at + 1) & mask
    return at


@compiled
def refill(table: Ints, rows: Ints) -> None:
    """Put rows (n, 6) into an empty table."""
    for row in rows:
        table[place(table, row[SOURCE], row[PANE], row[KEY])] = row


@compiled
def count_records(
    table: Ints,
    records: Ints,
    keys: Ints,
    panes: Ints,
    blocks: Ints,
    counts: npt.NDArray[np.uint32],
    settled: int,
    open_panes: Ints,
    next_rows: Ints,
    rises: Ints,
    replaced: Ints,
) -> tuple[int, int, int]:
    """Count the block counts of records in their order, each against the last count in its open block.

    Args:
        table: last counts; it has room for as many more as there are counts of the last block of their record.
        records: (m, 6) see `END` and the others.
        keys: (r,) hashtag and country of each block count.
        panes: (r,)
        blocks: (r,) ascending in a record.
        counts: (r,) tweets so far.
        settled: greatest settled pane.
        open_panes: (p,) panes to which the counts may be added, ascending: late ones go to the first that is open.
        next_rows: (p,) rows of each of these panes; raised by the rows that are added.
        rises: (5, r) receives the counts that add something: number of each, place in `open_panes`, key, tweets that it
            adds, and tweets of its new row.
        replaced: (r, 2) receives (place, row) of the rows that greater counts replace.

    Returns:
        How many counts add something, how many rows are replaced, and how many counts came after their pane had
        settled.
    """  # fmt: skip
    n_rises, n_replaced, n_late, first = 0, 0, 0, 0
    for record in records:
        source, open_block = record[OF_SOURCE], record[OPEN_BLOCK]
        last = max(open_block, blocks[record[END] - 1])
        for i in range(first, record[END]):
            is_open, is_late = blocks[i] == open_block, panes[i] <= settled
            if blocks[i] < open_block or (is_open and not record[SAME_RULES]):
                continue
            is_whole = record[IS_WHOLE] != 0 if is_open else blocks[i] > record[OLD_BLOCK]
            at = place(table, source, panes[i], keys[i])
            added, before = np.int64(counts[i]), NO_ROW
            if is_open and table[at, SOURCE] == source and table[at, BLOCK] == open_block:
                added, before = added - table[at, COUNT], table[at, ROW]
            if added <= 0 or (is_late and not is_whole):
                continue
            pane = 0 if is_late else np.searchsorted(open_panes, panes[i])
            row = NO_ROW if is_late else next_rows[pane]
            next_rows[pane] += 1
            rises[0, n_rises], rises[1, n_rises], rises[2, n_rises] = i, pane, keys[i]
            rises[3, n_rises], rises[4, n_rises] = added, added if is_late else np.int64(counts[i])
            n_rises, n_late = n_rises + 1, n_late + is_late
            if before != NO_ROW and not is_late:
                replaced[n_replaced, 0], replaced[n_replaced, 1] = pane, before
                n_replaced += 1
            if blocks[i] == last:
                table[at, SOURCE], table[at, BLOCK], table[at, PANE] = source, blocks[i], panes[i]
                table[at, KEY], table[at, COUNT], table[at, ROW] = keys[i], counts[i], row
        first = record[END]
    return n_rises, n_replaced, n_late
