"""An open-addressing table from the bytes of a spelling to its number; see `streams.events.spellings`."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from models.compiled import compiled
from streams.events.canonical import MAX_HASHTAG
from streams.events.kernels.runs import same_bytes
from streams.events.tweet_columns import FROM_TEXT, NEW, OF_ROW, SLOW, SPAN_BEGIN, SPAN_END, SPELLING, STATUS

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
def number_plain(data: Any, fields: Any, spans: Any, first: Any, table: Any, used: Any) -> Any:
    """Number spellings: those of the table, and new ones of ASCII letters, digits and _, with a letter.

    `canonical` makes such a new spelling lower case. A tweet whose hashtags are from its text becomes `SLOW` if the
    grammar may not find one of them as a whole.

    Args:
        data: (b,) uint8, read-only, with the spellings.
        fields: (n, FIELDS) int64 of the tweets; changed.
        spans: (s, SPANS) int64; see `streams.events.tweet_columns`. New spellings that are not plain stay new.
        first: the first span.
        table: the table.
        used: (2,) int64, the numbers of entries and of bytes in use; changed.

    Returns:
        The first span that was not looked at, since the table may have no room; the number of spans if there is none.
    """
    for span in range(first, len(spans)):
        if spans[span, SPELLING] != NEW:
            continue
        begin, end = spans[span, SPAN_BEGIN], spans[span, SPAN_END]
        if 2 * (used[0] + 2) > len(table.slots) or used[0] + 2 > len(table.entries):
            return span
        if used[1] + 2 * (end - begin) > len(table.arena):
            return span
        slot = slot_of(data, begin, end, table)
        if table.slots[slot] < 0:
            plain = _plain(data, begin, end)
            if plain == 0:
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
        spans[span, SPELLING] = table.slots[slot]
        if table.entries[spans[span, SPELLING], JUDGED] == 0 and fields[spans[span, OF_ROW], FROM_TEXT]:
            fields[spans[span, OF_ROW], STATUS] = SLOW
    return len(spans)
