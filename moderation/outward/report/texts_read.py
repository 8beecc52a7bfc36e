"""Sampled texts by language, and the part that the model has read. Pure.

The judges look at some authors of each busy hashtag, not at all tweets. Each shard reports its whole hours. An hour
counts in the period in which it begins.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from moderation.domain.rounding import round_count, round_parts
from streams.log.decisions import LanguageCoverage


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
        """Convert to plain JSON with small counts hidden, from the total down to the languages.

        >>> TextsRead(2, {"en": 90, "hi": 8}, {"ta": 9, "ur": 3}).published() == {
        ...     "hours": 2, "total": 110, "read": 98, "unread": 12, "read_share": 0.891,
        ...     "read_by_language": {"en": 90, "hi": 8}, "unread_by_language": {"ta": "8 to 11", "ur": "<5"},
        ... }
        True
        """
        read, unread = sum(self.read.values()), sum(self.unread.values())
        total = round_count(read + unread)
        parts = round_parts(total, {"read": read, "unread": unread})
        is_exact = read + unread > 0 and all(isinstance(count, int) for count in parts.values())
        return {
            "hours": self.hours,
            "total": total,
            "read": parts.get("read", 0),
            "unread": parts.get("unread", 0),
            "read_share": _share(read, unread) if is_exact else None,
            "read_by_language": round_parts(parts.get("read", 0), self.read),
            "unread_by_language": round_parts(parts.get("unread", 0), self.unread),
        }


def _share(read: int, unread: int) -> float:
    """Return the read part in thousandths; 0 and 1 only where it is exact."""
    part = round(read / (read + unread), 3)
    return min(max(part, 0.001 if read else 0.0), 0.999 if unread else 1.0)


def texts_read(coverage: Iterable[LanguageCoverage]) -> TextsRead:
    """Add up the hours of a period; each shard and hour must occur once."""
    hours, read, unread = set[int](), Counter[str](), Counter[str]()
    for row in coverage:
        hours.add(row.from_ms)
        for language in row.languages:
            read[language.language] += language.read
            unread[language.language] += language.texts - language.read
    return TextsRead(len(hours), dict(+read), dict(+unread))
