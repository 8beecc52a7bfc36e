"""A simulated log played live: moved to now, each record sent when it is due. Clock and sleep are given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from devkit.simulation.lines import Line, moved

_SOON_MS = 5


async def play(
    lines: Iterable[Line],
    send: Callable[[Line], Awaitable[object]],
    now_ms: Callable[[], int],
    sleep: Callable[[float], Awaitable[object]],
) -> int:
    """Send each line when it is due; the first one is due within a second from now.

    A line's log time and all times in its payload are moved by the same whole number of seconds. Where sending is
    slower than the log, lines go out as fast as they can be sent. Ends with the lines; cancel it to stop earlier.

    Args:
        lines: in order of log time, made while they are played if they come from `Simulation.lines`.
        send: takes a record; `Line.payload` and `Line.key_bytes` are what Kafka wants.
        now_ms: wall clock, milliseconds since the epoch.
        sleep: waits for so many seconds, as `asyncio.sleep` does. Called at least once a second while lines wait.
    Returns:
        How many lines were sent.
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
