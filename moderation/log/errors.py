"""Errors of the moderation and review services; `streams.errors` has the whole tree."""

from __future__ import annotations

from collections.abc import Sequence

from moderation.log.drafts import AcceptedRecord
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


class FirstAnswerDue(HushtagError):
    """A person asks for numbers, or decides, before the first answer on the case."""

    exit_code = EXIT_NO

    def __init__(self, case: str, display: str) -> None:
        self.case = case
        super().__init__(
            f"your first answer on #{display} comes before its numbers and before a decision",
            fix=f"give it: POST /v1/cases/{case}/answer",
        )


class NoSuchCase(CallerMistake):
    """Unknown id of a review item, appeal, restriction or order."""


class ExposureLimit(HushtagError):
    """A person may open no further text now; nothing was opened."""

    exit_code = EXIT_NO

    def __init__(self, actor: str, *, opened: int, limit: int, further: int, next_ms: int) -> None:
        """Build the message.

        Args:
            actor: person who asked for texts.
            opened: texts that the person has opened within the shift.
            limit: greatest number of texts in a shift.
            further: texts of the refused call that the person has not opened yet.
            next_ms: time from which a further text can be opened; 0: now.
        """
        self.opened, self.limit, self.next_ms = opened, limit, next_ms
        left = max(limit - opened, 0)
        super().__init__(
            f"{actor} has opened {opened:,} texts within 8 hours; {further:,} more would exceed the limit of {limit:,}",
            fix=f"open at most {left:,} now: --tweet ID"
            if left
            else f"the next text opens at {time_words(next_ms)}; decide without it, skip the case, or ask a lead",
        )


def _change_words(record: TagRecord) -> str:
    verb = record.action if isinstance(record, Override) else "undo"
    where = "everywhere" if record.country == "*" else f"in {record.country}"
    surfaces = ", ".join(record.surfaces)
    return f"{verb} {where} on {surfaces} by {record.actor} at {time_words(record.at_ms)} ({record.reason})"
