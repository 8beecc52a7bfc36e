"""Notices: single events that a channel reports, derived from the folded logs and the time. Pure.

A notice's id never changes, so that what was sent is recognised after a restart. Times announced before an event have
an id each; of those that have passed only the last one is due.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from moderation.domain.appeals.records import Appeal, AppealOutcome
from moderation.domain.restrictions.restriction import Restriction
from moderation.outward.notify.changes import HashtagChange
from moderation.outward.notify.config import EventKind, NotifyRoute, StatementRoute, TimedRoute
from moderation.outward.notify.state import NotifyState
from streams.log.moderation import Override
from streams.orders.order import Order


@dataclass(frozen=True, slots=True)
class LapsingHold:
    """A person's hold, and the surfaces on which it is the decision in force."""

    record: Override
    surfaces: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunningDeadline:
    """An order's deadline, or the end of its interim decision."""

    order: Order
    due_ms: int


@dataclass(frozen=True, slots=True)
class DecidedAppeal:
    """An appeal and its outcome."""

    appeal: Appeal
    outcome: AppealOutcome


@dataclass(frozen=True, slots=True)
class IssuedStatement:
    """A restriction for which the affected user gets a statement of reasons."""

    restriction: Restriction
    """Restriction; not in force where it ended before the statement was sent."""


Subject = LapsingHold | RunningDeadline | DecidedAppeal | IssuedStatement | HashtagChange


@dataclass(frozen=True, slots=True)
class Notice:
    """One event that is due on a channel."""

    id: str
    since_ms: int
    """Time from which it is due."""
    at_ms: int
    """Time of the event itself: the lapse, the deadline, the outcome, the restriction."""
    subject: Subject


def due(state: NotifyState, kind: EventKind, route: NotifyRoute, from_ms: int, now_ms: int) -> list[Notice]:
    """Return the notices of one kind that are due, the earliest first.

    Args:
        state: the folded logs.
        kind: kind of event.
        route: how the channel sends it.
        from_ms: events before this time were delivered, or are older than the channel.
        now_ms: the present time.
    """
    notices = _FINDERS[kind](state, route, now_ms)
    return sorted(
        (notice for notice in notices if notice.at_ms >= from_ms and notice.since_ms <= now_ms),
        key=lambda notice: (notice.since_ms, notice.id),
    )


def with_present_states(notices: Sequence[Notice], state: NotifyState, now_ms: int) -> list[Notice]:
    """Add to statements of accounts and tweets where else their targets are hidden at the present time."""
    issued = [(notice, notice.subject.restriction) for notice in notices if isinstance(notice.subject, IssuedStatement)]
    resolved = state.with_present_states([restriction for _, restriction in issued], now_ms)
    return [replace(notice, subject=IssuedStatement(now)) for (notice, _), now in zip(issued, resolved, strict=True)]


def _holds(state: NotifyState, route: NotifyRoute, now_ms: int) -> Iterator[Notice]:
    for record in state.holds.values():
        if surfaces := state.surfaces_of_hold(record, now_ms):
            for name, since_ms in _announced(route, record.expires_at_ms, now_ms):
                yield Notice(f"hold-{record.id}-{name}", since_ms, record.expires_at_ms, LapsingHold(record, surfaces))


def _deadlines(state: NotifyState, route: NotifyRoute, now_ms: int) -> Iterator[Notice]:
    for order in state.orders():
        if (due_ms := order.due_ms) is not None:
            _, received = order.history[0]
            at_ms = max(due_ms, received.at_ms)  # an order may be taken in after its deadline
            for name, since_ms in _announced(route, due_ms, now_ms):
                yield Notice(f"order-{order.id}-{due_ms}-{name}", since_ms, at_ms, RunningDeadline(order, due_ms))


def _appeals(state: NotifyState, route: NotifyRoute, now_ms: int) -> Iterator[Notice]:
    for appeal, outcome in state.decided_appeals():
        yield Notice(f"appeal-{appeal.id}", outcome.at_ms, outcome.at_ms, DecidedAppeal(appeal, outcome))


def _statements(state: NotifyState, route: NotifyRoute, now_ms: int) -> Iterator[Notice]:
    assert isinstance(route, StatementRoute)
    for restriction in state.restrictions(now_ms):
        if restriction.secret and not route.confidential:
            continue
        began_ms = restriction.began_ms
        yield Notice(restriction.reference, began_ms, began_ms, IssuedStatement(restriction))


def _decisions(state: NotifyState, route: NotifyRoute, now_ms: int) -> Iterator[Notice]:
    """Yield changes; those of a hashtag keep the order of the log, although two judges' clocks may differ."""
    newest_ms: dict[str, int] = {}
    for change in state.changes.values():
        at_ms = newest_ms[change.hashtag] = max(change.decided_at_ms, newest_ms.get(change.hashtag, 0))
        yield Notice(change.id, at_ms, at_ms, change)


def _announced(route: NotifyRoute, at_ms: int, now_ms: int) -> Iterator[tuple[str, int]]:
    """Yield the last announcement that has passed: its name, unique for the event, and its time."""
    assert isinstance(route, TimedRoute)
    passed = [before_ms for before_ms in route.before_ms if at_ms - before_ms <= now_ms]
    if passed:
        yield f"{min(passed)}", at_ms - min(passed)


_FINDERS: dict[EventKind, Callable[[NotifyState, NotifyRoute, int], Iterator[Notice]]] = {
    "holds": _holds,
    "deadlines": _deadlines,
    "appeals": _appeals,
    "statements": _statements,
    "decisions": _decisions,
}
