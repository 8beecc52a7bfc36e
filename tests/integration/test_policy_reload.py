"""A policy that is edited while a worker runs: a lower threshold shows in flags, a broken edit changes nothing."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hushtag_client import FlagsClient
from hushtag_client.registers import Register
from kafka import KafkaProducer

from streams.policy import parse_policy
from streams.settings import Settings
from tests.integration.test_exactness import HARSH, MILD, POLICY
from tests.support.workers import WorkerProcess, hushtag

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

STRICT = POLICY.replace("suppress_at: 0.30", "suppress_at: 0.84").replace("clear_at: 0.25", "clear_at: 0.01")


TAG = ("watched", "trends", "IN")
AUTHORS = 60


def keep_tweeting(settings, stop: threading.Event, harsh: int = 40) -> None:
    """Ten tweets a second under one tag, in turn by sixty authors of whom so many are always harsh, the others never.

    Fewer than a sample holds: whoever is in it, the harmful share is the same. So it is in a window that has just
    begun: the harsh ones do not speak one after the other, and a strict policy never sees them alone.
    """
    producer = KafkaProducer(bootstrap_servers=settings.kafka)
    number = time.time_ns()
    while not stop.wait(0.1):
        number += 1
        author, now_ms = number % AUTHORS, int(time.time() * 1000)
        is_harsh = author * harsh % AUTHORS < harsh
        tweet = {
            "id": str(number),
            "author_id": str(author + 1),
            "created_at_ms": now_ms,
            "country": "IN",
            "text": f"{HARSH if is_harsh else MILD} #Watched",
        }
        producer.send(settings.topic("tweets"), json.dumps(tweet).encode(), partition=number % 4)
    producer.close()


def wait_until(what, seconds: float = 150) -> float:
    start = time.monotonic()
    while not what():
        assert time.monotonic() - start < seconds, "did not happen in time"
        time.sleep(0.1)
    return time.monotonic() - start


def policy_text(serial: int, suppress_at: float, clear_at: float) -> str:
    """The demo's policy with a short dwell, copies alone to corroborate, and other thresholds."""
    text = Path("config/demo-policy.yaml").read_text("utf-8").replace("dwell: 30s", "dwell: 10s")
    text = re.sub(r"suppress_at: [\d.]+", f"suppress_at: {suppress_at}", text.replace("need: 2", "need: 1"))
    return re.sub(r"clear_at: [\d.]+", f"clear_at: {clear_at}", text).replace("serial: 1", f"serial: {serial}")


@contextmanager
def tweeting(settings: Settings, harsh: int) -> Iterator[None]:
    """While `keep_tweeting` runs."""
    stop = threading.Event()
    feeder = threading.Thread(target=keep_tweeting, args=(settings, stop, harsh))
    feeder.start()
    try:
        yield
    finally:
        stop.set()
        feeder.join()


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
        with tweeting(settings, harsh=27), FlagsClient(settings.redis_url) as client:
            assert client.wait_until_ready(60)

            def flagged() -> bool:
                return not client.check(*TAG).shown

            time.sleep(20)
            assert client.check(*TAG).why == "clear"

            policy.write_text(policy_text(2, suppress_at=0.3, clear_at=0.25))
            began = time.monotonic()
            wait_until(lambda: picked_up())
            took["lower, picked up"] = time.monotonic() - began
            wait_until(flagged)
            took["lower, in flags"] = time.monotonic() - began

            policy.write_text(policy_text(3, suppress_at=0.3, clear_at=2))
            began = time.monotonic()
            wait_until(lambda: worker.metric("hushtag_policy_file_bad") == 1)
            took["broken, seen"] = time.monotonic() - began
            wait_until(lambda: "policy.yaml:19:15" in worker.log.read_text())  # line and column
            register = wait_for_settled(client)
            assert flagged() and register.policy_revision == parse_policy(policy_text(2, 0.3, 0.25), "").revision
            assert float(register.evidence["upper"]) < 0.92
            explained(settings, policy_text(2, 0.3, 0.25))
            wait_until(lambda: time.time() * 1000 > register.decided_at_ms + 10_000)

            policy.write_text(policy_text(4, suppress_at=0.93, clear_at=0.92))
            began = time.monotonic()
            wait_until(lambda: picked_up())
            took["higher, picked up"] = time.monotonic() - began
            assert worker.metric("hushtag_policy_file_bad") == 0
            wait_until(lambda: not flagged())
            took["higher, clear"] = time.monotonic() - began
            assert client.check(*TAG).why == "clear"
            assert worker.running and worker.pid == pid, "without a restart"
    finally:
        code = worker.stop()
        print({name: f"{seconds:.1f} s" for name, seconds in took.items()})
    assert code == 0
    most = {"lower, picked up": 2, "lower, in flags": 5, "broken, seen": 2, "higher, picked up": 2, "higher, clear": 20}
    assert set(took) == set(most)
    assert {name: seconds for name, seconds in took.items() if seconds > most[name]} == {}


def explained(settings: Settings, live: str) -> None:
    """`hushtag explain` names the line that hid the tag, what would show it again, and the words behind it."""
    told = json.loads(hushtag(settings, "explain", TAG[0], "--country", TAG[2], "--json", "--terms"))
    place = next(one for one in told["places"] if one["surface"] == "trends")
    register = next(one for one in place["registers"] if one["outcome"] == "wins")
    reason = register["reasons"][0]
    assert not place["shown"] and reason["signal"] == "harmful_share_lower" and reason["margin"] > 0
    assert live.splitlines()[reason["line"] - 1].strip() == reason["source"] == "suppress_at: 0.3"
    assert reason["file"].startswith("policy "), "the file on the disk is another one by now"
    assert any("falls below 0.25" in end for end in register["ends_when"])
    standing = next(one for one in told["standings"] if one["category"] == register["category"])
    assert standing["level"] == "over" and standing["missing"] == []
    assert told["volume"][-1]["tweets"] >= told["volume"][0]["tweets"] > 0
    assert told["terms"]["texts"] >= 20 and len(told["terms"]["terms"]) == 12


def wait_for_settled(client: FlagsClient) -> Register:
    """The register of a flag once it is no early one any more."""

    def register() -> Register | None:
        return client.check(*TAG).register

    wait_until(lambda: (found := register()) is not None and not found.provisional)
    found = register()
    assert found is not None
    return found
