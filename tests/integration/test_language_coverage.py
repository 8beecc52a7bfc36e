"""Texts by language on a real Kafka: a worker's hours equal a replay's, and the report adds them up."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from kafka import KafkaProducer

from streams.constants import HOUR_MS
from streams.log.decisions import LanguageCoverage, decode_record
from streams.log.lines import read_lines
from streams.log.topics import create_topics
from streams.policy import parse_policy
from streams.replay import Replay
from streams.scoring import load_text_scorer
from streams.settings import Settings, time_rules
from tests.support.steady_tweets import MILD, POLICY, progress, wait_until
from tests.support.workers import WorkerProcess, hushtag, values

pytestmark = [pytest.mark.integration, pytest.mark.long, pytest.mark.timeout(400)]

TAMIL = "இந்த படம் மிகவும் நன்றாக இருக்கிறது எல்லோரும் பார்க்க வேண்டும்"
HINDI = "आज का मैच बहुत अच्छा था सबने मिलकर देखा"
STEP_MS = 2_000


def backlog(settings: Settings, from_ms: int, to_ms: int) -> None:
    """Write tweets in three languages, one every `STEP_MS`, with their own log times."""
    producer = KafkaProducer(bootstrap_servers=settings.kafka, compression_type=None)
    for number, at_ms in enumerate(range(from_ms, to_ms, STEP_MS)):
        tweet = {
            "id": str(at_ms * 1_000 + number), "author_id": str(number % 900), "created_at_ms": at_ms,
            "text": f"{(MILD, TAMIL, HINDI)[number % 3]} {number} #tag{number % 5}", "country": "IN",
        }  # fmt: skip
        producer.send(
            settings.topic("tweets"), json.dumps(tweet).encode(), partition=number % 4, timestamp_ms=at_ms
        )  # fmt: skip
    producer.flush()


def hours(records: list[LanguageCoverage]) -> dict[tuple[int, int], LanguageCoverage]:
    found: dict[tuple[int, int], LanguageCoverage] = {}
    for one in records:
        assert found.setdefault((one.shard, one.from_ms), one) == one
    return found


def test_hours_of_a_worker_equal_the_replay_and_the_report(settings: Settings, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    settings = settings.model_copy(update={"policy": policy})
    create_topics(settings, create_time=True)
    begun_ms = int(time.time() * 1000)
    first_ms = begun_ms // HOUR_MS * HOUR_MS - 2 * HOUR_MS
    backlog(settings, first_ms + HOUR_MS // 2, begun_ms - 60_000)
    worker = WorkerProcess(settings, tmp_path).start().wait_ready()
    try:
        wait_until(lambda: min((int(one["settled_ms"]) for one in progress(settings).values()), default=0) > begun_ms)
    finally:
        worker.stop()
    written = [decode_record(value) for value in values(settings, "suppression-decisions")]
    live = hours([one for one in written if isinstance(one, LanguageCoverage)])
    (tmp_path / "tweets.jsonl").write_bytes(hushtag(settings, "dump", "tweets"))
    replay = Replay(
        range(4), parse_policy(POLICY, "policy.yaml"), load_text_scorer(), shards=settings.shards,
        times=time_rules(settings), hash_key=settings.hash_key.get_secret_value().encode(),
    )  # fmt: skip
    with (tmp_path / "tweets.jsonl").open("rb") as file:
        for _ in replay.run(sorted(read_lines(file), key=lambda one: (one.timestamp, one.offset))):
            pass
    ended = {key: one for key, one in live.items() if one.to_ms <= begun_ms}  # the clock may end another one meanwhile
    assert ended == hours(replay.coverage)
    assert {from_ms for _, from_ms in ended} == {first_ms, first_ms + HOUR_MS}
    read = [(row.language, row.texts, row.read) for one in live.values() for row in one.languages]
    assert {language for language, _, _ in read} == {"en", "hi", "ta"}
    assert all(count == (0 if language == "ta" else texts) for language, texts, count in read)
    days = [time.strftime("%Y-%m-%d", time.gmtime(at_ms / 1000)) for at_ms in (first_ms, int(time.time() * 1000))]
    report = json.loads(hushtag(settings, "report", "--from", days[0], "--to", days[1], "--json"))["texts_by_language"]
    assert report["hours"] == len({from_ms for _, from_ms in live})
    assert report["total"] == sum(texts for _, texts, _ in read)
    assert report["unread_by_language"] == {"ta": sum(texts for language, texts, _ in read if language == "ta")}
