"""Settled results on a real Kafka equal the reference: with one worker, with a second that joins, and after a kill -9.

A tenth of the tweets is deleted while they are fed, some before they arrive. Each pipeline is fed for most of a minute;
then the test waits until its last minute has settled.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from heapq import heappop, heappush
from pathlib import Path

import pytest
from kafka import KafkaProducer

from streams.log.topics import create_topics
from streams.settings import Settings
from tests.support.steady_tweets import HARSH, MILD, POLICY, history, progress
from tests.support.workers import WorkerProcess, hushtag, json_lines

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1_500)]

SECONDS = 45
RATE = 300


@dataclass
class Run:
    """One pipeline and its results."""

    settings: Settings
    folder: Path
    workers: list[WorkerProcess] = field(default_factory=list)
    log: Path = Path()
    real_panes: dict[tuple[str, str, int], tuple[int, int]] = field(default_factory=dict)
    reference_panes: dict[tuple[str, str, int], tuple[int, int]] = field(default_factory=dict)
    real_decisions: list[dict] = field(default_factory=list)
    reference_decisions: list[dict] = field(default_factory=list)
    undeleted_decisions: list[dict] = field(default_factory=list)
    """Panes of the reference without the deletions."""
    retracted: int = 0
    """Uses counted in a minute and deleted later, by `hushtag panes`."""
    bad: set[tuple[int, int]] = field(default_factory=set)
    dead: list[tuple[int, int]] = field(default_factory=list)

    def worker(self, name: str) -> WorkerProcess:
        self.workers.append(WorkerProcess(self.settings, self.folder, name))
        return self.workers[-1]


def feed(settings: Settings, seed: int) -> set[tuple[int, int]]:
    """Send tweets at a steady rate, some late, repeated or malformed, and deletions.

    Returns:
        The (partition, offset) of the malformed records.
    """
    rng = random.Random(seed)
    producer = KafkaProducer(bootstrap_servers=settings.kafka, compression_type=None, linger_ms=5)
    sent, start, last = [], time.monotonic(), b""
    gone: list[tuple[int, bytes]] = []
    base = int(time.time() * 1000) * 1_000_000
    for number in range(SECONDS * RATE):
        ahead = start + number / RATE - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)
        tag = f"Tag{int(rng.paretovariate(0.8)) % 400}"
        wave = number // RATE // 15 % 2 == 0
        harsh = rng.random() < (0.95 if wave and tag in ("Tag1", "Tag2") else 0.02)
        delay = rng.choice([0, 0, 0, 50, 3_000, 20_000, 8_000_000]) if rng.random() < 0.1 else 40
        tweet = {
            "id": str(base + number), "author_id": str(rng.randrange(4_000)),
            "created_at_ms": int(time.time() * 1000) - delay,
            "text": f"{HARSH if harsh else MILD} {rng.randrange(50)} #{tag}",
            "country": rng.choice(["IN", "IN", "US", ""]),
        }  # fmt: skip
        value = json.dumps(tweet).encode()
        if rng.random() < (0.4 if harsh else 0.07):
            heappush(gone, (number + rng.choice([0, 0, 1, 200, 1_500, 5_000]), deletion(rng, tweet, tag)))
        while gone and gone[0][0] <= number:
            producer.send(settings.topic("tweets"), heappop(gone)[1], partition=rng.randrange(4))
        dice = rng.random()
        broken = dice < 0.003
        if broken:
            value = rng.choice([b"{", b"", b'{"id": "x"}', b"\xff\xfe"])
        elif dice < 0.01:
            value = last
        last = value if not broken else last
        future = producer.send(settings.topic("tweets"), value, partition=rng.randrange(4))
        if broken or value == b"":
            sent.append(future)
    producer.flush()
    return {(meta.partition, meta.offset) for meta in (future.get(60) for future in sent)}


def deletion(rng: random.Random, tweet: dict, tag: str) -> bytes:
    """Return a deletion, sometimes with a hashtag that the tweet did not have, a notice by id, or a withholding."""
    exact = {"kind": "delete", "hashtags": [tag], **{name: tweet[name] for name in ("id", "created_at_ms", "country")}}
    return json.dumps(
        rng.choice([
            exact, exact, exact, {**exact, "hashtags": [tag, "Tag1"]},
            {"delete": {"status": {"id_str": tweet["id"], "user_id_str": tweet["author_id"]}}},
            {"status_withheld": {"id": tweet["id"], "withheld_in_countries": ["IN"]}},
        ])
    ).encode()  # fmt: skip


def settle(run: Run) -> None:
    """Wait until the minute of the last tweet has settled, then read all results."""
    last_ms = int(time.time() * 1000)
    minute_end_ms = (last_ms // 60_000 + 1) * 60_000
    deadline = time.monotonic() + (minute_end_ms - last_ms) / 1000 + 300
    while time.monotonic() < deadline:
        live = [worker for worker in run.workers if worker.running]
        settled = [int(one["settled_ms"]) for one in progress(run.settings).values()]
        if len(settled) == run.settings.shards and min(settled) >= minute_end_ms:
            break
        assert live, run.workers[-1].tail()
        time.sleep(0.5)
    else:
        raise AssertionError(f"not settled: {run.workers[-1].tail()}")
    collect(run, last_ms)


def collect(run: Run, last_ms: int) -> None:
    settings, folder = run.settings, run.folder
    run.log = folder / "tweets.jsonl"
    run.log.write_bytes(hushtag(settings, "dump", "tweets"))
    panes = folder / "reference.jsonl"
    reference = list(json_lines(hushtag(settings, "replay", str(run.log), "--panes", str(panes))))
    run.reference_panes = rows(panes.read_bytes())
    printed = hushtag(settings, "panes", "--json", "--retracted")
    run.real_panes = rows(printed)
    run.retracted = sum(row["retracted"] for row in json_lines(printed) if row["country"] == "*")
    last_tick_ms = max((one["tick_ms"] for one in reference), default=0)
    run.reference_decisions = reference
    kept = folder / "undeleted.jsonl"
    lines = run.log.read_bytes().splitlines(keepends=True)
    kept.write_bytes(b"".join(line for line in lines if b"delete" not in line and b"withheld" not in line))
    run.undeleted_decisions = list(json_lines(hushtag(settings, "replay", str(kept))))
    run.real_decisions = [
        decision
        for line in json_lines(hushtag(settings, "dump", "suppression-decisions"))
        if (decision := json.loads(line["value"]))["kind"] == "decision" and decision["settled_ms"] <= last_tick_ms
    ]
    headers = hushtag(settings, "dump", "tweets-dead-letter")
    for line in json_lines(headers):
        _, partition, offset = line["key"].rsplit("/", 2)
        run.dead.append((int(partition), int(offset)))


def rows(text: bytes) -> dict[tuple[str, str, int], tuple[int, int]]:
    return {
        (row["hashtag"], row["country"], row["minute_ms"]): (row["tweets"], row["authors"]) for row in json_lines(text)
    }


def begin(run: Run, name: str) -> WorkerProcess:
    return run.worker(name).start().wait_ready()


def one_worker(run: Run) -> None:
    begin(run, "only")
    run.bad = feed(run.settings, 1)
    settle(run)


def second_joins(run: Run) -> None:
    begin(run, "first")
    with ThreadPoolExecutor(1) as pool:
        fed = pool.submit(feed, run.settings, 2)
        time.sleep(SECONDS / 3)
        begin(run, "second")
        run.bad = fed.result()
    settle(run)


def killed(run: Run) -> None:
    victim = begin(run, "victim")
    with ThreadPoolExecutor(1) as pool:
        fed = pool.submit(feed, run.settings, 3)
        time.sleep(SECONDS / 2)
        victim.kill()
        run.worker("heir").start()
        run.bad = fed.result()
    run.workers[-1].wait_ready()
    settle(run)


SCENARIOS = {"one worker": one_worker, "a second joins": second_joins, "kill -9 and restart": killed}


@pytest.fixture(
    scope="module",
    params=["one worker", *(pytest.param(name, marks=pytest.mark.long) for name in SCENARIOS if name != "one worker")],
)
def run(request, stack, tmp_path_factory) -> Iterator[Run]:
    """Play a scenario. Those of several workers take long, and schedules of faults show in part what they show."""
    folder, number = tmp_path_factory.mktemp("run"), list(SCENARIOS).index(request.param)
    (folder / "policy.yaml").write_text(POLICY)
    settings = Settings(
        kafka=stack.kafka, redis_url=f"{stack.redis_url.rsplit('/', 1)[0]}/{number + 1}", shards=4,
        topic_prefix=f"exact{number}.", group=f"exact{number}", policy=folder / "policy.yaml",
        session_timeout_seconds=6, start_deadline_seconds=60, encoder="off",
    )  # fmt: skip
    create_topics(settings)
    played = Run(settings, folder)
    SCENARIOS[request.param](played)
    yield played
    for worker in played.workers:
        if worker.running:
            worker.kill()


def test_minute_panes_equal_the_reference(run):
    assert len(run.reference_panes) > 200
    assert run.real_panes == run.reference_panes


def test_settled_decisions_equal_the_reference(run):
    expected = history(run.reference_decisions)
    actions = {ruling[2] for past in expected.values() for rulings in past for ruling in rulings}
    assert {"suppress"} <= actions, "nothing was decided: the test would prove nothing"
    assert history(run.real_decisions) == expected
    assert history(run.undeleted_decisions) != expected, "no deletion mattered: the test would not prove them"
    assert run.retracted > 100


def test_dead_letters_are_exactly_the_bad_records(run):
    assert run.bad
    assert set(run.dead) == run.bad


def test_worker_compiles_no_kernel_at_run_time(run):
    running = [worker for worker in run.workers if worker.running]
    assert running
    for worker in running:
        assert worker.series("hushtag_late_compilations") == 1
        assert worker.metric("hushtag_late_compilations") == 0


def test_worker_stops_on_sigterm(run):
    assert {worker.stop() for worker in run.workers if worker.running} == {0}
