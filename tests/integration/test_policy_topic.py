"""Policies through the topic with a real worker: a read-only file, a lost race, and a record that cannot be read."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from kafka import KafkaProducer

from streams.log.policies import PolicyRecord, read_policy_topic
from streams.settings import Settings
from tests.support.steady_tweets import POLICY, wait_until
from tests.support.workers import WorkerProcess, answer, values

pytestmark = [pytest.mark.integration, pytest.mark.long, pytest.mark.timeout(300)]
WHO = ("--actor", "asha", "--reason", "a campaign runs", "--yes", "--no-impact", "--to", "topic")


def live(settings: Settings) -> PolicyRecord:
    """Read the live record in this process: a command takes a second to start."""
    found = asyncio.run(read_policy_topic(settings)).live
    assert found is not None
    return found


def test_policy_goes_live_through_the_topic(topics: Settings, tmp_path: Path) -> None:
    folder, new = tmp_path / "configmap", tmp_path / "new.yaml"
    folder.mkdir()
    (folder / "policy.yaml").write_text(POLICY)
    (folder / "policy.yaml").chmod(0o444)
    folder.chmod(0o555)
    new.write_text("# sooner\n" + POLICY.replace("suppress_at: 0.30", "suppress_at: 0.28"))
    settings = topics.model_copy(update={"policy": folder / "policy.yaml"})
    worker = WorkerProcess(settings, tmp_path).start()

    def runs() -> bool:
        return f'hushtag_policy_info{{revision="{live(settings).revision}"}}' in worker.metrics()

    try:
        worker.wait_ready()
        first = live(settings).revision
        producer = KafkaProducer(bootstrap_servers=settings.kafka)
        producer.send(settings.topic("policy"), b"no JSON", key=b"broken", partition=0).get(30)
        producer.close()
        applied = answer(settings, "policy", "apply", str(new), *WHO, "--if-live", first[:6])
        assert applied.returncode == 0, applied.stderr.decode()
        assert live(settings).revision != first
        wait_until(runs, 60)
        wait_until(lambda: values(settings, "internal-dead-letter") == [b"no JSON"], 30)
        assert worker.metric("hushtag_policy_records_unreadable") == 1

        stale = answer(settings, "policy", "apply", str(new), *WHO, "--if-live", first)
        assert stale.returncode == 3 and b"(serial 2) by asha is live" in stale.stderr
        found = json.loads(answer(settings, "policy", "status", "--json").stdout)
        assert (found["serial"], found["source"], found["actor"]) == (2, "topic", "asha")
        assert (folder / "policy.yaml").read_text() == POLICY, "the file is as it was"
        assert worker.metric("hushtag_policy_file_drift") == 0
        assert worker.stop() == 0
        worker.start().wait_ready()
        assert runs(), "an older file is no proposal"
    finally:
        if worker.running:
            worker.stop()
        folder.chmod(0o755)
