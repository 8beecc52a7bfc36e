"""Table of names, numbered in the order in which they first occur: open addressing over lines in one arena.

A row is a name: `arena[ends[row]:ends[row + 1]]` with a line break, and `numbers[row]`, ascending. A released row stays
until the table is compacted. A slot is 0, or the row plus one, below the first 32 bits of the hash.

Senders choose the names. So the hash has a secret key of each process (SipHash-1-3):
without it a sender could make names that all fall into one slot.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.compiled import compiled
from streams.counting.kernels.hashes import hash_of
from streams.counting.kernels.lines import LINE_BREAK, Bytes, Ints

UInts = npt.NDArray[np.uint64]
ROWS, NEXT, POSITION, DONE = 0, 1, 2, 3
"""Places in a table's state: rows, next number; bytes and lines that `number_lines` has read."""
_LOW = np.uint64(0xFFFFFFFF)
_ONE = np.uint64(1)


@compiled
def _shift(slots: int) -> np.uint64:
    """Return by how much a hash is shifted to give a slot: slots are a power of 2, and in the order of the hashes."""
    shift = 64
    while slots > 1:
        shift, slots = shift - 1, slots // 2
    return np.uint64(shift)


@compiled
def _place(
    lines: Bytes, first: int, end: int, hashed: np.uint64, arena: Bytes, ends: Ints, slots: UInts, shift: np.uint64
) -> np.int64:
    """Return the slot of a name with its line break, or the free slot for it."""
    mask, size = len(slots) - 1, np.uint64(end - first)
    at = np.int64(hashed >> shift)
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
    lines: Bytes,
    found: Ints,
    arena: Bytes,
    ends: Ints,
    numbers: Ints,
    alive: Bytes,
    slots: UInts,
    secret: UInts,
    state: Ints,
) -> None:
    """Write the numbers (n,) of n lines to `found`, and add the missing names, until the table is full or all are done.

    The caller makes room and calls again until `state[DONE]` is n. `lines` is read-only.
    """  # fmt: skip
    shift = _shift(len(slots))
    while state[DONE] < len(found):
        first, row = state[POSITION], state[ROWS]
        place = np.uint64(first)
        while lines[place] != LINE_BREAK:
            place += _ONE
        end = np.int64(place) + 1
        hashed = hash_of(lines, first, end, secret)
        at = _place(lines, first, end, hashed, arena, ends, slots, shift)
        named = np.int64(slots[at] & _LOW) - 1
        if named < 0 or not alive[named]:
            if row == len(numbers) or ends[row] + end - first > len(arena):
                return
            for i in range(first, end):
                arena[ends[row] + i - first] = lines[i]
            ends[row + 1] = ends[row] + end - first
            numbers[row], alive[row] = state[NEXT], 1
            slots[at] = hashed >> np.uint64(32) << np.uint64(32) | np.uint64(row + 1)
            state[ROWS], state[NEXT] = row + 1, state[NEXT] + 1
            named = row
        found[state[DONE]] = numbers[named]
        state[POSITION], state[DONE] = end, state[DONE] + 1


@compiled
def find_line(line: Bytes, arena: Bytes, ends: Ints, alive: Bytes, slots: UInts, secret: UInts) -> np.int64:
    """Return the row of one name, read-only and with its line break; -1 if it has none."""
    hashed = hash_of(line, 0, len(line), secret)
    at = _place(line, 0, len(line), hashed, arena, ends, slots, _shift(len(slots)))
    row = np.int64(slots[at] & _LOW) - 1
    return row if row >= 0 and alive[row] else np.int64(-1)


@compiled
def find_rows(asked: Ints, numbers: Ints, rows: int) -> Ints:
    """Return the rows (n,) of numbers (n,), each of which has one; neighbours in order are found fastest."""
    found = np.empty(len(asked), np.int64)
    low = 0
    for i in range(len(asked)):
        number = asked[i]
        if number <= rows and numbers[number - 1] == number:  # none was released below it
            found[i] = number - 1
            continue
        if low >= rows or numbers[low] > number:
            low = 0
        step = 1
        while low + step < rows and numbers[low + step] <= number:
            low += step
            step *= 2
        while step:
            if low + step < rows and numbers[low + step] <= number:
                low += step
            step //= 2
        found[i] = low
    return found


@compiled
def compact(arena: Bytes, ends: Ints, numbers: Ints, alive: Bytes, state: Ints) -> None:
    """Move the rows that are alive to the front, in place."""
    kept = 0
    for row in range(state[ROWS]):
        if alive[row]:
            first, end = ends[row], ends[row + 1]
            for i in range(end - first):
                arena[ends[kept] + i] = arena[first + i]
            ends[kept + 1] = ends[kept] + end - first
            numbers[kept] = numbers[row]
            kept += 1
    alive[:kept] = 1
    state[ROWS] = kept


@compiled
def refill_slots(old: UInts, slots: UInts, moved: Ints) -> None:
    """Fill empty slots with the rows (r,) of other slots: `moved` has the new number of each plus one, 0 to drop it.

    Both are in the order of the hashes, so each is passed over once.
    """
    mask, shift = len(slots) - 1, _shift(len(slots))
    for slot in old:
        row = moved[np.int64(slot & _LOW) - 1] if slot else 0
        if row:
            at = np.int64(slot >> shift)
            while slots[at]:
                at = (at + 1) & mask
            slots[at] = slot >> np.uint64(32) << np.uint64(32) | np.uint64(row)
