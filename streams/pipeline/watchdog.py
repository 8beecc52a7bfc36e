"""Ends a worker that is stuck: alive, heartbeating, holding its partitions, and doing nothing.

Kafka takes partitions only from a worker that is silent, and the heartbeats come from a thread of their own: one whose
event loop is blocked, or whose stage waits for ever, would keep them. So a thread looks at both and, when nothing has
moved for too long, says so in one line and ends the process; its supervisor starts it again, and it replays.

The idea is in `Patience`: time counts only in which the thread itself ran. A process that was stopped and goes on, or a
machine that was suspended, gets its whole time again. What holds the interpreter's lock holds this thread too; then
/healthz does not answer either, and it is for the supervisor's probe to act.
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

_LOOK_SECONDS = 1.0
_FRAMES = 4
EXIT_CODE = 1


class Work(NamedTuple):
    """How far a partition has been worked off."""

    position: int
    """The next offset to work on."""
    end: int
    """Known end of its log; what lies between is backlog."""


@dataclass(slots=True)
class _Waiting:
    position: int
    seconds: float = 0.0


@dataclass(slots=True)
class Patience:
    """For how long nothing has moved; pure but for what it remembers.

    Args:
        limit_seconds: how long the loop, or a partition with a backlog, may stand still.
    """

    limit_seconds: float
    _beat: int = -1
    _loop_seconds: float = 0.0
    _waiting: dict[str, _Waiting] = field(default_factory=dict)

    def look(self, passed_seconds: float, beat: int, work: Mapping[str, Work]) -> str:
        """One look; "" or what is stuck.

        Args:
            passed_seconds: since the last look; more than two intervals count as two, for then we did not run either.
            beat: a number that the loop raises when it runs.
            work: of each partition, by a name for people.
        """
        passed_seconds = min(passed_seconds, 2 * _LOOK_SECONDS)
        self._loop_seconds = 0.0 if beat != self._beat else self._loop_seconds + passed_seconds
        self._beat = beat
        if self._loop_seconds > self.limit_seconds:
            return f"the event loop has not run for {self._loop_seconds:.0f} s"
        if self._loop_seconds:  # nobody can have moved
            return ""
        waiting, self._waiting = self._waiting, {}
        for name, (position, end) in work.items():
            before = waiting.get(name)
            if position >= end:
                continue
            if before is None or before.position != position:
                before = _Waiting(position)
            else:
                before.seconds += passed_seconds
            self._waiting[name] = before
            if before.seconds > self.limit_seconds:
                return f"{name} stands at {position} of {end} for {before.seconds:.0f} s"
        return ""


class Watchdog:
    """The thread. Start it on the loop that it watches.

    Args:
        limit_seconds: see `Patience`.
        work: how far the stages are; called from the thread, so it may only read.
        beat: asks the loop to call a function soon (`loop.call_soon_threadsafe`).
        end: what ends the process, given the reason.
    """

    def __init__(
        self,
        limit_seconds: float,
        work: Callable[[], Mapping[str, Work]],
        beat: Callable[[Callable[[], None]], object],
        end: Callable[[str], None] | None = None,
    ) -> None:
        self._patience = Patience(limit_seconds)
        self._work = work
        self._ask = beat
        self._end = end or (lambda reason: end_process(reason, self._watched))
        self._beats = 0
        self._asked = False
        self._watched = threading.get_ident()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no more. May be called again."""
        self._stopping.set()

    def _beat(self) -> None:
        self._beats += 1
        self._asked = False

    def _run(self) -> None:
        before = monotonic_seconds()
        while not self._stopping.wait(_LOOK_SECONDS):
            now = monotonic_seconds()
            try:
                work = self._work()
            except RuntimeError:  # a dictionary that changed while it was read: look again
                continue
            reason = self._patience.look(now - before, self._beats, work)
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
    """One line on stderr, past all locks and buffers, and the end. Never returns."""
    os.write(2, _line(reason, thread_id))
    os._exit(EXIT_CODE)


def _line(reason: str, thread_id: int) -> bytes:
    """As the worker's own last line, with where the watched thread stands."""
    frame = sys._current_frames().get(thread_id)
    stack = traceback.extract_stack(frame)[-_FRAMES:] if frame is not None else []
    said = {
        "error": f"stuck: {reason}",
        "kind": "Stuck",
        "at": " < ".join(f"{one.filename.rpartition('/')[2]}:{one.lineno} {one.name}" for one in reversed(stack)),
        "logger": "hushtag.watchdog",
        "level": "error",
        "time": datetime.fromtimestamp(now_ms() / 1000, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "message": "worker ends",
    }
    return json.dumps(said).encode() + b"\n"
