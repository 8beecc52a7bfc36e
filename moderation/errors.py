"""Errors of people's side; the tree that they belong to is in `streams.errors`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from moderation.written import Written
from streams.errors import EXIT_NO, HushtagError
from streams.log.moderation import Override, TagRecord


class StaleEdit(HushtagError):
    """Somebody else was quicker: the scope has moved on since the version that the edit names. Nothing was changed.

    `version` is the one that stands now, `changed` the records that came in between, oldest first, `written` the other
    decisions of the same call, which count.
    """

    exit_code = EXIT_NO

    def __init__(
        self,
        hashtag: str,
        *,
        edits: str,
        version: str,
        changed: tuple[TagRecord, ...],
        written: Sequence[Written] = (),
    ) -> None:
        self.version = version
        self.changed = changed
        self.written = tuple(written)
        what = "; ".join(told(record) for record in changed) or "the version named was never there"
        super().__init__(
            f"#{hashtag} has changed since version {edits or 'none'}: {what}. It is at version {version or 'none'} now",
            fix="look at it again (hushtag moderation list), then decide again",
        )


class NothingToUndo(HushtagError):
    """No override by a person stands in the scope that was to be undone."""

    exit_code = EXIT_NO


def told(record: TagRecord) -> str:
    """One record in one clause: who did what, where, when and why."""
    verb = record.action if isinstance(record, Override) else "undo"
    where = "everywhere" if record.country == "*" else f"in {record.country}"
    at = datetime.fromtimestamp(record.at_ms / 1000, UTC).isoformat(timespec="seconds")
    return f"{verb} {where} on {', '.join(record.surfaces)} by {record.actor} at {at} ({record.reason})"
