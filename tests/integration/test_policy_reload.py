"""Policy edits while a worker runs: flags follow thresholds, and a bad edit changes nothing."""

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

from streams.policy import parse_policy
from streams.settings import Settings
from tests.support.steady_tweets import TAG, keep_tweeting, wait_until
from tests.support.workers import WorkerProcess, hushtag

pytestmark = [pytest.mark.integration, pytest.mark.long, pytest.mark.timeout(900)]


def policy_text(serial: int, suppress_at: float, clear_at: float) -> str:
    """Return the demo's policy with a short dwell, copies as the only corroboration, and other thresholds.

    Copied texts cost the standing, also harmless ones: people would contest the hashtag otherwise.
    """
    text = Path("config/demo-policy.yaml").read_text("utf-8").replace("dwell: 30s", "dwell: 10s")
    text = re.sub(r"suppress_at: [\d.]+", f"suppress_at: {suppress_at}", text.replace("need: 2", "need: 1"))
    return (
        re.sub(r"clear_at: [\d.]+", f"clear_at: {clear_at}", text).replace("serial: 1", f"serial: {serial}")
        + "harmless_below: 0\n"
    )


@contextmanager
def tweeting(settings: Settings, harsh: int) -> Iterator[None]:
    """Wait for a condition while `keep_tweeting` runs."""
    stop = threading.Event()
    feeder = threading.Thread(target=keep_tweeting, args=(settings, stop, harsh), kwargs={"copied": True})
    feeder.start()
    try:
        yield
    finally:
        stop.set()
        feeder.join()


def test_flags_follow_edits_and_ignore_a_bad_one(topics, tmp_path):
    """A lower threshold hides the hashtag, a higher one shows it again, and a bad file leaves the last good one."""
    policy = tmp_path / "policy.yaml"
    policy.write_text(policy_text(1, suppress_at=0.93, clear_at=0.25))
    settings = topics.model_copy(update={"policy": policy})
    worker = WorkerProcess(settings, tmp_path).start().wait_ready()
    pid = worker.pid

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

            policy.write_text(policy_text(2, suppress_at=0.2, clear_at=0.15))
            wait_until(picked_up)
            wait_until(flagged)

            policy.write_text(policy_text(3, suppress_at=0.2, clear_at=2))
            wait_until(lambda: worker.metric("hushtag_policy_file_bad") == 1)
            wait_until(lambda: "policy.yaml:20:15" in worker.log.read_text())  # line and column
            register = wait_for_settled(client)
            assert flagged() and register.policy_revision == parse_policy(policy_text(2, 0.2, 0.15), "").revision
            assert float(register.evidence["upper"]) < 0.92
            explained(settings, policy_text(2, 0.2, 0.15))
            wait_until(lambda: time.time() * 1000 > register.decided_at_ms + 10_000)

            policy.write_text(policy_text(4, suppress_at=0.93, clear_at=0.92))
            wait_until(picked_up)
            assert worker.metric("hushtag_policy_file_bad") == 0
            wait_until(lambda: not flagged())
            assert client.check(*TAG).why == "clear"
            assert worker.running and worker.pid == pid, "without a restart"
            assert client.status().surfaces == tuple(sorted(parse_policy(policy_text(4, 0.93, 0.92), "").surfaces))
            assert client.check(TAG[0], "trend", TAG[2]).warning == "unknown_surface"
    finally:
        code = worker.stop()
    assert code == 0


def explained(settings: Settings, live: str) -> None:
    """Check that `hushtag explain` names the policy line, the condition that would clear it, and the words."""
    report = json.loads(hushtag(settings, "explain", TAG[0], "--country", TAG[2], "--json", "--terms"))
    place = next(one for one in report["places"] if one["surface"] == "trends")
    register = next(one for one in place["registers"] if one["outcome"] == "wins")
    reason = register["reasons"][0]
    assert not place["shown"] and reason["signal"].endswith("share_lower") and reason["margin"] > 0
    assert live.splitlines()[reason["line"] - 1].strip() == reason["source"] == "suppress_at: 0.2"
    assert reason["file"].startswith("policy "), "the file on the disk is another one by now"
    assert any("falls below 0.15" in end for end in register["ends_when"])
    result = next(one for one in report["standings"] if one["category"] == register["category"])
    assert result["level"].startswith("over") and result["missing"] == []
    assert report["volume"][-1]["tweets"] >= report["volume"][0]["tweets"] > 0
    assert report["terms"]["texts"] >= 20 and len(report["terms"]["terms"]) == 12


def wait_for_settled(client: FlagsClient) -> Register:
    """Return the register of a flag once it is no longer early."""

    def register() -> Register | None:
        return client.check(*TAG).register

    wait_until(lambda: (found := register()) is not None and not found.provisional)
    found = register()
    assert found is not None
    return found
