"""A worker that logs in to Kafka by its certificate."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.secured import Secured, succeed
from tests.support.steady_tweets import POLICY
from tests.support.workers import WorkerProcess

pytestmark = [pytest.mark.cluster, pytest.mark.long, pytest.mark.timeout(300)]


def test_worker_starts_over_mutual_tls(secured: Secured, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY)
    secured.admin = secured.admin.model_copy(update={"policy": tmp_path / "policy.yaml"})
    settings = secured.user("worker", mutual_tls=True)
    assert (settings.kafka_security_protocol, settings.kafka_sasl_mechanism) == ("SSL", None)
    worker = WorkerProcess(settings, tmp_path).start()
    try:
        worker.wait_ready()
        succeed(secured.user("moderation", mutual_tls=True), "block", "#sometag", "--reason", "r", "--for", "1h")
        assert worker.stop() == 0
    finally:
        if worker.running:
            worker.kill()
