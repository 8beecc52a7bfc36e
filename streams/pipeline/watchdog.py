"""End a worker that is stuck: alive, with heartbeats and partitions, and making no progress.

Kafka takes partitions only from a worker without heartbeats, and a separate thread sends them. So a worker with a
blocked event loop, or with a stage that waits for ever, would keep its partitions. A watchdog thread checks both. When
nothing has moved for too long it logs one line and ends the process. The supervisor starts it again, and it replays.

Only time in which the watchdog thread itself ran counts. So a stopped process or a suspended machine gets its whole
time again. Code that holds the interpreter's lock also stops this thread; then /healthz does not answer either, and the
supervisor's probe must act.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from streams.clock import monotonic_seconds, now_ms

_CHECK_SECONDS = 1.0
_FRAMES = 4
EXIT_CODE = 1


class Work(NamedTuple):
    """Position of a partition in its log."""

    position: int
    """The next offset to process."""
    end: int
    """Known end of its log. The offsets between are the backlog."""


@dataclass(slots=True)
class _Standing:
    position: int
    seconds: float = 0.0


@dataclass(slots=True)
class StallDetector:
    """Decides whether the loop or a partition has stood still for too long.

    Args:
        limit_seconds: how long the loop, or a partition with a backlog, may stand still.
    """

    limit_seconds: float
    _beat: int = -1
    _loop_seconds: float = 0.0
    _standing: dict[str, _Standing] = field(default_factory=dict)

    def check(self, passed_seconds: float, beat: int, work: Mapping[str, Work]) -> str:
        """Return "" or a text that names what is stuck.

        Args:
            passed_seconds: since the last check. More than two intervals count as two: this thread did not run either.
            beat: a number that the loop raises when it runs.
            work: the position of each partition, by a readable name.
        """
        passed_seconds = min(passed_seconds, 2 * _CHECK_SECONDS)
        self._loop_seconds = 0.0 if beat != self._beat else self._loop_seconds + passed_seconds
        self._beat = beat
        if self._loop_seconds > self.limit_seconds:
            return f"the event loop has not run for {self._loop_seconds:.0f} s"
        if self._loop_seconds:  # no partition can have moved
            return ""
        previous, self._standing = self._standing, {}
        for name, (position, end) in work.items():
            before = previous.get(name)
            if position >= end:
                continue
            if before is None or before.position != position:
                before = _Standing(position)
            else:
                before.seconds += passed_seconds
            self._standing[name] = before
            if before.seconds > self.limit_seconds:
                return f"{name} stands at {position} of {end} for {before.seconds:.0f} s"
        return ""


class Watchdog:
    """Thread that watches an event loop and its partitions. Create it on the loop that it watches.

    Args:
        limit_seconds: see `StallDetector`.
        work: returns the positions of the partitions; called from the thread, so it may only read.
        beat: asks the loop to call a function soon (`loop.call_soon_threadsafe`).
        end: ends the process, given the reason.
    """

    def __init__(
        self,
        limit_seconds: float,
        work: Callable[[], Mapping[str, Work]],
        beat: Callable[[Callable[[], None]], object],
        end: Callable[[str], None] | None = None,
    ) -> None:
        self._detector = StallDetector(limit_seconds)
        self._work = work
        self._ask = beat
        self._end = end or (lambda reason: end_process(reason, self._watched))
        self._beats = 0
        self._asked = False
        self._watched = threading.get_ident()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        """Start the watchdog thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread. A second call does nothing."""
        self._stopping.set()

    def _beat(self) -> None:
        self._beats += 1
        self._asked = False

    def _run(self) -> None:
        before = monotonic_seconds()
        while not self._stopping.wait(_CHECK_SECONDS):
            now = monotonic_seconds()
            try:
                work = self._work()
            except RuntimeError:  # a dictionary changed while it was read: check again
                continue
            reason = self._detector.check(now - before, self._beats, work)
            before = now
            if reason:
                self._end(reason)
                return
            if not self._asked:
                self._asked = True
                try:
                    self._ask(self._beat)
                except RuntimeError:  # the loop has been closed: the worker is ending
                    return


def end_process(reason: str, thread_id: int) -> None:
    """Write one line to stderr, past all locks and buffers, and end the process. Never returns."""
    os.write(2, _line(reason, thread_id))
    os._exit(EXIT_CODE)


def _line(reason: str, thread_id: int) -> bytes:
    """Return a log line like the worker's own last one, with the stack of the watched thread."""
    frame = sys._current_frames().get(thread_id)
    stack = traceback.extract_stack(frame)[-_FRAMES:] if frame is not None else []
    entry = {
        "error": f"stuck: {reason}",
        "kind": "Stuck",
        "at": " < ".join(
            f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in reversed(stack)
        ),
        "logger": "hushtag.watchdog",
        "level": "error",
        "time": datetime.fromtimestamp(now_ms() / 1000, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "message": "worker ends",
    }
    return json.dumps(entry).encode() + b"\n"
