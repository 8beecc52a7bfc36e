"""A policy that is edited while a worker runs: a lower threshold shows in flags, a broken edit changes nothing."""

from __future__ import annotations

import json
import threading
import time

import pytest
from hushtag_client import FlagsClient
from kafka import KafkaProducer

from tests.integration.test_exactness import HARSH, POLICY
from tests.integration.workers import WorkerProcess

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


def test_an_edit_goes_live_and_a_broken_one_does_not(topics, tmp_path):
    policy = tmp_path / "policy.yaml"
    policy.write_text(STRICT)
    settings = topics.model_copy(update={"policy": policy})
    worker = WorkerProcess(settings, tmp_path).start().wait_ready()
    stop = threading.Event()
    feeder = threading.Thread(target=keep_tweeting, args=(settings, stop))
    feeder.start()
    try:
        with FlagsClient(settings.redis_url) as client:
            client.wait_until_ready(30)
            wait_until(lambda: client.check("watched", "trends").why == "clear")  # stale until something has settled
            wait_until(lambda: worker.metric("hushtag_tweets_total") > 80)
            assert client.check("watched", "trends").why == "clear"
            policy.write_text(STRICT.replace("serial: 1", "serial: 2").replace("clear_at: 0.01", "clear_at: 2"))
            wait_until(lambda: worker.metric("hushtag_policy_file_bad") == 1)
            assert client.check("watched", "trends").why == "clear"
            policy.write_text(POLICY.replace("serial: 1", "serial: 2"))
            wait_until(lambda: not client.check("watched", "trends").shown)
            assert worker.metric("hushtag_policy_file_bad") == 0
            register = client.check("watched", "trends").register
            assert register is not None
            assert {reason["signal"] if isinstance(reason, dict) else reason.signal for reason in register.reasons} >= {
                "harmful_share_lower"
            }
    finally:
        stop.set()
        feeder.join()
        code = worker.stop()
    assert code == 0
