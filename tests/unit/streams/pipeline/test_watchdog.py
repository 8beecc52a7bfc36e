"""The watchdog ends a stuck worker and leaves a slow one alone."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading

from hypothesis import given
from hypothesis import strategies as st

from streams.pipeline import watchdog
from streams.pipeline.watchdog import StallDetector, Watchdog, Work


def check(detector: StallDetector, seconds: int, beats, work) -> str:
    """Check once a second until something is stuck."""
    for second in range(seconds):
        if reason := detector.check(1.0, beats(second), work(second)):
            return reason
    return ""


def test_blocked_loop_is_reported():
    detector = StallDetector(10)
    assert check(detector, 10, lambda second: 0, lambda second: {}) == ""
    assert check(detector, 10, lambda second: 0, lambda second: {}) == "the event loop has not run for 11 s"


def test_standing_backlog_is_reported():
    stands = {"hashtag-partials[3]": Work(7, 9)}
    reason = check(StallDetector(10), 20, lambda second: second, lambda second: stands)
    assert reason == "hashtag-partials[3] stands at 7 of 9 for 11 s"


def test_partition_without_backlog_is_not_reported():
    assert check(StallDetector(10), 100, lambda second: second, lambda second: {"a": Work(9, 9)}) == ""


def test_slow_progress_is_not_reported():
    assert check(StallDetector(10), 100, lambda second: second, lambda second: {"a": Work(second // 9, 1_000)}) == ""


def test_reassigned_partition_restarts_its_timer():
    def work(second: int) -> dict[str, Work]:
        return {} if second == 8 else {"a": Work(7, 9)}

    assert check(StallDetector(10), 18, lambda second: second, work) == ""


def test_blocked_loop_is_reported_before_its_backlog():
    detector = StallDetector(10)
    reason = check(detector, 30, lambda second: 0, lambda second: {"a": Work(7, 9)})
    assert "event loop" in reason


@given(st.floats(min_value=3, max_value=1e6))
def test_suspended_time_does_not_count(slept_seconds):
    """A stopped worker that continues gets its whole time again."""
    detector = StallDetector(5)
    assert detector.check(1.0, 0, {"a": Work(7, 9)}) == ""
    assert detector.check(slept_seconds, 0, {"a": Work(7, 9)}) == ""
    assert detector.check(1.0, 1, {"a": Work(8, 9)}) == ""


def test_watchdog_reports_a_blocked_loop(monkeypatch):
    monkeypatch.setattr(watchdog, "_CHECK_SECONDS", 0.05)
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


def test_watchdog_ends_the_process_with_one_log_line():
    done = subprocess.run([sys.executable, "-c", STUCK], capture_output=True, timeout=90, check=False)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    entry = json.loads(line)
    assert entry["message"] == "worker ends" and entry["kind"] == "Stuck"
    assert entry["error"].startswith("stuck: the event loop has not run for")
    assert "hangs" in entry["at"]
