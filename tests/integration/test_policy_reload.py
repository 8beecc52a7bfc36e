"""A policy that is edited while a worker runs: a lower threshold shows in flags, a broken edit changes nothing."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hushtag_client import FlagsClient
from hushtag_client.registers import Register
from kafka import KafkaProducer

from streams.policy import parse_policy
from streams.settings import Settings
from surfaces.demo.traffic import Traffic
from surfaces.demo.truth import Story
from tests.integration.test_exactness import HARSH, POLICY
from tests.integration.workers import WorkerProcess, hushtag

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

STRICT = POLICY.replace("suppress_at: 0.30", "suppress_at: 0.84").replace("clear_at: 0.25", "clear_at: 0.01")


def keep_tweeting(settings, stop: threading.Event) -> None:
    """Ten harsh tweets a second under one tag, every one by somebody else."""
    producer = KafkaProducer(bootstrap_servers=settings.kafka)
    number = time.time_ns()
    while not stop.wait(0.1):
        number += 1
        now_ms = int(time.time() * 1000)
        tweet = {
            "id": str(number),
            "author_id": str(number),
            "created_at_ms": now_ms,
            "text": f"{HARSH} {number % 7} #Watched",
        }
        producer.send(settings.topic("tweets"), json.dumps(tweet).encode(), partition=number % 4)
    producer.close()


def wait_until(what, seconds: float = 60) -> float:
    start = time.monotonic()
    while not what():
        assert time.monotonic() - start < seconds, "did not happen in time"
        time.sleep(0.1)
    return time.monotonic() - start


def policy_text(serial: int, suppress_at: float, clear_at: float) -> str:
    """The demo's policy with a short dwell and other thresholds."""
    text = Path("config/demo-policy.yaml").read_text("utf-8").replace("dwell: 30s", "dwell: 10s")
    text = text.replace("suppress_at: 0.36", f"suppress_at: {suppress_at}").replace(
        "clear_at: 0.25", f"clear_at: {clear_at}"
    )
    return text.replace("serial: 1", f"serial: {serial}")


class Simulator:
    """The demo's simulated tweets, live, in a thread."""

    def __init__(self, settings: Settings) -> None:
        self.traffic = Traffic(settings, seed=7)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run)
        self._task: asyncio.Task[None] | None = None

    def _run(self) -> None:
        self._task = self._loop.create_task(self.traffic.play())
        with suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._task)
        self._loop.close()

    def __enter__(self) -> Simulator:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._task is not None
        self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(20)

    def campaign(self) -> Story:
        """The first hateful one."""
        wait_until(lambda: bool(self.traffic.stories))
        return min((one for one in self.traffic.stories if one.harmful), key=lambda one: one.from_ms)


def test_thresholds_follow_the_file_within_seconds_and_a_broken_edit_changes_nothing(topics, tmp_path):
    """Lower: seen in flags in 5 s. Higher: clear in 20 s, the dwell over. Either known to the worker in 2 s."""
    policy = tmp_path / "policy.yaml"
    policy.write_text(policy_text(1, suppress_at=0.93, clear_at=0.25))
    settings = topics.model_copy(update={"policy": policy})
    worker = WorkerProcess(settings, tmp_path).start().wait_ready()
    pid, took = worker.pid, {}

    def picked_up() -> bool:
        revision = parse_policy(policy.read_text(), "policy.yaml").revision
        return f'hushtag_policy_info{{revision="{revision}"}} 1.0' in worker.metrics()

    try:
        with Simulator(settings) as simulator, FlagsClient(settings.redis_url) as client:
            client.wait_until_ready(30)
            tag = simulator.campaign()

            def flagged() -> bool:
                return not client.check(tag.hashtag, "trends", tag.country).shown

            wait_until(lambda: time.time() * 1000 > tag.from_ms + 20_000)
            assert client.check(tag.hashtag, "trends", tag.country).why == "clear"

            policy.write_text(policy_text(2, suppress_at=0.36, clear_at=0.25))
            began = time.monotonic()
            wait_until(lambda: picked_up())
            took["lower, picked up"] = time.monotonic() - began
            wait_until(flagged)
            took["lower, in flags"] = time.monotonic() - began

            policy.write_text(policy_text(3, suppress_at=0.36, clear_at=2))
            began = time.monotonic()
            wait_until(lambda: worker.metric("hushtag_policy_file_bad") == 1)
            took["broken, seen"] = time.monotonic() - began
            assert "policy.yaml:19:15" in worker.log.read_text(), "the log names line and column"
            register = wait_for_settled(client, tag)
            assert flagged() and register.policy_revision == parse_policy(policy_text(2, 0.36, 0.25), "").revision
            assert float(register.evidence["upper"]) < 0.92
            explained(settings, tag, policy_text(2, 0.36, 0.25))
            wait_until(lambda: time.time() * 1000 > register.decided_at_ms + 10_000)

            policy.write_text(policy_text(4, suppress_at=0.93, clear_at=0.92))
            began = time.monotonic()
            wait_until(lambda: picked_up())
            took["higher, picked up"] = time.monotonic() - began
            assert worker.metric("hushtag_policy_file_bad") == 0
            wait_until(lambda: not flagged())
            took["higher, clear"] = time.monotonic() - began
            assert client.check(tag.hashtag, "trends", tag.country).why == "clear"
            assert worker.running and worker.pid == pid, "without a restart"
    finally:
        code = worker.stop()
        print({name: f"{seconds:.1f} s" for name, seconds in took.items()})
    assert code == 0
    most = {"lower, picked up": 2, "lower, in flags": 5, "broken, seen": 2, "higher, picked up": 2, "higher, clear": 20}
    assert set(took) == set(most)
    assert {name: seconds for name, seconds in took.items() if seconds > most[name]} == {}


def explained(settings: Settings, tag: Story, live: str) -> None:
    """`hushtag explain` names the line that hid the tag, what would show it again, and the words behind it."""
    told = json.loads(hushtag(settings, "explain", tag.hashtag, "--country", tag.country, "--json", "--terms"))
    place = next(one for one in told["places"] if one["surface"] == "trends")
    register = next(one for one in place["registers"] if one["outcome"] == "wins")
    reason = register["reasons"][0]
    assert not place["shown"] and reason["signal"] == "harmful_share_lower" and reason["margin"] > 0
    assert live.splitlines()[reason["line"] - 1].strip() == reason["source"] == "suppress_at: 0.36"
    assert reason["file"].startswith("policy "), "the file on the disk is another one by now"
    assert any("falls below 0.25" in end for end in register["ends_when"])
    standing = next(one for one in told["standings"] if one["category"] == register["category"])
    assert standing["level"] == "over" and standing["missing"] == []
    assert told["volume"][-1]["tweets"] >= told["volume"][0]["tweets"] > 0
    assert told["terms"]["texts"] >= 20 and len(told["terms"]["terms"]) == 12


def wait_for_settled(client: FlagsClient, tag: Story) -> Register:
    """The register of a flag once it is no early one any more."""

    def register() -> Register | None:
        return client.check(tag.hashtag, "trends", tag.country).register

    wait_until(lambda: (found := register()) is not None and not found.provisional)
    found = register()
    assert found is not None
    return found
