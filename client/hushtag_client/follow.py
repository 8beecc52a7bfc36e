"""How a replica follows the server: the logic alone, without sockets, threads or an event loop.

`follow` is a generator. It yields a question (`wire`), is sent the answer, and so on for ever; whoever drives it does
the talking. If the connection breaks the driver throws the generator away and starts another on the same replica,
which goes on where it was if the server still has all that came since.

A snapshot and a stream are joined without a lock: note the stream's last entry, read all registers, then apply what
came after the noted entry. A register may be read before or after a change that we shall also see in the stream; the
version makes the second time harmless.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, cast

from hushtag_client.clock import Clock, monotonic_ms
from hushtag_client.registers import Register, newer
from hushtag_client.replica import Replica, read_register
from hushtag_client.wire import Change, Mark, Page, Poll, Position, Question, Read, Registers

Changed = Callable[[list[Register]], None]
POLL_MS = 500
"""How often heartbeats are read; at once the longest that a read of the stream waits."""


def follow(
    replica: Replica,
    clock: Clock,
    changed: Changed,
    *,
    poll_ms: int = POLL_MS,
    monotonic: Callable[[], int] = monotonic_ms,
) -> Generator[Question, Any, None]:
    """Keep a replica up with the server, for as long as the answers come.

    Args:
        replica: what to keep; nobody else writes to it.
        clock: the reader's wall clock; staleness is measured on it.
        changed: called after each step with the registers that it changed, when there are any.
    """
    while True:
        position = cast(Position, (yield Poll()))
        if not replica.follows(position):
            yield from _snapshot(replica, clock, changed)
            continue
        _tell(changed, replica.observe(position, clock()))
        if not (yield from _stream(replica, changed, position.seq, monotonic() + poll_ms, monotonic)):
            yield from _snapshot(replica, clock, changed)


def _stream(
    replica: Replica, changed: Changed, until_seq: int, until_ms: int, monotonic: Callable[[], int]
) -> Generator[Question, Any, bool]:
    """Apply changes, at least up to a number that the server is known to have reached; False at a gap."""
    while True:
        behind = replica.seq < until_seq
        left_ms = until_ms - monotonic()
        if left_ms <= 0 and not behind:
            return True
        changes = cast("list[Change]", (yield Read(replica.last_id, 0 if behind else left_ms)))
        applied, whole = replica.apply(changes)
        _tell(changed, applied)
        if not whole or (behind and not changes):
            return False


def _snapshot(replica: Replica, clock: Clock, changed: Changed) -> Generator[Question, Any, None]:
    """Read all registers; begin again if the server's data began a new life meanwhile."""
    while True:
        mark = cast(Position, (yield Mark()))
        found: dict[str, Register] = {}
        cursor = 0
        while True:
            page = cast(Registers, (yield Page(cursor)))
            for field, value in page.values:
                register = read_register(field, value)
                if register is not None and newer(register, found.get(field)):
                    found[field] = register
            cursor = page.cursor
            if cursor == 0:
                break
        after = cast(Position, (yield Poll()))
        if after.incarnation == mark.incarnation and after.seq >= mark.seq:
            break
    replaced = replica.replace(found, mark, clock())
    _tell(changed, replaced + replica.observe(after, clock()))


def _tell(changed: Changed, registers: list[Register]) -> None:
    if registers:
        changed(registers)
