"""People's decisions on real parts while the clocks of the worker's host and of a person's machine are wrong."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hushtag_client import FlagsClient

from streams.settings import Settings
from tests.support.moved_clock import MovedClock, why_clocks_stay
from tests.support.steady_tweets import wait_until
from tests.support.workers import WorkerProcess, answer, json_lines

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

HEAD = (
    "--authority", "Ministry of Examples", "--country", "IN", "--legal-basis", "IT Act 2000, s. 69A", "--reference",
    "EX/7", "--issued", "2021-01-31", "--received", "2021-01-31T12:00", "--deadline", "+48h", "--actor", "ann",
)  # fmt: skip
LASTS_MS = 1_800_000
SWEPT_SECONDS = 35
"""Longer than the 30 s between two sweeps of publish."""


class Host:
    """A worker and a person's commands under a clock that the test moves; all others have the right one."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self.clock = MovedClock(folder / "clock")
        self.worker = WorkerProcess(settings, folder)
        self.worker.variables = self.clock.environment
        self.reader = FlagsClient(settings.redis_url).start()

    def run(self, *arguments: str) -> list[dict]:
        done = answer(self.settings, *arguments, "--json", variables=self.clock.environment)
        assert done.returncode == 0, done.stderr.decode()[-2_000:]
        return list(json_lines(done.stdout))

    def block(self, hashtag: str) -> None:
        """Block a hashtag for half an hour, and compare its end with the right clock."""
        before_ms = time.time_ns() // 1_000_000
        [written] = self.run("block", hashtag, "--for", "30m", "--reason", "a test", "--surface", "trends")
        after_ms = time.time_ns() // 1_000_000
        assert written["published"] is True
        assert before_ms <= written["expires_at_ms"] - LASTS_MS <= after_ms

    def move(self, seconds: int) -> None:
        self.clock.move(seconds)
        wait_until(lambda: abs(self.worker.metric("hushtag_clock_ahead_seconds") - seconds) < 2, 60)

    def is_hidden(self, hashtag: str) -> bool:
        return not self.reader.check(hashtag, "trends", "IN").shown


@pytest.fixture
def host(topics: Settings, tmp_path: Path) -> Iterator[Host]:
    if why := why_clocks_stay():
        pytest.skip(why)
    under_test = Host(topics, tmp_path)
    under_test.worker.start().wait_ready()
    yield under_test
    under_test.reader.close()
    if under_test.worker.running:
        under_test.worker.kill()


@pytest.mark.long
def test_blocks_stand_until_their_end_while_clocks_are_wrong(host: Host) -> None:
    tags = []
    for error_seconds in (600, -600, -3_600, 3_600):
        host.move(error_seconds)
        tags.append(f"under{error_seconds}".replace("-", "minus"))
        host.block(tags[-1])
        side = "ahead of" if error_seconds > 0 else "behind"
        assert f"s {side} the Kafka broker's" in host.worker.readiness()["reason"]
        wait_until(lambda: all(map(host.is_hidden, tags)), 10)
    time.sleep(SWEPT_SECONDS)
    assert [host.is_hidden(tag) for tag in tags] == [True] * 4
    assert [row["state"] for row in host.run("moderation", "list")] == ["in force"] * 4
    host.move(0)
    host.worker.wait_ready()
    assert [host.is_hidden(tag) for tag in tags] == [True] * 4
    host.run("undo", tags[0])
    wait_until(lambda: not host.is_hidden(tags[0]), 10)


def test_order_and_its_statement_stand_on_a_fast_host(topics: Settings, tmp_path: Path) -> None:
    """The worker's host is right, and that of the commands is an hour fast from their start."""
    if why := why_clocks_stay():
        pytest.skip(why)
    clock, worker = MovedClock(tmp_path / "clock"), WorkerProcess(topics, tmp_path)
    clock.move(3_600)
    worker.start().wait_ready()

    def run(*arguments: str) -> list[dict]:
        done = answer(topics, *arguments, "--json", variables=clock.environment)
        assert done.returncode == 0, done.stderr.decode()[-2_000:]
        return list(json_lines(done.stdout))

    def on(order: str, *arguments: str) -> list[dict]:
        return run("orders", arguments[0], order, *arguments[1:], "--reason", "a test", "--actor", "ann")

    try:
        file = tmp_path / "order.csv"
        file.write_text("kind,target\nhashtag,#rumour\n")
        order = run("orders", "intake", str(file), *HEAD)[0]["order"]
        on(order, "acknowledge")
        on(order, "review")
        on(order, "decide", "reduced", "--all", "--surface", "trends")
        until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 1_800))
        on(order, "interim", "--until", until)
        [shown, *_] = run("orders", "show", order)
        assert (shown["state"], shown["in_force"]) == ("interim", True)
        [statement] = run("statement", "#rumour")
        assert statement["restriction"]["source"] == "legal"
    finally:
        worker.kill()
