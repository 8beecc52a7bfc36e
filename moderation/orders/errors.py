"""What may go wrong with an order beyond the caller's slip of the pen."""

from __future__ import annotations

from moderation.times import time_words
from moderation.wording import counted
from streams.errors import EXIT_NO, CallerMistake, ContractError, HushtagError
from streams.orders.fold import Refusal, Versioned, in_words
from streams.orders.records import CaseRecord, OrderReceived, OrderStep, Speaker, SpeakerDetails


class StaleOrder(HushtagError):
    """The order has moved on since the version that the edit names. Nothing was changed."""

    exit_code = EXIT_NO

    def __init__(self, order: str, *, version: str, changed: tuple[Versioned, ...]) -> None:
        self.version = version
        self.changed = changed
        what = "; ".join(told(record) for record in changed) or "the version named was never there"
        super().__init__(
            f"{order} has changed since you looked: {what}. It is at version {version or 'none'} now",
            fix=f"look at it again (hushtag orders show {order}), then decide again",
        )


class NotAllowed(CallerMistake):
    """The order, as it stands, does not allow it."""


def no_such_order(order: str) -> CallerMistake:
    """An id that nothing is known by."""
    return CallerMistake(f"there is no order {order[:40]!r}", fix="hushtag orders list")


def of_refusal(order: str, refusal: Refusal) -> HushtagError:
    """The error that tells a writer why its record counts for nothing."""
    if refusal.stale:
        return StaleOrder(order, version=refusal.version, changed=refusal.changed)
    return NotAllowed(f"{order}: {refusal.why}", fix=f"hushtag orders show {order}")


def of_contract(record: CaseRecord, error: ContractError) -> NotAllowed:
    """The error that tells a writer that no reader would take its record. Nothing was sent."""
    name = record.account if isinstance(record, Speaker | SpeakerDetails) else record.order
    return NotAllowed(
        f"{name}: nothing was written, for no reader takes {error}", fix=error.fix or "correct that field"
    )


def told(record: Versioned) -> str:
    """One change of an order in words."""
    at = time_words(record.at_ms)
    if isinstance(record, OrderReceived):
        return f"{record.actor} took in {counted(record.added, 'target')}, {at}"
    if isinstance(record, OrderStep):
        return f"{record.actor} made it {in_words(record.to)}, {at}: {record.reason}"
    many = sum(last - first + 1 for first, last in record.targets)
    return f"{record.actor} ruled {record.outcome} on {counted(many, 'target')}, {at}: {record.reason}"
