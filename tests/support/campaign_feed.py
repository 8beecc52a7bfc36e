"""A campaign's tweets on a real broker, and its settled evidence."""

from __future__ import annotations

import base64
import json
import random
import threading
import time
from dataclasses import dataclass, field

from kafka import KafkaProducer

from streams.log.evidence import EvidenceRecord, decode_evidence_record
from streams.settings import Settings
from tests.support.workers import WorkerProcess, json_lines

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
    """Tweets under one hashtag from IN until `stop` is set; every account tweets about once a second."""

    settings: Settings
    stop: threading.Event = field(default_factory=threading.Event)
    speaking: threading.Event = field(default_factory=threading.Event)
    """Set once every account has tweeted."""

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
    """Collect the evidence up to a tick, by shard and tick; repeated records must be equal."""
    found: dict[tuple[int, int], EvidenceRecord] = {}
    for line in json_lines(lines):
        record = decode_evidence_record(base64.b64decode(line["value_base64"]))
        if record.hashtags and record.tick_ms <= end_ms:
            assert found.setdefault((record.shard, record.tick_ms), record) == record
    return found


def settled_past(worker: WorkerProcess, tick_ms: int, shards: int, seconds: float = 240) -> None:
    settled = "hushtag_settled_tick_timestamp_seconds"
    deadline = time.monotonic() + seconds
    while worker.lowest(settled) * 1000 < tick_ms or worker.series(settled) < shards:
        assert worker.running, worker.tail()
        assert time.monotonic() < deadline, f"not settled: {worker.tail()}"
        time.sleep(0.1)
