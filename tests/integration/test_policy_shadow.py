"""A shadow policy runs next to a worker: it reports the hashtags that it would suppress, and suppresses none."""

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

from tests.support import steady_tweets
from tests.support.steady_tweets import KNOWN_PASTS, keep_tweeting, wait_until
from tests.support.workers import WorkerProcess, environment, free_port, hushtag

POLICY, STRICT = (text + KNOWN_PASTS for text in (steady_tweets.POLICY, steady_tweets.STRICT))
PLACES = 2
"""The hashtag has the same state in India and in the world."""
pytestmark = [pytest.mark.integration, pytest.mark.long, pytest.mark.timeout(900)]


def test_shadow_shows_differences_and_publishes_nothing(topics, tmp_path):
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

    def reports() -> list[dict]:
        whole, _, _ = out.read_text().rpartition("\n")  # the last line may be half written
        return [json.loads(line) for line in whole.splitlines()]

    def differing() -> list[str]:
        return [one["hashtag"] for one in reports()[-1]["now"]] if reports() else []

    def metric(kind: str) -> float:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
            found = re.search(rf'differing_tags{{.*kind="{kind}"}} (\S+)', answer.read().decode())
        return float(found[1]) if found else -1.0

    try:
        wait_until(lambda: differing() == ["watched"] * PLACES, 150)
        assert [one["kind"] for one in reports()[-1]["now"]] == ["newly"] * PLACES and reports()[-1]["new"] == PLACES
        assert metric("new") == PLACES and metric("live") == 0
        with FlagsClient(settings.redis_url) as client:
            assert client.wait_until_ready(60)
            assert client.check("watched", "trends").why == "clear", "a shadow suppresses nothing"

        once = json.loads(hushtag(settings, "policy", "shadow", str(new), "--once", "--json", "--since", "1h"))
        assert [one["hashtag"] for one in once["now"]] == ["watched"] * PLACES
        assert once["over_time"][-1]["new"] == PLACES and once["over_time"][0]["new"] == 0

        policy.write_text(POLICY.replace("serial: 1", "serial: 2"))  # the shadow's policy is live now
        wait_until(lambda: reports()[-1]["now"] == [] and reports()[-1]["both"] == PLACES, 150)
        assert reports()[-1]["live_revision"] != reports()[0]["live_revision"]
        assert metric("new") == 0
        ticks = [one["at_ms"] for one in reports()]
        assert ticks == sorted(set(ticks)), "one line a tick"
    finally:
        stop.set()
        feeder.join()
        shadow.send_signal(signal.SIGTERM)
        _, stderr = shadow.communicate(timeout=60)
        code = worker.stop()
    assert (shadow.returncode, code) == (0, 0), stderr.decode()
    assert "From the beginning" in page.read_text() and "#watched" in page.read_text()
