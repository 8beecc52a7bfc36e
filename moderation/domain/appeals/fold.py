"""Fold of appeal records; it alone decides whether a record is accepted. Pure.

An outcome is accepted if the appeal has none yet. Other records are entered in `refused`.
"""

from __future__ import annotations

from dataclasses import dataclass

from moderation.domain.appeals.records import Appeal, AppealOutcome, AppealRecord, decode_appeal
from moderation.log.changes import ChangeMemory
from streams.errors import ContractError
from streams.flags.overrides import OverrideHistory
from streams.log.moderation import OtherRecord


@dataclass(slots=True)
class AppealStatus:
    """Appeal and its outcome, None while it is open."""

    appeal: Appeal
    outcome: AppealOutcome | None = None


class AppealFold:
    """All appeals; records must come in the order of their offsets, each once."""

    def __init__(self) -> None:
        self.appeals: dict[str, AppealStatus] = {}
        self.refused: dict[int, str] = {}
        """Reason why a record has no effect, by offset."""
        self.by_tag: dict[str, list[AppealStatus]] = {}
        """Appeals by what they are about: a hashtag, or a target of an order."""
        self.changes = ChangeMemory()
        """Hashtags in the order of their appeals' last change."""

    def apply(self, record: AppealRecord, offset: int) -> None:
        """Apply the record at an offset, or enter it in `refused`."""
        if problem := self.problem(record):
            self.refused[offset] = problem
        elif isinstance(record, Appeal):
            status = self.appeals[record.id] = AppealStatus(record)
            self.by_tag.setdefault(record.hashtag, []).append(status)
            self.changes.note(record.hashtag)
        else:
            status = self.appeals[record.appeal]
            status.outcome = record
            self.changes.note(status.appeal.hashtag)

    def decode_and_apply(self, offset: int, other: OtherRecord) -> None:
        """Apply an undecoded record of the topic; records of other kinds are ignored."""
        try:
            record = decode_appeal(other)
        except ContractError as error:
            self.refused[offset] = str(error)
            return
        if record is not None:
            self.apply(record, offset)

    def problem(self, record: AppealRecord) -> str:
        """Return the reason why the fold would refuse a record now; "" if it would accept it."""
        if isinstance(record, Appeal):
            return "this appeal is already known" if record.id in self.appeals else ""
        status = self.appeals.get(record.appeal)
        if status is None:
            return "there is no such appeal"
        return f"{status.outcome.actor} has already decided the appeal" if status.outcome else ""


def visible_appeals(fold: AppealFold, hidden_tags: frozenset[str], *, show_orders: bool) -> list[AppealStatus]:
    """List the appeals that a person may see: only the legal team those against orders, none that is reviewed blind."""
    return [
        status
        for status in fold.appeals.values()
        if (show_orders or not status.appeal.order) and status.appeal.hashtag not in hidden_tags
    ]


def appeal_place(status: AppealStatus) -> tuple[int, int, str]:
    """Return an appeal's place in lists: the oldest open one first, then the last decided."""
    appeal, outcome = status.appeal, status.outcome
    return (0, appeal.at_ms, appeal.id) if outcome is None else (1, -outcome.at_ms, appeal.id)


def appeal_fold_of(history: OverrideHistory) -> AppealFold:
    """Fold the appeals of a history that has read the whole topic."""
    fold = AppealFold()
    for offset, other in history.others:
        fold.decode_and_apply(offset, other)
    return fold
