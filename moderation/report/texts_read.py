"""Sampled texts by language, and the part that the model has read. Pure.

The judges look at some authors of each busy hashtag, not at all tweets. Each shard reports its whole hours. An hour
counts in the period in which it begins.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from moderation.report.rounding import round_count, round_parts
from streams.log.decisions import LanguageCoverage

_READ, _UNREAD = "read ", "unread "


@dataclass(frozen=True, slots=True)
class TextsRead:
    """Counts of one period over all shards and countries."""

    hours: int
    """Whole hours with texts."""
    read: dict[str, int]
    """Texts that the model has read, by language."""
    unread: dict[str, int]
    """Texts in a language that the model does not read."""

    def published(self) -> dict[str, Any]:
        """Convert to plain JSON with small counts hidden: both groups are parts of one total.

        >>> TextsRead(2, {"en": 90, "hi": 8}, {"ta": 3}).published()
        {'hours': 2, 'total': 101, 'read': {'en': 90, 'hi': '7 to 10'}, 'unread': {'ta': '<5'}}
        """
        parts = {_READ + name: count for name, count in self.read.items()}
        parts |= {_UNREAD + name: count for name, count in self.unread.items()}
        total = round_count(sum(parts.values()))
        given = round_parts(total, parts)
        return {
            "hours": self.hours,
            "total": total,
            "read": {name.removeprefix(_READ): count for name, count in given.items() if name.startswith(_READ)},
            "unread": {name.removeprefix(_UNREAD): count for name, count in given.items() if name.startswith(_UNREAD)},
        }


def texts_read(coverage: Iterable[LanguageCoverage]) -> TextsRead:
    """Add up the hours of a period; each shard and hour must occur once."""
    hours, read, unread = set[int](), Counter[str](), Counter[str]()
    for one in coverage:
        hours.add(one.from_ms)
        for language in one.languages:
            read[language.language] += language.read
            unread[language.language] += language.texts - language.read
    return TextsRead(len(hours), dict(+read), dict(+unread))
