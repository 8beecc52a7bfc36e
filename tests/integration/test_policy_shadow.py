"""A policy in the shadow of a running worker's: it shows whom it would hide, and hides nobody."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import urllib.request

import pytest
from hushtag_client import FlagsClient

from tests.integration.test_exactness import POLICY
from tests.integration.test_policy_reload import STRICT, keep_tweeting, wait_until
from tests.support.workers import WorkerProcess, environment, free_port, hushtag

PLACES = 2
"""In India and in the world the tag stands the same."""
pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]


def test_a_shadow_shows_where_it_differs_and_publishes_nothing(topics, tmp_path):
    policy, new, page = tmp_path / "policy.yaml", tmp_path / "new.yaml", tmp_path / "shadow.html"
    policy.write_text(STRICT)
    new.write_text(POLICY)
    settings = topics.model_copy(update={"policy": policy})
    worker = WorkerProcess(settings, tmp_path).start().wait_ready()
    stop, port, out = threading.Event(), free_port(), tmp_path / "shadow.jsonl"
    feeder = threading.Thread(target=keep_tweeting, args=(settings, stop))
    feeder.start()
    with out.open("wb") as lines:
        shadow = subprocess.Popen(
            [sys.executable, "-m", "streams.cli.main", "policy", "shadow", str(new), "--json", "--html", str(page),
             "--metrics-port", str(port)],
            env=environment(settings), stdout=lines, stderr=subprocess.PIPE,
        )  # fmt: skip

    def told() -> list[dict]:
        whole, _, _ = out.read_text().rpartition("\n")  # the last line may be half written
        return [json.loads(line) for line in whole.splitlines()]

    def differing() -> list[str]:
        return [one["hashtag"] for one in told()[-1]["now"]] if told() else []

    def metric(kind: str) -> float:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
            found = re.search(rf'differing_tags{{.*kind="{kind}"}} (\S+)', answer.read().decode())
        return float(found[1]) if found else -1.0

    try:
        wait_until(lambda: differing() == ["watched"] * PLACES, 150)
        assert [one["kind"] for one in told()[-1]["now"]] == ["newly"] * PLACES and told()[-1]["new"] == PLACES
        assert metric("new") == PLACES and metric("live") == 0
        with FlagsClient(settings.redis_url) as client:
            assert client.wait_until_ready(60)
            assert client.check("watched", "trends").why == "clear", "a shadow hides nobody"

        once = json.loads(hushtag(settings, "policy", "shadow", str(new), "--once", "--json", "--since", "1h"))
        assert [one["hashtag"] for one in once["now"]] == ["watched"] * PLACES
        assert once["over_time"][-1]["new"] == PLACES and once["over_time"][0]["new"] == 0

        policy.write_text(POLICY.replace("serial: 1", "serial: 2"))  # what was the shadow's is live now
        wait_until(lambda: told()[-1]["now"] == [] and told()[-1]["both"] == PLACES, 150)
        assert told()[-1]["live_revision"] != told()[0]["live_revision"]
        assert metric("new") == 0
        ticks = [one["at_ms"] for one in told()]
        assert ticks == sorted(set(ticks)), "one line a tick"
    finally:
        stop.set()
        feeder.join()
        shadow.send_signal(signal.SIGTERM)
        _, said = shadow.communicate(timeout=60)
        code = worker.stop()
    assert (shadow.returncode, code) == (0, 0), said.decode()
    assert "From the beginning" in page.read_text() and "#watched" in page.read_text()
