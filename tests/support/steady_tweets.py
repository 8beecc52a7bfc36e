"""Steady tweets and waits for tests of real pipelines."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

from kafka import KafkaProducer

from streams.settings import Settings
from tests.support.workers import WorkerProcess, values

POLICY = """
serial: 1
windows: [30s, 2m]
score_floor: 2
evidence_floor: 5
early_confidence: 0.95
categories:
  hateful_conduct:
    mode: suppress
    windows: [30s]
    min_tweets: 10
    min_authors: 8
    suppress_at: 0.30
    clear_at: 0.25
    confidence: 0.8
    dwell: 10s
    expiry: 30s
    corroborate: {need: 1, authors: 5}
"""
HARSH = "you people are disgusting vermin and filth, get out of our country"
MILD = "what a lovely match this evening, well played by everyone on the field"
STRICT = POLICY.replace("suppress_at: 0.30", "suppress_at: 0.84").replace("clear_at: 0.25", "clear_at: 0.01")
# A country without tweets: its low threshold adds to the evidence of each policy the pasts that the other one needs.
KNOWN_PASTS = "    overrides: [{country: DE, suppress_at: 0.2, clear_at: 0.01}]\n"
TAG = ("watched", "trends", "IN")
AUTHORS = 60
COLOURS = ("red", "green", "blue", "white", "black", "brown")
ANIMALS = ("horse", "cow", "goat", "sheep", "duck", "hen", "fox", "owl", "bee", "ant")


def progress(settings: Settings) -> dict[int, dict]:
    """Return the last progress record of every shard."""
    found: dict[int, dict] = {}
    for record in map(json.loads, values(settings, "suppression-decisions")):
        if record["kind"] == "progress" and record["settled_ms"] >= found.get(record["shard"], record)["settled_ms"]:
            found[record["shard"]] = record
    return found


def history(decisions: list[dict]) -> dict[tuple[str, str], list]:
    """Return the settled decisions of every key by tick, for comparison with the reference."""
    best: dict[tuple[str, str, int], tuple[str, list]] = {}
    for record in decisions:
        rulings = [ruling for ruling in record["rulings"] if not ruling["provisional"]]
        key = (record["hashtag"], record["country"], record["settled_ms"])
        if key not in best or record["version"] > best[key][0]:
            best[key] = (record["version"], rulings)
    found: dict[tuple[str, str], list] = {}
    for (hashtag, country, _), (_, rulings) in sorted(best.items()):
        kept = [
            (r["category"], r["surface"], r["action"], r["since_ms"], r["expires_at_ms"], r["reasons"]) for r in rulings
        ]
        past = found.setdefault((hashtag, country), [])
        if not past or kept != past[-1]:
            past.append(kept)
    return {key: [kept for kept in past if kept] for key, past in found.items() if any(past)}


def keep_tweeting(settings, stop: threading.Event, harsh: int = 40, *, copied: bool = False) -> None:
    """Send ten tweets a second under one tag, in turn by sixty authors of whom `harsh` are always harmful.

    A sample has room for all of them, so the harmful share is constant. The harsh authors do not tweet one after the
    other, so a strict policy sees the same share in a window that has just begun. Each author has words of its own,
    unless they are `copied`: a copied harmful text takes its authors' standing, so that the hashtag is contested.
    """
    producer = KafkaProducer(bootstrap_servers=settings.kafka)
    number = time.time_ns()
    while not stop.wait(0.1):
        number += 1
        author, now_ms = number % AUTHORS, int(time.time() * 1000)
        is_harsh = author * harsh % AUTHORS < harsh
        own_words = "" if copied else f", {COLOURS[author // 10]} {ANIMALS[author % 10]}"
        tweet = {
            "id": str(number),
            "author_id": str(author + 1),
            "created_at_ms": now_ms,
            "country": "IN",
            "text": f"{HARSH if is_harsh else MILD}{own_words} #Watched",
        }
        producer.send(settings.topic("tweets"), json.dumps(tweet).encode(), partition=number % 4)
    producer.close()


def wait_until(what, seconds: float = 150) -> float:
    start = time.monotonic()
    while not what():
        assert time.monotonic() - start < seconds, "did not happen in time"
        time.sleep(0.1)
    return time.monotonic() - start


class Two:
    """Two workers with different policy files, restarted when they end: a worker ends at a gap, and replays."""

    def __init__(self, topics: Settings, folder: Path, text: str, same_file: bool) -> None:
        self.workers: list[WorkerProcess] = []
        for name in ("one", "two"):
            policy = folder / ("both" if same_file else name) / "policy.yaml"
            policy.parent.mkdir(exist_ok=True)
            policy.write_text(text)
            settings = topics.model_copy(update={"policy": policy, "instance_id": name})
            self.workers.append(WorkerProcess(settings, folder, name).start().wait_ready())

    def wait_until(self, what, seconds: float = 150) -> float:
        def happened() -> bool:
            for worker in self.workers:
                if not worker.running:
                    worker.start()
            return what()

        return wait_until(happened, seconds)

    def stop(self) -> None:
        for worker in self.workers:
            if worker.running:
                assert worker.stop() == 0
