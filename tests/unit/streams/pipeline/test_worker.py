"""The end of a worker: the reason in its last log line, the exit code, and no waiting for stuck parts."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import suppress
from types import SimpleNamespace

import pytest
from aiokafka.errors import KafkaConnectionError
from faust.types.tuples import TP
from structlog.testing import capture_logs

from streams.cli.inputs import load_policy_file
from streams.errors import ContractError, DependencyAway, FlagStoreUnavailable, SettingsError
from streams.log.log_clock import LogClock
from streams.log.positions import RecordPosition
from streams.log.unreadable import UnreadableRecord
from streams.pipeline import wiring
from streams.pipeline.backlog import Readiness
from streams.pipeline.stages import Assignments
from streams.pipeline.worker import Worker, _stopped_shards
from streams.settings import Settings
from tests.support.shells import make_shells


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (KafkaConnectionError("Unable to bootstrap"), 1),
        (DependencyAway("Kafka does not answer"), 1),
        (SettingsError("a setting is wrong"), 2),
        (RuntimeError("a bug"), 1),
    ],
)
async def test_error_during_start_is_the_last_log_line(
    monkeypatch: pytest.MonkeyPatch, error: Exception, code: int
) -> None:
    context = make_shells(monkeypatch).context

    async def fail() -> None:
        raise error

    async def stop() -> None:
        pass

    async def make_context(*_: object) -> object:
        return context

    monkeypatch.setattr(context.sender, "start", fail, raising=False)
    monkeypatch.setattr(context.sender, "stop", stop, raising=False)
    monkeypatch.setattr(wiring, "make_context", make_context)
    with capture_logs() as logs:
        worker = Worker(Settings(), ["judge"], load_policy_file(Settings().policy, 8))
        assert await worker._main() == code
    assert logs[-1]["event"] == "worker ends"
    assert (logs[-1]["error"], logs[-1]["kind"]) == (str(error), type(error).__name__)


STUBBORN = """
import asyncio, time
from streams.cli import main
from streams.pipeline import worker

async def stubborn():
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass

async def live(self):
    loop = asyncio.get_running_loop()
    self.task = loop.create_task(stubborn())
    loop.run_in_executor(None, time.sleep, 60)
    await asyncio.sleep(0.1)
    return 1

async def begin_with_file(settings, policy, log):
    return policy

worker.check_topics = lambda *_, **__: None
worker.policy_to_begin_with = begin_with_file
worker.Worker._main = live
main.run()
"""


async def test_uncancellable_part_does_not_delay_the_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faust's services wait for the tasks that they have started."""
    monkeypatch.setattr("streams.pipeline.worker._STOP_SECONDS", 0.05)
    released = asyncio.Event()

    async def stop() -> None:
        while not released.is_set():
            with suppress(asyncio.CancelledError):
                await released.wait()

    worker = Worker(Settings(), ["judge"], load_policy_file(Settings().policy, 8))
    context = make_shells(monkeypatch).context
    pipeline = SimpleNamespace(app=SimpleNamespace(stop=stop), assignments=Assignments([], dict), context=context)
    with capture_logs() as logs:
        async with asyncio.timeout(30):
            await worker._stop(pipeline, SimpleNamespace())
    assert [(one["event"], one["why"]) for one in logs] == [("stopping was not clean", "'not within 0.05 s'")]
    released.set()


def test_worker_is_not_ready_while_redis_takes_no_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker(Settings(), ["publish"], load_policy_file(Settings().policy, 8))
    worker._started = True
    context = make_shells(monkeypatch).context
    owned = SimpleNamespace(owned=lambda: {"any": object()})
    pipeline = SimpleNamespace(judge=None, assignments=owned, context=context, ends=[])
    context.writes.failed("0", FlagStoreUnavailable("moved", kind="MOVED"))
    assert worker._why_not_ready(pipeline) == "Redis takes no writes (0): MOVED"


def test_worker_with_a_wrong_clock_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker(Settings(), ["publish"], load_policy_file(Settings().policy, 8))
    worker._started = True
    context = make_shells(monkeypatch).context
    owned = SimpleNamespace(owned=lambda: {TP("moderation", 0): SimpleNamespace(position=4)})
    pipeline = SimpleNamespace(judge=None, assignments=owned, context=context, ends=[lambda _: 4])
    assert worker._why_not_ready(pipeline) == ""  # type: ignore[arg-type]
    context.log_clock.compare(1_000, after_ms=601_000, before_ms=601_001)
    why = "this host's clock is 600.0 s ahead of the Kafka broker's: synchronise both"
    assert worker._why_not_ready(pipeline) == why  # type: ignore[arg-type]


def test_worker_with_a_stopped_shard_is_ready_and_names_the_record() -> None:
    """Its other shard counts as before."""
    record = UnreadableRecord(RecordPosition("hashtag-partials", 2, 7), b"", ContractError("empty"))
    shards = {
        TP("hashtag-partials", 2): SimpleNamespace(position=None),
        TP("hashtag-partials", 3): SimpleNamespace(position=4),
    }
    judge = SimpleNamespace(topic="hashtag-partials", unready=lambda shards: [], stopped=lambda: {2: record})
    assignments = SimpleNamespace(owned=lambda: shards, owned_by=lambda _: {})
    context = SimpleNamespace(writes=SimpleNamespace(why_not=lambda: ""), log_clock=LogClock())
    pipeline = SimpleNamespace(judge=judge, assignments=assignments, context=context, ends=[lambda _: 4])
    worker = Worker(Settings(), ["judge"], None)  # type: ignore[arg-type]
    worker._started = True
    assert worker._why_not_ready(pipeline) == ""  # type: ignore[arg-type]
    (note,) = _stopped_shards(pipeline)  # type: ignore[arg-type]
    assert note == (
        "shard 2 has stopped: hashtag-partials[2] at 7 cannot be read: empty; "
        "hushtag skip hashtag-partials 2 7 --reason TEXT"
    )
    shards[TP("hashtag-partials", 3)].position = 3
    worker._readiness = Readiness()
    assert "hashtag-partials[3] at 3 of 4" in worker._why_not_ready(pipeline)  # type: ignore[arg-type]


def test_stuck_thread_does_not_delay_the_exit() -> None:
    """A thread or a task may wait for a silent broker when everything else has stopped."""
    ended = subprocess.run([sys.executable, "-c", STUBBORN, "worker"], capture_output=True, timeout=100, check=False)
    assert ended.returncode == 1, ended.stderr.decode()
