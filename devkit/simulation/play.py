"""Play a simulated log live: shift it to now and send each record when it is due. Clock and sleep are arguments."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from devkit.simulation.lines import SimulatedRecord, moved

_SOON_MS = 5


async def play(
    lines: Iterable[SimulatedRecord],
    send: Callable[[SimulatedRecord], Awaitable[object]],
    now_ms: Callable[[], int],
    sleep: Callable[[float], Awaitable[object]],
) -> int:
    """Send each record when it is due; the first one is due within a second.

    A record's log time and all times in its payload are shifted by the same whole number of seconds. If sending is
    slower than the log, records are sent as fast as possible. Ends with the last record; cancel it to stop earlier.

    Args:
        lines: records in order of log time; `Simulation.lines` makes them lazily.
        send: receives a record; Kafka needs its `payload` and `key_bytes`.
        now_ms: wall clock, milliseconds since the epoch.
        sleep: like `asyncio.sleep`. Called at least once a second between records.

    Returns:
        Number of records sent.
    """
    by_ms: int | None = None
    sent = 0
    for entry in lines:
        if by_ms is None:
            by_ms = -((entry.log_time_ms - now_ms()) // 1000) * 1000
        due_ms = entry.log_time_ms + by_ms
        while (wait_ms := due_ms - now_ms()) > _SOON_MS:
            await sleep(min(wait_ms / 1000, 1.0))
        await send(moved(entry, by_ms))
        sent += 1
    return sent
