"""Numbers of hashtags' spellings, in a compiled table. A spelling that the table does not have is normalised here."""

from __future__ import annotations

import secrets

import numpy as np
import numpy.typing as npt

from streams.events.canonical import canonical
from streams.events.grammar import extract_hashtags
from streams.events.kernels.spelling_table import (
    BEGIN,
    COLUMNS,
    END,
    FORM,
    JUDGED,
    Table,
    fill_slots,
    number_plain,
    slot_of,
)
from streams.events.tweet_columns import FROM_TEXT, NEW, SLOW, SPAN_BEGIN, SPAN_END, SPELLING, STATUS

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

INVALID = -1
"""`FORM` of a spelling that is no hashtag."""


class SpellingTable:
    """Spellings, without their #, and their normal forms, numbered in one sequence. A number is never reused.

    >>> spellings = SpellingTable()
    >>> number, form = spellings.add(b"Monsoon"), spellings.add(b"monsoon")
    >>> spellings.form(number) == form, spellings.text(form)
    (True, b'monsoon')
    """

    def __init__(self) -> None:
        secret = np.array([secrets.randbits(64), secrets.randbits(63) << 1 | 1], np.uint64)
        entries, arena = np.empty((1 << 11, COLUMNS), np.int64), np.empty(1 << 15, np.uint8)
        self.table = Table(np.full(1 << 12, -1), entries, arena, secret)
        self._odd_forms: dict[str, int] = {}
        """Normal forms that are no spelling of their own, such as those with a space."""
        self._used: Ints = np.zeros(2, np.int64)
        """Entries and bytes in use."""

    def __len__(self) -> int:
        return int(self._used[0])

    @property
    def size_bytes(self) -> int:
        """Bytes of all spellings."""
        return int(self._used[1])

    def form(self, number: int) -> int:
        """Return the number of a spelling's normal form; `INVALID` if it is no hashtag."""
        return int(self.table.entries[number, FORM])

    def text(self, number: int) -> bytes:
        """Return the bytes of a spelling."""
        begin, end = self.table.entries[number, :FORM].tolist()
        text: bytes = self.table.arena[begin:end].tobytes()
        return text

    def ranges(self, numbers: Ints) -> tuple[Ints, Ints]:
        """Return the byte ranges (n,), (n,) of spellings (n,) in the table's arena."""
        return self.table.entries[numbers, BEGIN], self.table.entries[numbers, END]

    def learn(self, data: bytes, fields: Ints, spans: Ints) -> None:
        """Number the spellings of tweets; see `streams.events.kernels.spelling_table.number_plain`."""
        view, span = np.frombuffer(data, np.uint8), 0
        while (span := number_plain(view, fields, spans, span, self.table, self._used)) < len(spans):
            self._reserve(2, 2 * int(spans[span, SPAN_END] - spans[span, SPAN_BEGIN]))
        for span in np.flatnonzero(spans[:, SPELLING] == NEW).tolist():
            begin, end, _, row = spans[span].tolist()
            number = spans[span, SPELLING] = self.add(data[begin:end])
            if fields[row, FROM_TEXT] and not self.table.entries[number, JUDGED]:
                fields[row, STATUS] = SLOW

    def add(self, spelling: bytes) -> int:
        """Return the number of a spelling in UTF-8, and assign one if it has none."""
        data = np.frombuffer(spelling, np.uint8)
        self._reserve(1, len(data))
        slot = slot_of(data, 0, len(data), self.table)
        if self.table.slots[slot] >= 0:
            return int(self.table.slots[slot])
        display = spelling.decode()
        hashtag = canonical(display)
        number = self._append(data, [use.display for use in extract_hashtags("#" + display)] == [display])
        self.table.slots[slot] = number
        if hashtag:
            self.table.entries[number, FORM] = number if hashtag == display else self._form(hashtag)
        return number

    def _form(self, hashtag: str) -> int:
        if canonical(hashtag) == hashtag:
            return self.add(hashtag.encode())
        number = self._odd_forms.get(hashtag)
        if number is None:
            number = self._odd_forms[hashtag] = self._append(np.frombuffer(hashtag.encode(), np.uint8), judged=False)
        return number

    def _append(self, data: Bytes, judged: bool) -> int:
        self._reserve(1, len(data))
        number, begin = int(self._used[0]), int(self._used[1])
        self._used += 1, len(data)
        self.table.arena[begin : begin + len(data)] = data
        self.table.entries[number] = begin, begin + len(data), INVALID, judged
        return number

    def _reserve(self, more: int, more_bytes: int) -> None:
        """Make room for more entries and bytes, and keep half of the slots empty."""
        table, entries, size_bytes = self.table, len(self) + more, self.size_bytes + more_bytes
        if entries > len(table.entries):
            table = table._replace(entries=np.resize(table.entries, (2 * entries, COLUMNS)))
        if size_bytes > len(table.arena):
            table = table._replace(arena=np.resize(table.arena, 2 * size_bytes))
        if 2 * entries > len(table.slots):
            table = table._replace(slots=np.full(1 << (2 * entries).bit_length(), -1))
            odd = np.isin(np.arange(len(self)), list(self._odd_forms.values()))
            fill_slots(table, np.flatnonzero(~odd))
        self.table = table
