"""Openings of a report: type and day of every entry, so that an omitted one is found and numbers can be recounted.

A file has one line for each entry, from 0 on: `[index, salt, type, salt, period]`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import sha256

import msgspec

from moderation.audit.disclosure import FIELDS, canonical_json, digest_at, is_salt, is_value
from moderation.audit.tlog.errors import ProofCode, ProofError, malformed

_TYPE, _PERIOD = FIELDS.index("type"), FIELDS.index("period")
_MOST_CACHED = 10_000
_Line = tuple[int, str, str, str, str | None]
_decode = msgspec.json.Decoder(_Line).decode

Counts = Counter[tuple[str, str | None]]
"""Entries by type and period."""


class OpeningsCount:
    """Count of entries by type and period, each checked against its leaf."""

    def __init__(self, lines: Iterable[str | bytes]) -> None:
        self._lines: Iterator[str | bytes] = iter(lines)
        self._next = 0
        self._tails: dict[str | None, bytes] = {}
        self.counts: Counts = Counter()

    def add(self, leaves: Iterable[bytes]) -> None:
        """Check the next lines against the next leaves.

        Raises:
            ProofError: `omitted_entry`: a line is missing. `wrong_field`: an entry has another type or period.
        """
        for leaf in leaves:
            index, type_salt, kind, period_salt, period = self._line()
            if index != self._next:
                raise _omitted(self._next)
            self._check(leaf, _TYPE, "type", type_salt, kind)
            self._check(leaf, _PERIOD, "period", period_salt, period)
            self.counts[kind, period] += 1
            self._next += 1

    def finish(self) -> None:
        """Check that no line is left over.

        Raises:
            ProofError: `wrong_index`.
        """
        if any(line.strip() for line in self._lines):
            raise ProofError(
                ProofCode.wrong_index,
                f"the openings have lines after entry {self._next - 1}, the last one that the report counts",
                "get report and openings again: they are not of one checkpoint",
            )

    def _line(self) -> _Line:
        line = next(self._lines, None)
        if line is None:
            raise _omitted(self._next)
        try:
            found: _Line = _decode(line)
        except (msgspec.MsgspecError, UnicodeError):
            raise malformed(f"line {self._next + 1} of the openings is no opening") from None
        return found

    def _check(self, leaf: bytes, position: int, name: str, salt: str, value: str | None) -> None:
        tail = self._tails.get(value)
        if tail is None:
            if not is_value(value):
                raise malformed(f"line {self._next + 1} of the openings has a text that is not Unicode")
            tail = canonical_json(value)
            if len(self._tails) < _MOST_CACHED:
                self._tails[value] = tail
        if not is_salt(salt):
            raise malformed(f"line {self._next + 1} of the openings has a salt that is not 16 bytes of base64url")
        digest = sha256(b'["%b","%b",%b]' % (salt.encode(), name.encode(), tail)).digest()
        if digest != digest_at(leaf, position):
            raise ProofError(
                ProofCode.wrong_field,
                f"entry {self._next} is not what the openings say: its {name} in the log is another than {value!r}",
                "do not rely on the report's numbers; keep report and openings as evidence",
                field=name,
            )


def _omitted(index: int) -> ProofError:
    return ProofError(
        ProofCode.omitted_entry,
        f"the openings leave out entry {index}: the report hides what it is",
        "ask the publisher for the openings of every entry; until then no number can be recounted",
    )
