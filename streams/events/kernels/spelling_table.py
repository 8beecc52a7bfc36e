"""An open-addressing table from the bytes of a spelling to its number; see `streams.events.spellings`."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from models.compiled import compiled
from streams.events.canonical import MAX_HASHTAG
from streams.events.kernels.members import same_bytes
from streams.events.tweet_columns import NEW, SPAN_BEGIN, SPAN_END, SPELLING

BEGIN, END, FORM, JUDGED = range(4)
"""Columns of an entry: the bytes of its spelling, the number of its normal form (-1: invalid), and whether the grammar
finds the spelling as a whole in a text."""
COLUMNS = 4


class Table(NamedTuple):
    """Arrays of the table.

    Senders choose the spellings, so the hash has two secret words of each process: no sender can fill one slot.
    """

    slots: Any
    """(s,) int64, s a power of 2: numbers of entries, -1 for an empty slot. At least half are empty."""
    entries: Any
    """(e, COLUMNS) int64."""
    arena: Any
    """(a,) uint8, the bytes of all entries."""
    secret: Any
    """(2,) uint64, the second one odd."""


@compiled
def slot_of(data: Any, begin: Any, end: Any, table: Any) -> Any:
    """Return the slot of the spelling data[begin:end]: the one that has it, or the empty one where it belongs."""
    slots, entries, arena = table.slots, table.entries, table.arena  # each look into a tuple counts a reference
    mixed, factor = table.secret[0], table.secret[1]
    for place in range(begin, end):
        mixed = (mixed ^ np.uint64(data[np.uint64(place)])) * factor
        mixed ^= mixed >> np.uint64(29)
    last = len(slots) - 1
    slot = np.int64(mixed >> np.uint64(32)) & last
    while slots[slot] >= 0:
        entry = slots[slot]
        first, size = entries[entry, BEGIN], entries[entry, END] - entries[entry, BEGIN]
        if size == end - begin and same_bytes(data, begin, arena, first, size):
            return slot
        slot = (slot + 1) & last
    return slot


@compiled
def fill_slots(table: Any, numbers: Any) -> None:
    """Enter the entries with these numbers (n,) int64 into empty slots."""
    for entry in numbers:
        table.slots[slot_of(table.arena, table.entries[entry, BEGIN], table.entries[entry, END], table)] = entry


@compiled
def _append(data: Any, begin: Any, end: Any, lower: Any, table: Any, used: Any) -> Any:
    """Append an entry that is its own normal form, in lower case if asked; return its number."""
    number, first = used[0], used[1]
    for place in range(end - begin):
        byte = data[begin + place]
        table.arena[first + place] = byte | 32 if lower and 65 <= byte <= 90 else byte
    table.entries[number, BEGIN], table.entries[number, END] = first, first + end - begin
    table.entries[number, FORM], table.entries[number, JUDGED] = number, 1
    used[0], used[1] = number + 1, first + end - begin
    return number


@compiled
def _plain(data: Any, begin: Any, end: Any) -> Any:
    """Return 0 for a spelling that Python must normalise, 1 for one of a-z, 0-9 and _, 2 for one with capitals."""
    letters, capitals = 0, 0
    for place in range(begin, end):
        byte = data[place]
        if 65 <= byte <= 90:
            capitals += 1
        elif 97 <= byte <= 122:
            letters += 1
        elif not (48 <= byte <= 57 or byte == 95):
            return 0
    return 0 if letters + capitals == 0 or end - begin > MAX_HASHTAG else 2 if capitals else 1


@compiled
def learn_plain(data: Any, spans: Any, table: Any, used: Any) -> Any:
    """Number the new spellings of ASCII letters, digits and _, with a letter: `canonical` makes them lower case.

    Args:
        data: (b,) uint8, read-only, with the spellings.
        spans: (s, SPANS) int64; see `streams.events.tweet_columns`. New spellings that are not plain stay new.
        table: the table, with room for two of each new spelling.
        used: (2,) int64, the numbers of entries and of bytes in use; changed.

    Returns:
        Whether any spelling stays new.
    """
    remain = False
    for row in range(len(spans)):
        if spans[row, SPELLING] != NEW:
            continue
        begin, end = spans[row, SPAN_BEGIN], spans[row, SPAN_END]
        slot = slot_of(data, begin, end, table)
        if table.slots[slot] < 0:
            plain = _plain(data, begin, end)
            if plain == 0:
                remain = True
                continue
            number = table.slots[slot] = _append(data, begin, end, False, table, used)
            if plain == 2:
                form = _append(data, begin, end, True, table, used)
                of_form = slot_of(table.arena, table.entries[form, BEGIN], table.entries[form, END], table)
                if table.slots[of_form] < 0:
                    table.slots[of_form] = form
                else:
                    used[0], used[1] = form, table.entries[form, BEGIN]
                table.entries[number, FORM] = table.slots[of_form]
        spans[row, SPELLING] = table.slots[slot]
    return remain
