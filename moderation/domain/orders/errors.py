"""Errors of legal orders: stale edits, refused records and unknown ids."""

from __future__ import annotations

from moderation.domain.tables import BadCell
from moderation.log.errors import NoSuchCase
from moderation.wording import counted, listed, time_words
from streams.errors import EXIT_NO, CallerMistake, ContractError, HushtagError
from streams.orders.fold import RefusedRecord
from streams.orders.order import VersionedRecord
from streams.orders.records import (
    LegalRecord,
    OrderAmendment,
    OrderAmendmentVerdict,
    OrderReceived,
    OrderStep,
    Speaker,
    SpeakerDetails,
    numbers_of,
)
from streams.orders.states import state_label


class StaleOrder(HushtagError):
    """The order has changed since the version that the edit names. Nothing was written."""

    exit_code = EXIT_NO

    def __init__(self, order: str, *, version: str, changed: tuple[VersionedRecord, ...]) -> None:
        self.version = version
        self.changed = changed
        changes = "; ".join(change_words(record) for record in changed) or "the given version never existed"
        super().__init__(
            f"{order} has changed since you looked: {changes}. It is at version {version or 'none'} now",
            fix=f"look at it again (hushtag orders show {order}), then decide again",
        )


class OrderRefused(CallerMistake):
    """The order's present state does not allow the record."""


def no_such_order(order: str) -> NoSuchCase:
    """Build the error for an unknown order id."""
    return NoSuchCase(f"there is no order {order[:40]!r}", fix="hushtag orders list")


def cell_error(bad: BadCell) -> CallerMistake:
    """Build the error for a bad value of an option or field."""
    return CallerMistake(f"{bad.field}: {bad.value!r} is {bad.problem}", fix=bad.fix)


def refusal_error(order: str, refusal: RefusedRecord) -> HushtagError:
    """Build the error for a record that the fold refused."""
    if refusal.stale:
        return StaleOrder(order, version=refusal.version, changed=refusal.changed)
    return OrderRefused(f"{order}: {refusal.why}", fix=f"hushtag orders show {order}")


def contract_error(record: LegalRecord, error: ContractError) -> OrderRefused:
    """Build the error for a record that violates the contract. Nothing was sent."""
    name = record.account if isinstance(record, Speaker | SpeakerDetails) else record.order
    return OrderRefused(
        f"{name}: nothing was written, readers would reject {error}", fix=error.fix or "correct that field"
    )


def change_words(record: VersionedRecord) -> str:
    """Describe one change of an order."""
    at = time_words(record.at_ms)
    if isinstance(record, OrderReceived):
        return f"{record.actor} took in {counted(record.added, 'target')}, {at}"
    if isinstance(record, OrderStep):
        return f"{record.actor} made it {state_label(record.to)}, {at}: {record.reason}"
    if isinstance(record, OrderAmendment):
        return f"{record.actor} proposed an amendment ({amendment_words(record)}), {at}: {record.reason}"
    if isinstance(record, OrderAmendmentVerdict):
        return f"{record.actor} {verdict_words(record)}, {at}: {record.reason}"
    many = sum(last - first + 1 for first, last in record.targets)
    return f"{record.actor} ruled {record.outcome} on {counted(many, 'target')}, {at}: {record.reason}"


def amendment_words(record: OrderAmendment) -> str:
    """List what an amendment changes.

    >>> amendment_words(OrderAmendment(id="a", order="IN-0123456789", parts=1, added=2, dropped=((0, 2),), actor="a",
    ...     reason="r", at_ms=1, edits=""))
    '2 targets added and 3 targets dropped'
    """
    parts = [f"{counted(record.added, 'target')} added"] if record.added else []
    if dropped := sum(1 for _ in numbers_of(record.dropped)):
        parts.append(f"{counted(dropped, 'target')} dropped")
    if record.expires_at_ms:
        parts.append(f"until {time_words(record.expires_at_ms)}")
    return listed(parts)


def verdict_words(record: OrderAmendmentVerdict) -> str:
    """Say what a person answered to an amendment."""
    return "approved the amendment" if record.verdict == "approve" else "refused the amendment"
