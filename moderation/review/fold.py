"""Fold of review and appeal records; it alone decides whether a record is accepted. Pure.

- A claim is accepted if no other reviewer holds the item.
- A verdict is accepted if its actor holds the claim, the item still needs one, and the actor has given none before.
- An appeal's outcome is accepted if the appeal has none yet.

Other records are entered in `refused`.
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
from streams.flags.overrides import OverrideHistory
from streams.log.moderation import OtherRecord
from streams.orders.speakers import same_person


@dataclass(slots=True)
class ItemProgress:
    """Claim and verdicts of one item."""

    claim: ReviewClaim | None = None
    verdicts: list[ReviewVerdict] = field(default_factory=list)

    def holder(self, at_ms: int) -> str | None:
        """Return the reviewer whose claim is valid at a time."""
        return self.claim.actor if self.claim is not None and at_ms < self.claim.until_ms else None

    def wants(self, looks: int) -> bool:
        """Return whether the item needs another verdict."""
        return len(self.verdicts) < looks

    def claim_problem(self, actor: str, at_ms: int) -> str:
        """Return the reason why an actor cannot act under a claim; "" if the actor holds it."""
        holder = self.holder(at_ms)
        if holder == actor:
            return ""
        return f"{holder} holds the claim" if holder else f"{actor} does not hold the claim"


@dataclass(slots=True)
class AppealStatus:
    """Appeal and its outcome, None while it is open."""

    appeal: Appeal
    outcome: AppealOutcome | None = None


class ReviewFold:
    """All reviews and appeals; records must come in the order of their offsets, each once."""

    def __init__(self) -> None:
        self.items: dict[str, ItemProgress] = {}
        self.appeals: dict[str, AppealStatus] = {}
        self.refused: dict[int, str] = {}
        """Reason why a record has no effect, by offset."""

    def apply(self, record: ReviewRecord, offset: int) -> None:
        """Apply the record at an offset, or enter it in `refused`."""
        if problem := self.problem(record):
            self.refused[offset] = problem
            return
        match record:
            case Appeal():
                self.appeals[record.id] = AppealStatus(record)
            case AppealOutcome():
                self.appeals[record.appeal].outcome = record
            case ReviewClaim():
                self.items.setdefault(record.case, ItemProgress()).claim = record
            case ReviewRelease():
                self.items[record.case].claim = None
            case ReviewVerdict():
                self.items[record.case].verdicts.append(record)
                self.items[record.case].claim = None

    def decode_and_apply(self, offset: int, other: OtherRecord) -> None:
        """Apply an undecoded record of the topic; records of other kinds are ignored."""
        try:
            record = decode_review(other)
        except ContractError as error:
            self.refused[offset] = str(error)
            return
        if record is not None:
            self.apply(record, offset)

    def progress(self, item: str) -> ItemProgress:
        """Return the progress of an item; an item without records has an empty one."""
        return self.items.get(item) or ItemProgress()

    def verdicts(self) -> list[list[ReviewVerdict]]:
        """Return the verdicts of the sample, one list for each item, in the order given."""
        given = [[one for one in progress.verdicts if one.second_look] for progress in self.items.values()]
        return [verdicts for verdicts in given if verdicts]

    def problem(self, record: ReviewRecord) -> str:
        """Return the reason why the fold would refuse a record now; "" if it would accept it."""
        match record:
            case Appeal():
                return "this appeal is already known" if record.id in self.appeals else ""
            case AppealOutcome():
                status = self.appeals.get(record.appeal)
                if status is None:
                    return "there is no such appeal"
                return f"{status.outcome.actor} has already decided the appeal" if status.outcome else ""
        progress = self.progress(record.case)
        match record:
            case ReviewClaim():
                if progress.holder(record.at_ms) not in (None, record.actor):
                    return progress.claim_problem(record.actor, record.at_ms)
                if any(same_person(one.actor, record.actor) for one in progress.verdicts):
                    return f"{record.actor} has already given a verdict"
            case ReviewRelease():
                return progress.claim_problem(record.actor, record.at_ms)
            case ReviewVerdict():
                if problem := progress.claim_problem(record.actor, record.at_ms):
                    return problem
                if not progress.wants(LOOKS if record.second_look else 1):
                    return f"{progress.verdicts[-1].actor} has already given a verdict"
        return ""


def open_appeals(appeals: Iterable[AppealStatus]) -> list[AppealStatus]:
    """Return the appeals without an outcome, oldest first."""
    return sorted((one for one in appeals if one.outcome is None), key=lambda one: one.appeal.at_ms)


def review_fold_of(history: OverrideHistory) -> ReviewFold:
    """Fold the reviews of a history that has read the whole topic."""
    fold = ReviewFold()
    for offset, other in history.others:
        fold.decode_and_apply(offset, other)
    return fold
