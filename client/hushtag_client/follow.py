"""Replication of the server's registers, without sockets, threads or an event loop.

`follow` is a generator that yields questions (`wire`) and is sent the replies, without end; a driver does the I/O. If
the connection breaks, the driver starts another generator on the same replica. It continues from the replica's place if
the server still has all later changes.

A snapshot and the stream are joined without a lock: note the stream's last entry, read all registers, then apply the
entries after the noted one. A change may be applied twice; the version makes the second time harmless.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, cast

from hushtag_client.clock import Clock, monotonic_ms
from hushtag_client.registers import Register, newer
from hushtag_client.replica import Replica, read_register
from hushtag_client.wire import (
    ChangeEntry,
    MarkPosition,
    PollState,
    Question,
    ReadChanges,
    RegisterPage,
    ScanRegisters,
    ServerPosition,
)

Changed = Callable[[list[Register]], None]
POLL_MS = 500
"""Interval of reading heartbeats, and maximum wait of one read of the stream."""


def follow(
    replica: Replica,
    clock: Clock,
    changed: Changed,
    *,
    poll_ms: int = POLL_MS,
    monotonic: Callable[[], int] = monotonic_ms,
) -> Generator[Question, Any, None]:
    """Keep a replica current, as long as replies are sent.

    Args:
        replica: replica to update; it must have no other writer.
        clock: the reader's wall clock, which measures staleness.
        changed: called after each step with the registers that it changed, if any.
        poll_ms: interval of reading heartbeats, and longest wait of one read.
        monotonic: monotonic clock in ms, which measures `poll_ms`.
    """
    while True:
        position = cast(ServerPosition, (yield PollState()))
        if not replica.follows(position):
            yield from _snapshot(replica, clock, changed)
            continue
        _report(changed, replica.observe(position, clock()))
        if not (yield from _stream(replica, changed, position.seq, monotonic() + poll_ms, monotonic)):
            yield from _snapshot(replica, clock, changed)


def _stream(
    replica: Replica, changed: Changed, until_seq: int, until_ms: int, monotonic: Callable[[], int]
) -> Generator[Question, Any, bool]:
    """Apply changes at least up to `until_seq`, which the server has reached; return False at a gap."""
    while True:
        behind = replica.seq < until_seq
        remaining_ms = until_ms - monotonic()
        if remaining_ms <= 0 and not behind:
            return True
        changes = cast("list[ChangeEntry]", (yield ReadChanges(replica.last_id, 0 if behind else remaining_ms)))
        applied, whole = replica.apply(changes)
        _report(changed, applied)
        if not whole or (behind and not changes):
            return False


def _snapshot(replica: Replica, clock: Clock, changed: Changed) -> Generator[Question, Any, None]:
    """Read all registers; start again if the server lost its data meanwhile.

    A place without an incarnation has no registers: those that were read are of a life that began and ended meanwhile.
    """
    while True:
        mark = cast(ServerPosition, (yield MarkPosition()))
        newest: dict[str, Register] = {}
        cursor = 0
        while True:
            page = cast(RegisterPage, (yield ScanRegisters(cursor)))
            for field, value in page.values:
                register = read_register(field, value)
                if register is not None and newer(register, newest.get(field)):
                    newest[field] = register
            cursor = page.cursor
            if cursor == 0:
                break
        after = cast(ServerPosition, (yield PollState()))
        if after.incarnation == mark.incarnation and after.seq >= mark.seq:
            break
    replaced = replica.replace(newest if mark.incarnation else {}, mark, clock())
    _report(changed, replaced + replica.observe(after, clock()))


def _report(changed: Changed, registers: list[Register]) -> None:
    if registers:
        changed(registers)
