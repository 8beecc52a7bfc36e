"""Spellings of hashtags and their normal forms, in one table of names."""

from __future__ import annotations

from string import ascii_lowercase, ascii_uppercase, digits

import numpy as np
import numpy.typing as npt

from streams.counting.columns import GrowingColumns
from streams.counting.kernels.lines import write_lines
from streams.counting.keys import COUNTRY_BITS, Tags
from streams.events.grammar import MAX_HASHTAG, canonical, extract_hashtags
from streams.events.tweet_columns import FROM_TEXT, NEW, OF_ROW, SLOW, SPAN_BEGIN, SPAN_END, SPELLING, STATUS

Ints = npt.NDArray[np.int64]

INVALID = -1
"""Normal form of a spelling that is no hashtag."""
_LETTER, _CAPITAL, _OTHER = 1, 2, 4
_KINDS = np.full(256, _OTHER, np.uint8)
_KINDS[list(ascii_lowercase.encode())] = _LETTER
_KINDS[list(ascii_uppercase.encode())] = _LETTER | _CAPITAL
_KINDS[list(f"{digits}_\n".encode())] = 0


class SpellingTable:
    r"""Numbers of spellings, without their #, and of their normal forms. A number is never reused.

    >>> spellings = SpellingTable()
    >>> number, form = spellings.number(b"Monsoon\nmonsoon\n", 2)
    >>> bool(spellings.forms[number] == form), spellings.names.names(form << 10)
    (True, ['monsoon'])
    """

    def __init__(self) -> None:
        self.names = Tags()
        self._rows = GrowingColumns(form=np.int64, judged=np.bool_)
        self._rows.extend(1, form=INVALID, judged=False)  # no name has the number 0

    @property
    def forms(self) -> Ints:
        """Number of the normal form of each spelling; `INVALID` for one that is no hashtag."""
        return self._rows["form"]

    def learn(self, data: bytes, fields: Ints, spans: Ints) -> None:
        """Number the hashtags of tweets.

        A tweet becomes `SLOW` if its hashtags are from its text, and the grammar may not find one of them as a whole.

        Args:
            data: bytes of the payloads.
            fields: (n, FIELDS) columns of the tweets; changed.
            spans: (s, SPANS) of their hashtags; changed.
        """
        new = np.flatnonzero(spans[:, SPELLING] == NEW)
        lines, _ = write_lines(np.frombuffer(data, np.uint8), spans[new, SPAN_BEGIN], spans[new, SPAN_END])
        spans[new, SPELLING] = self.number(lines.tobytes(), len(new))
        odd = new[~self._rows["judged"][spans[new, SPELLING]]]
        odd_rows = spans[odd, OF_ROW]
        fields[odd_rows[fields[odd_rows, FROM_TEXT] > 0], STATUS] = SLOW

    def number(self, lines: bytes, n: int) -> Ints:
        """Return the numbers (n,) of spellings, given as n lines of UTF-8; assign those that are missing."""
        numbers = self.names.of_lines(lines, n)
        while len(self._rows) <= len(self.names):
            self._note_forms(np.arange(len(self._rows), len(self.names) + 1))
        return numbers

    def _note_forms(self, new: Ints) -> None:
        """Note the normal forms of new names (n,), which may be new names themselves.

        `canonical` makes a name of ASCII letters, digits and _, with a letter, lower case, and the grammar finds it.
        """
        arena, begins, ends = self.names.spans(new)
        kinds = np.bitwise_or.reduceat(_KINDS[arena[begins[0] : ends[-1] + 1]], begins - begins[0])
        is_ascii = (kinds & _OTHER == 0) & (kinds & _LETTER > 0) & (ends - begins <= MAX_HASHTAG)
        self._rows.extend(len(new), form=np.where(is_ascii, new, INVALID), judged=is_ascii)
        capitals = new[is_ascii & (kinds & _CAPITAL > 0)]
        lower = self.names.lines_of(capitals << COUNTRY_BITS).lower()
        self.forms[capitals] = self.names.of_lines(lower, len(capitals))
        others = new[~is_ascii]
        displays = self.names.names(others << COUNTRY_BITS)
        hashtags = [canonical(display) for display in displays]
        self._rows["judged"][others] = [
            [use.display for use in extract_hashtags("#" + display)] == [display] for display in displays
        ]
        self.forms[others[[hashtag != "" for hashtag in hashtags]]] = self.names.of(list(filter(None, hashtags)))
