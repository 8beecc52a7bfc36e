"""Errors of the moderation and review services; `streams.errors` has the whole tree."""

from __future__ import annotations

from collections.abc import Sequence

from moderation.drafts import AcceptedRecord
from moderation.wording import time_words
from streams.errors import EXIT_NO, CallerMistake, HushtagError
from streams.log.moderation import Override, TagRecord


class StaleEdit(HushtagError):
    """The scope has a newer version than the one that the edit names; the edit was not applied."""

    exit_code = EXIT_NO

    def __init__(
        self,
        hashtag: str,
        *,
        edits: str,
        version: str,
        changed: tuple[TagRecord, ...],
        accepted: Sequence[AcceptedRecord] = (),
    ) -> None:
        """Build the message.

        Args:
            hashtag: hashtag of the scope, without its #.
            edits: version that the edit names; "" for none.
            version: the current version of the scope.
            changed: records accepted since `edits`, oldest first.
            accepted: other decisions of the same call, which are in force.
        """
        self.version = version
        self.changed = changed
        self.accepted = tuple(accepted)
        what = "; ".join(map(_change_words, changed)) or "the named version never existed"
        super().__init__(
            f"#{hashtag} has changed since version {edits or 'none'}: {what}. Its version is now {version or 'none'}",
            fix="look at it again (hushtag moderation list), then decide again",
        )


class NothingToUndo(HushtagError):
    """Undo of a scope in which no human override is in force."""

    exit_code = EXIT_NO


class StaleReview(HushtagError):
    """Another reviewer acted first, or the claim has expired; nothing was changed."""

    exit_code = EXIT_NO

    def __init__(self, case: str, why: str) -> None:
        self.changed = (why,)
        super().__init__(f"{case}: {why}", fix="look at the queue again (hushtag cases list)")


class NoSuchCase(CallerMistake):
    """Unknown id of a review item, appeal, restriction or order."""


def _change_words(record: TagRecord) -> str:
    verb = record.action if isinstance(record, Override) else "undo"
    where = "everywhere" if record.country == "*" else f"in {record.country}"
    surfaces = ", ".join(record.surfaces)
    return f"{verb} {where} on {surfaces} by {record.actor} at {time_words(record.at_ms)} ({record.reason})"
