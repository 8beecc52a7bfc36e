"""What is stuck is ended, and nothing else is."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading

from hypothesis import given
from hypothesis import strategies as st

from streams.pipeline import watchdog
from streams.pipeline.watchdog import Patience, Watchdog, Work


def looks(patience: Patience, seconds: int, beats, work) -> str:
    """One look a second until something is stuck."""
    for second in range(seconds):
        if reason := patience.look(1.0, beats(second), work(second)):
            return reason
    return ""


def test_a_loop_that_does_not_run():
    patience = Patience(10)
    assert looks(patience, 10, lambda second: 0, lambda second: {}) == ""
    assert looks(patience, 10, lambda second: 0, lambda second: {}) == "the event loop has not run for 11 s"


def test_a_backlog_that_does_not_move():
    stands = {"hashtag-partials[3]": Work(7, 9)}
    reason = looks(Patience(10), 20, lambda second: second, lambda second: stands)
    assert reason == "hashtag-partials[3] stands at 7 of 9 for 11 s"


def test_no_backlog_is_no_reason():
    assert looks(Patience(10), 100, lambda second: second, lambda second: {"a": Work(9, 9)}) == ""


def test_a_step_now_and_then_is_enough():
    assert looks(Patience(10), 100, lambda second: second, lambda second: {"a": Work(second // 9, 1_000)}) == ""


def test_a_partition_that_comes_back_begins_anew():
    def work(second: int) -> dict[str, Work]:
        return {} if second == 8 else {"a": Work(7, 9)}

    assert looks(Patience(10), 18, lambda second: second, work) == ""


def test_backlog_of_a_blocked_loop_is_the_loops_fault():
    patience = Patience(10)
    reason = looks(patience, 30, lambda second: 0, lambda second: {"a": Work(7, 9)})
    assert "event loop" in reason


@given(st.floats(min_value=3, max_value=1e6))
def test_time_in_which_we_slept_ourselves_does_not_count(slept_seconds):
    """A worker that was stopped and goes on gets its time again."""
    patience = Patience(5)
    assert patience.look(1.0, 0, {"a": Work(7, 9)}) == ""
    assert patience.look(slept_seconds, 0, {"a": Work(7, 9)}) == ""
    assert patience.look(1.0, 1, {"a": Work(8, 9)}) == ""


def test_it_watches_a_loop(monkeypatch):
    monkeypatch.setattr(watchdog, "_LOOK_SECONDS", 0.05)
    found: list[str] = []
    ended = threading.Event()

    async def work() -> None:
        loop = asyncio.get_running_loop()
        one = Watchdog(2.0, dict, loop.call_soon_threadsafe, lambda reason: (found.append(reason), ended.set()))
        one.start()
        await asyncio.sleep(3)
        assert not found
        ended.wait(60)  # the loop does not run
        one.stop()

    asyncio.run(work())
    assert ended.is_set() and "event loop" in found[0]


STUCK = """
import asyncio, time
from streams.pipeline.watchdog import Watchdog

def hangs():
    time.sleep(60)

async def main():
    Watchdog(2.0, dict, asyncio.get_running_loop().call_soon_threadsafe).start()
    await asyncio.sleep(0.1)
    hangs()

asyncio.run(main())
"""


def test_the_end_is_one_line_that_says_where():
    done = subprocess.run([sys.executable, "-c", STUCK], capture_output=True, timeout=90, check=False)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    said = json.loads(line)
    assert said["message"] == "worker ends" and said["kind"] == "Stuck"
    assert said["error"].startswith("stuck: the event loop has not run for")
    assert "hangs" in said["at"]
