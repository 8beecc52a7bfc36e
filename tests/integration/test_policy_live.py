"""Policy changes with two workers: applied, live everywhere, backtested on the evidence in Kafka, and rolled back."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from streams.log.decisions import Decision, decode_record
from streams.log.evidence import decode_evidence_record
from streams.settings import Settings
from tests.support import steady_tweets
from tests.support.steady_tweets import HARSH, KNOWN_PASTS, Two, keep_tweeting
from tests.support.workers import environment, hushtag, values

pytestmark = [pytest.mark.integration, pytest.mark.long, pytest.mark.timeout(900)]

POLICY, STRICT = (text + KNOWN_PASTS for text in (steady_tweets.POLICY, steady_tweets.STRICT))
WHO = ("--actor", "asha", "--reason", "a campaign runs", "--yes")


def answer(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command that may exit with 3."""
    return subprocess.run(
        [sys.executable, "-m", "streams.cli.main", *arguments], env=environment(settings), capture_output=True,
        timeout=120, check=False,
    )  # fmt: skip


def status(settings: Settings) -> dict:
    return json.loads(answer(settings, "policy", "status", "--json").stdout)


def settled(settings: Settings, action: str) -> set[tuple[str, str]]:
    """Return hashtag and country of every settled decision with this action so far."""
    found = (decode_record(value) for value in values(settings, "suppression-decisions"))
    return {
        (one.hashtag, one.country) for one in found if isinstance(one, Decision)
        for ruling in one.rulings if ruling.action == action and not ruling.provisional
    }  # fmt: skip


@pytest.fixture
def two(topics: Settings, tmp_path: Path):
    """Two workers with a policy file each, and a stream of tweets."""
    workers = Two(topics, tmp_path, STRICT, same_file=False)
    stop = threading.Event()
    feeder = threading.Thread(target=keep_tweeting, args=(topics, stop))
    feeder.start()
    yield workers
    stop.set()
    feeder.join()
    workers.stop()


def test_policy_change_is_applied_backtested_and_rolled_back(two, tmp_path):
    settings, other = (worker.settings for worker in two.workers)

    def live() -> tuple[int, int]:
        """Return the numbers of shards and workers under the live policy."""
        found = status(settings)
        return found["shards_live"], found["workers_live"]

    two.wait_until(lambda: live() == (4, 2))
    two.wait_until(lambda: values(settings, "hashtag-evidence"))
    first = status(settings)["revision"]
    assert len(status(settings)["workers"]) == 2

    new = tmp_path / "new.yaml"
    new.write_text("# sooner\n" + POLICY)
    printed = hushtag(settings, "policy", "apply", str(new), *WHO, "--since", "1h").decode()
    assert "suppress_at 0.84 → 0.3" in printed and "Actions that began before the evidence" in " ".join(printed.split())
    took = two.wait_until(lambda: live() == (4, 1) and status(settings)["revision"] != first)
    print(f"live on all shards after {took:.1f} s, the command's own starts included")

    result = answer(settings, "policy", "status")
    text = result.stdout.decode()
    assert result.returncode == 3, "the other worker's file is the old one"
    assert "live on 4/4 shards, 1/2 workers" in text and "by asha: a campaign runs" in text
    assert "suppress_at 0.84 → 0.3" in text and f"worker two: {other.policy}: " in text
    behind = f"worker two: {other.policy}: behind: "
    two.wait_until(lambda: behind in answer(settings, "policy", "status").stdout.decode())
    assert two.workers[1].metric("hushtag_policy_file_drift") == 1

    two.wait_until(lambda: "watched" in {tag for tag, _ in settled(settings, "suppress")})
    evidence = [decode_evidence_record(value) for value in values(settings, "hashtag-evidence")]
    assert {one.conditions.policy_revision for one in evidence} == {first, status(settings)["revision"]}
    assert any("watched" in one.hashtags for one in evidence)
    tried = json.loads(hushtag(settings, "policy", "impact", str(other.policy), "--since", "1h", "--json"))
    assert tried["tag_panes"] > 0 and tried["shards"] == 4 and not tried["needs_replay"]
    assert {(one["kind"], one["hashtag"]) for one in tried["changes"]} == {("cleared", "watched")}

    hushtag(settings, "policy", "rollback", *WHO, "--no-impact")
    assert Path(settings.policy).read_text() == STRICT.replace("serial: 1", "serial: 3")
    two.wait_until(lambda: "serial 3" in answer(settings, "policy", "status").stdout.decode())


def test_cap_divided_among_judges_holds(topics, tmp_path):
    """Twelve hashtags cross the threshold at once; four judges with a cap of four allow one each."""
    two = Two(topics, tmp_path, POLICY + "valves: {new_suppressions_per_hour: 4}\n", same_file=True)
    settings = two.workers[0].settings
    _flood(settings, tags=12, each=40)

    try:
        two.wait_until(
            lambda: len({tag for tag, _ in settled(settings, "review") | settled(settings, "suppress")}) == 12
        )
        hidden, reviewed = settled(settings, "suppress"), settled(settings, "review")
        assert 1 <= len(hidden) <= 4, "one for each judge"
        assert not hidden & reviewed
        past_a_valve = {
            ruling.valve for value in values(settings, "suppression-decisions")
            if isinstance(one := decode_record(value), Decision) for ruling in one.rulings if ruling.action == "review"
        }  # fmt: skip
        assert past_a_valve == {"new_suppressions_per_hour"}
    finally:
        two.stop()


def _flood(settings: Settings, tags: int, each: int) -> None:
    from kafka import KafkaProducer

    producer = KafkaProducer(bootstrap_servers=settings.kafka)
    now_ms = int(time.time() * 1000)
    for number in range(tags * each):
        tweet = {
            "id": str(now_ms * 1000 + number), "author_id": str(10**9 + number), "created_at_ms": now_ms,
            "text": f"{HARSH} {number % 7} #Flood{number % tags}",
        }  # fmt: skip
        producer.send(settings.topic("tweets"), json.dumps(tweet).encode(), partition=number % 4)
    producer.close()
