"""Folds what people did with items and appeals. Whether a record counts is decided here, from the log alone. Pure.

A claim counts if nobody else holds the item; a verdict if its actor holds the claim, the item still wants one, and the
actor has given none before; an appeal's outcome if it has none yet. What does not count is entered in `refused`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from moderation.review.items import LOOKS
from moderation.review.records import (
    Appeal,
    AppealOutcome,
    ReviewClaim,
    ReviewRecord,
    ReviewRelease,
    ReviewVerdict,
    decode_review,
)
from streams.errors import ContractError
from streams.flags.overrides import PeopleView
from streams.log.moderation import OtherRecord
from streams.orders.fold import same_person


@dataclass(slots=True)
class Progress:
    """How far an item has got."""

    claim: ReviewClaim | None = None
    verdicts: list[ReviewVerdict] = field(default_factory=list)

    def holder(self, at_ms: int) -> str | None:
        """Who looks at it at a moment."""
        return self.claim.actor if self.claim is not None and at_ms < self.claim.until_ms else None

    def wants(self, looks: int) -> bool:
        """Whether it still waits for a verdict."""
        return len(self.verdicts) < looks


@dataclass(slots=True)
class Appealed:
    """An appeal and how it ended."""

    appeal: Appeal
    outcome: AppealOutcome | None = None


class Book:
    """All reviews and appeals. Records must come in the order of their offsets, each once."""

    def __init__(self) -> None:
        self.items: dict[str, Progress] = {}
        self.appeals: dict[str, Appealed] = {}
        self.refused: dict[int, str] = {}
        """Why a record counts for nothing, by offset."""

    def apply(self, record: ReviewRecord, offset: int) -> None:
        """Take a record."""
        why = self._take(record)
        if why:
            self.refused[offset] = why

    def hear(self, offset: int, other: OtherRecord) -> None:
        """Take a record of the topic that the view left; those of other kinds are passed over."""
        try:
            record = decode_review(other)
        except ContractError as error:
            self.refused[offset] = str(error)
            return
        if record is not None:
            self.apply(record, offset)

    def of(self, item: str) -> Progress:
        """How far an item has got."""
        return self.items.get(item) or Progress()

    def verdicts(self) -> list[list[ReviewVerdict]]:
        """The verdicts of the sample, one list for each item, in the order in which they were given."""
        given = [[one for one in progress.verdicts if one.second_look] for progress in self.items.values()]
        return [verdicts for verdicts in given if verdicts]

    def _take(self, record: ReviewRecord) -> str:
        match record:
            case Appeal():
                if record.id in self.appeals:
                    return "this appeal is known already"
                self.appeals[record.id] = Appealed(record)
                return ""
            case AppealOutcome():
                return self._end(record)
        progress = self.items.setdefault(record.case, Progress())
        holder = progress.holder(record.at_ms)
        match record:
            case ReviewClaim():
                if holder not in (None, record.actor):
                    return f"{holder} looks at it"
                if any(same_person(one.actor, record.actor) for one in progress.verdicts):
                    return f"{record.actor} has decided on it already"
                progress.claim = record
            case ReviewRelease():
                if holder != record.actor:
                    return f"{record.actor} does not hold it"
                progress.claim = None
            case ReviewVerdict():
                if holder != record.actor:
                    return f"{holder} looks at it" if holder else f"{record.actor} does not hold it"
                if not progress.wants(LOOKS if record.second_look else 1):
                    return f"{progress.verdicts[-1].actor} has decided on it"
                progress.verdicts.append(record)
                progress.claim = None
        return ""

    def _end(self, record: AppealOutcome) -> str:
        appealed = self.appeals.get(record.appeal)
        if appealed is None:
            return "there is no such appeal"
        if appealed.outcome is not None:
            return f"{appealed.outcome.actor} has decided on it"
        appealed.outcome = record
        return ""


def open_appeals(appeals: Iterable[Appealed]) -> list[Appealed]:
    """Those without an outcome, the oldest first."""
    return sorted((one for one in appeals if one.outcome is None), key=lambda one: one.appeal.at_ms)


def book_of(people: PeopleView) -> Book:
    """The whole book, from a view that has read the topic; a record that breaks the contract is refused."""
    book = Book()
    for offset, other in people.others:
        book.hear(offset, other)
    return book
