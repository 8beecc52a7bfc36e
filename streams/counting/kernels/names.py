"""Table of names, numbered in the order in which they first occur: open addressing over lines in one arena.

Senders choose the names. So the hash has a secret key of each table (SipHash-1-3):
without it a sender could make names that all fall into one slot.
"""

from __future__ import annotations

import os
from typing import NamedTuple

import numpy as np

from models.compiled import compiled
from streams.counting.kernels.hashes import hash_of
from streams.counting.kernels.lines import LINE_BREAK, Bytes, Ints, UInts

ROWS, NEXT = 0, 1
"""Places in a table's state: its rows, and the next number."""
_LOW = np.uint64(0xFFFFFFFF)
_ONE = np.uint64(1)


class NameTable(NamedTuple):
    """Names as rows. A row that was released stays."""

    arena: Bytes
    """(a,) names, each with a line break."""
    ends: Ints
    """(r + 1,) row i is arena[ends[i]:ends[i + 1]]."""
    numbers: Ints
    """(r,) numbers of the names, ascending."""
    alive: Bytes
    """(r,) 0 for a row that was released."""
    slots: UInts
    """(s,) a power of 2: each is 0, or the row plus one below the first 32 bits of the hash."""
    secret: UInts
    """(2,)"""
    state: Ints
    """(2,)"""


def new_table(rows: int, size: int, number: int) -> NameTable:
    """Return an empty table with room for so many rows, a power of 2, and bytes; its first number is given."""
    secret = np.frombuffer(bytearray(os.urandom(16)), np.uint64)
    return NameTable(
        np.empty(size, np.uint8), np.zeros(rows + 1, np.int64), np.empty(rows, np.int64), np.zeros(rows, np.uint8),
        np.zeros(2 * rows, np.uint64), secret, np.array([0, number]),
    )  # fmt: skip


@compiled
def _place(lines: Bytes, first: int, end: int, hashed: np.uint64, arena: Bytes, ends: Ints, slots: UInts) -> np.int64:
    """Return the slot of a name with its line break, or the free slot for it."""
    size = np.uint64(end - first)
    mask = len(slots) - 1
    at = np.int64(hashed) & mask
    while slots[at]:
        if slots[at] >> np.uint64(32) == hashed >> np.uint64(32):
            there, here, i = np.uint64(ends[np.int64(slots[at] & _LOW) - 1]), np.uint64(first), np.uint64(0)
            while i < size and arena[there + i] == lines[here + i]:
                i += _ONE
            if i == size:  # line breaks included, so that both names end here
                return at
        at = (at + 1) & mask
    return at


@compiled
def number_lines(
    lines: Bytes, begin: np.int64, line_numbers: Ints, done: int, table: NameTable
) -> tuple[np.int64, int]:
    """Look up the numbers of n lines, and add the missing names, until the table is full or all are done.

    Args:
        lines: (b,) read-only.
        begin: where the first line begins that is not done.
        line_numbers: (n,) numbers of the lines, filled in place.
        done: lines that are done.
        table: changed.

    Returns:
        `begin` and `done` of the next call.
    """
    arena, ends, numbers, alive, slots, secret, state = table
    while done < len(line_numbers):
        row, place = state[ROWS], np.uint64(begin)
        while lines[place] != LINE_BREAK:
            place += _ONE
        end = np.int64(place) + 1
        hashed = hash_of(lines, begin, end, secret)
        at = _place(lines, begin, end, hashed, arena, ends, slots)
        named = np.int64(slots[at] & _LOW) - 1
        if named < 0 or not alive[named]:
            if row == len(numbers) or ends[row] + end - begin > len(arena):
                break
            for i in range(begin, end):
                arena[ends[row] + i - begin] = lines[i]
            ends[row + 1] = ends[row] + end - begin
            numbers[row], alive[row] = state[NEXT], 1
            slots[at] = hashed >> np.uint64(32) << np.uint64(32) | np.uint64(row + 1)
            state[ROWS], state[NEXT] = row + 1, state[NEXT] + 1
            named = row
        line_numbers[done] = numbers[named]
        begin, done = end, done + 1
    return begin, done


@compiled
def find_line(line: Bytes, table: NameTable) -> np.int64:
    """Return the number of one name, read-only and with its line break; 0 if it has none."""
    arena, ends, numbers, alive, slots, secret, _ = table
    at = _place(line, 0, len(line), hash_of(line, 0, len(line), secret), arena, ends, slots)
    row = np.int64(slots[at] & _LOW) - 1
    return numbers[row] if row >= 0 and alive[row] else np.int64(0)
