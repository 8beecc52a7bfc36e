"""Search of the audit log, as the address of its page has it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from hushtag_client.normalise import normalise

from moderation.console.list_address import list_address
from moderation.publiclog.rows import AuditFilter

PATH = "/console/audit"
PAGE = 50
"""Entries on one page."""
_OTHER_TARGET = re.compile(r"[A-Z]{2}-[0-9a-f]{10}|\d{1,20}|(case|appeal|hushtag)-[0-9a-f]+")
"""Targets that are no hashtags: orders, accounts and tweets, cases, references."""


@dataclass(frozen=True, slots=True)
class AuditSearch:
    """Filters of the entries, as the address has them; "" selects all."""

    kind: str = ""
    target: str = ""
    """Hashtag, account, order, case or reference."""
    actor: str = ""
    country: str = ""
    since: str = ""
    until: str = ""
    """First and last UTC day, in ISO 8601."""
    first: str = ""
    """Number of the page's first entry; "" for the newest page, or the beginning of a search."""

    @property
    def narrows(self) -> bool:
        """Whether it leaves anything out."""
        return any((self.kind, self.target, self.actor, self.country, self.since, self.until))

    def begins_at(self, entries: int) -> int:
        """Return the number of the page's first entry: a search begins at 0, the whole list at its newest page.

        >>> [search.begins_at(120) for search in (AuditSearch(), AuditSearch(kind="policy"), AuditSearch(first="7"))]
        [70, 0, 7]
        """
        if self.first.isdecimal():
            return int(self.first[:15])
        return 0 if self.narrows else max(0, entries - PAGE)

    def filter(self) -> AuditFilter:
        """Build the filter of the log's reader; a day that is none filters nothing."""
        target = self.target.strip()
        if target and not _OTHER_TARGET.fullmatch(target):
            target = normalise(target.lstrip("#＃")) or target
        return AuditFilter(
            kind=self.kind.strip() or None,
            target=target or None,
            actor=self.actor.strip() or None,
            country=self.country.strip() or None,
            from_ms=_start_ms(self.since, 0),
            to_ms=_start_ms(self.until, 1),
        )

    def link(self, **changes: str) -> str:
        """Build the address of the page with other filters."""
        return list_address(PATH, self, **changes)


def _start_ms(day: str, later: int) -> int | None:
    """Return the beginning of a day, or of the one after it."""
    try:
        start = date.fromisoformat(day) + timedelta(days=later)
    except (ValueError, OverflowError):
        return None
    return round(datetime(start.year, start.month, start.day, tzinfo=UTC).timestamp() * 1000)
