"""An order withholds a campaign's loudest accounts in one country, a worker is killed, the order is revoked: what the
judges settled on a real broker, evidence and decisions, equals the reference over the two logs."""

from __future__ import annotations

import base64
import json
import random
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from kafka import KafkaProducer

from streams.counting.block_counts import PANE_MS
from streams.log.evidence import EvidenceRecord, decode_evidence_record
from streams.log.topics import create_topics
from streams.settings import Settings
from tests.integration.test_exactness import history, progress
from tests.support.workers import WorkerProcess, hushtag, json_lines

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1_500)]

POLICY = """
serial: 1
windows: [30s]
score_floor: 2
evidence_floor: 2
categories:
  hateful_conduct:
    mode: suppress
    min_tweets: 20
    min_authors: 20
    suppress_at: 0.30
    clear_at: 0.25
    confidence: 0.8
    dwell: 10s
    expiry: 30s
    corroborate: {need: 1, authors: 5}
"""
LOUD, OTHERS = range(1, 31), range(31, 41)
"""Authors of the campaign; an order names the loud ones."""
HARSH = "you people are disgusting vermin and filth, get out of our country"
RATE = 60


@dataclass
class Feed:
    """Tweets under one hashtag from IN, until told to stop; every account speaks every second or so."""

    settings: Settings
    stop: threading.Event = field(default_factory=threading.Event)
    speaking: threading.Event = field(default_factory=threading.Event)
    """Set once everybody has spoken."""

    def run(self) -> None:
        rng, everyone = random.Random(1), [*LOUD, *OTHERS]
        producer = KafkaProducer(bootstrap_servers=self.settings.kafka, linger_ms=5)
        base, start, number = int(time.time() * 1000) * 1_000_000, time.monotonic(), 0
        while not self.stop.is_set():
            time.sleep(max(0.0, start + number / RATE - time.monotonic()))
            if number % len(everyone) == 0:
                rng.shuffle(everyone)
            tweet = {
                "id": str(base + number), "author_id": str(everyone[number % len(everyone)]), "country": "IN",
                "created_at_ms": int(time.time() * 1000), "text": f"{HARSH} {number} #campaign",
            }  # fmt: skip
            producer.send(self.settings.topic("tweets"), json.dumps(tweet).encode(), partition=number % 2)
            number += 1
            if number == len(everyone):
                producer.flush()
                self.speaking.set()
        producer.flush()
        producer.close()


def evidence_of(lines: bytes, end_ms: int) -> dict[tuple[int, int], EvidenceRecord]:
    """What was seen, by shard and tick up to a moment; repeats must be the same."""
    found: dict[tuple[int, int], EvidenceRecord] = {}
    for line in json_lines(lines):
        record = decode_evidence_record(base64.b64decode(line["value_base64"]))
        if record.hashtags and record.tick_ms <= end_ms:
            assert found.setdefault((record.shard, record.tick_ms), record) == record
    return found


def authors_of(records: dict[tuple[int, int], EvidenceRecord], country: str) -> dict[int, int]:
    """Authors of the campaign by tick."""
    return {
        tick_ms: int(np.frombuffer(record.authors, "<i8")[record.countries.index(country)])
        for (_, tick_ms), record in sorted(records.items())
        if "campaign" in record.hashtags and country in record.countries
    }


def settled_past(worker: WorkerProcess, tick_ms: int, shards: int, seconds: float = 240) -> None:
    settled = "hushtag_settled_tick_timestamp_seconds"
    deadline = time.monotonic() + seconds
    while worker.lowest(settled) * 1000 < tick_ms or worker.series(settled) < shards:
        assert worker.running, worker.tail()
        assert time.monotonic() < deadline, f"not settled: {worker.tail()}"
        time.sleep(0.1)


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    (tmp_path / "policy.yaml").write_text(POLICY)
    made = settings.model_copy(update={"policy": tmp_path / "policy.yaml", "session_timeout_seconds": 6, "shards": 2})
    create_topics(made, tweets_partitions=2)
    return made


def test_an_order_takes_authors_from_the_windows_of_its_country_alone(settings: Settings, tmp_path: Path) -> None:
    targets = tmp_path / "order.csv"
    targets.write_text("target\n" + "".join(f"{one}\n" for one in LOUD))
    worker = WorkerProcess(settings, tmp_path, "first").start().wait_ready()
    feed = Feed(settings)
    feeding = threading.Thread(target=feed.run)
    feeding.start()
    try:
        assert feed.speaking.wait(60)
        began_ms = int(time.time() * 1000)
        taken = hushtag(
            settings, "orders", "intake", str(targets), "--authority", "Ministry of Examples", "--country", "IN",
            "--legal-basis", "IT Act 2000, s. 69A", "--reference", "EX/7", "--issued", "2021-01-31", "--received",
            "2021-01-31T12:00", "--deadline", "+48h", "--actor", "ann", "--json",
        )  # fmt: skip
        [order] = [row["order"] for row in json_lines(taken) if "order" in row]

        def say(*what: str) -> None:
            hushtag(settings, "orders", *what, "-r", "as ordered", "--actor", "ann")

        say("acknowledge", order)
        say("review", order)
        say("decide", order, "withheld", "--all")
        settled_past(worker, began_ms + 2 * PANE_MS, settings.shards)
        final_ms = int(time.time() * 1000)
        say("final", order)
        withheld_ms = int(time.time() * 1000)
        settled_past(worker, withheld_ms + PANE_MS, settings.shards)
        worker.kill()
        worker = WorkerProcess(settings, tmp_path, "second").start()
        revoke_ms = int(time.time() * 1000)
        say("revoke", order)
        revoked_ms = int(time.time() * 1000)
        settled_past(worker, revoked_ms + PANE_MS, settings.shards)
    finally:
        feed.stop.set()
        feeding.join()
        late = worker.metric("hushtag_account_facts_late_total") if worker.running else None
        worker.kill()
    end_ms = min(int(one["settled_ms"]) for one in progress(settings).values())

    tweets, moderation, evidence = (tmp_path / name for name in ("tweets.jsonl", "moderation.jsonl", "evidence.jsonl"))
    tweets.write_bytes(hushtag(settings, "dump", "tweets"))
    moderation.write_bytes(hushtag(settings, "dump", "moderation"))
    reference = hushtag(
        settings, "replay", str(tweets), "--moderation", str(moderation), "--evidence", str(evidence)
    )  # fmt: skip
    expected = evidence_of(evidence.read_bytes(), end_ms)
    real = evidence_of(hushtag(settings, "dump", "hashtag-evidence"), end_ms)
    assert real == expected
    decisions = [json.loads(line["value"]) for line in json_lines(hushtag(settings, "dump", "suppression-decisions"))]
    decided = [one for one in decisions if one["kind"] == "decision" and one["settled_ms"] <= end_ms]
    assert history(decided) == history([one for one in json_lines(reference) if one["tick_ms"] <= end_ms])
    assert late == 0

    there, world = authors_of(real, "IN"), authors_of(real, "*")
    before = [ms for ms in there if began_ms + PANE_MS < ms < final_ms]
    during = [ms for ms in there if withheld_ms <= ms < revoke_ms]
    after = [ms for ms in there if ms >= revoked_ms]
    assert before and during and after, (sorted(there), final_ms, withheld_ms, revoke_ms, revoked_ms)
    whole = len(LOUD) + len(OTHERS)
    assert {there[ms] for ms in (*before, *after)} == {whole}
    assert {there[ms] for ms in during} == {len(OTHERS)}
    assert {world[ms] for ms in (*before, *during, *after)} == {whole}
