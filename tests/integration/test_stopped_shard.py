"""One shard stops at a record that cannot be read; the others go on, and `hushtag skip` lets it go on.

Tweets are harsh all the time. The policy's flags expire after 30 s, so a stopped shard must renew them.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from hushtag_client import FlagsClient
from kafka import KafkaProducer

from streams.cli.dump import as_log_line
from streams.cli.output import json_line
from streams.counting.keys import Sharding
from streams.log.decisions import is_renewal
from streams.log.reading import LogReader, connection
from streams.settings import Settings
from tests.support.steady_tweets import HARSH, POLICY, history, wait_until
from tests.support.workers import WorkerProcess, hushtag, json_lines, values

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

SHARD = 2
"""The shard that stops."""
HELD, OTHER, LATER = (
    next(tag for n in range(99) if Sharding(4).of(tag := f"{name}{n}") == shard)
    for name, shard in (("held", SHARD), ("other", 0), ("later", 3))
)
LONG_SECONDS = 150
"""Longer than the `max_staleness_seconds` of a reader, and than five expiries."""


class StoppingPipeline:
    """A worker, a reader of its flags, and tweets about some hashtags."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        (folder / "policy.yaml").write_text(POLICY)
        self.settings = settings.model_copy(update={"policy": folder / "policy.yaml"})
        self.folder = folder
        self.worker = WorkerProcess(self.settings, folder)
        self.reader = FlagsClient(settings.redis_url).start()
        self.tags = {HELD, OTHER}
        self._stop = threading.Event()
        self._feeding = threading.Thread(target=self._feed)
        self.producer = KafkaProducer(bootstrap_servers=settings.kafka)

    def start(self) -> None:
        self.worker.start().wait_ready()
        self._feeding.start()

    def end(self) -> None:
        self.end_feeding()
        self.reader.close()
        self.producer.close()
        if self.worker.running:
            self.worker.kill()

    def end_feeding(self) -> None:
        self._stop.set()
        if self._feeding.ident is not None:
            self._feeding.join()

    def _feed(self) -> None:
        with KafkaProducer(bootstrap_servers=self.settings.kafka) as producer:
            number = time.time_ns()
            while not self._stop.wait(0.1):
                for tag in sorted(self.tags):
                    number += 1
                    tweet = {
                        "id": str(number), "author_id": str(number % 60 + 1), "country": "IN",
                        "created_at_ms": int(time.time() * 1000), "text": f"{HARSH} #{tag}",
                    }  # fmt: skip
                    producer.send(self.settings.topic("tweets"), json.dumps(tweet).encode(), partition=number % 4)

    def is_flagged(self, *tags: str) -> bool:
        return all(self.reader.check(tag, "trends", "IN").why == "flagged" for tag in tags)

    def expiry_ms(self, tag: str) -> int:
        register = self.reader.check(tag, "trends", "IN").register
        return register.expires_at_ms if register is not None else 0

    def append_bad(self, topic: str, value: bytes | None) -> int:
        sent = self.producer.send(self.settings.topic(topic), value, key=f"{HELD}|IN".encode(), partition=SHARD)
        return int(sent.get(30).offset)

    def notes(self) -> list[str]:
        return self.worker.readiness().get("notes", [])

    def skip(self, topic: str, offset: int) -> None:
        done = hushtag(self.settings, "skip", topic, str(SHARD), str(offset), "--reason", "a test", "--json")
        assert json.loads(done)["offset"] == offset

    def decisions(self) -> list[dict]:
        """Return the readable records of `suppression-decisions`."""
        found = []
        for value in values(self.settings, "suppression-decisions"):
            with suppress(ValueError, TypeError):
                found.append(json.loads(value))
        return found

    def settled_ms(self) -> list[int]:
        """Return the settled time of each shard, in order; 0 before the first tick."""
        done = [one for one in self.decisions() if one["kind"] == "progress"]
        return [max((one["settled_ms"] for one in done if one["shard"] == shard), default=0) for shard in range(4)]

    def dump(self, topic: str) -> str:
        """Write a topic to a file of log lines."""
        path = self.folder / f"{topic}.jsonl"

        async def read() -> None:
            async with LogReader(connection(self.settings), self.settings.topic(topic)) as reader:
                with path.open("wb") as file:
                    async for batch in reader.to_end():
                        file.writelines(json_line(as_log_line(record)) for record in batch)

        asyncio.run(read())
        return str(path)


@pytest.fixture
def world(topics: Settings, tmp_path: Path) -> Iterator[StoppingPipeline]:
    made = StoppingPipeline(topics, tmp_path)
    yield made
    made.end()


def absurd_partial(settings: Settings) -> bytes:
    """Return a marker that a worker has sent, of a billion source partitions."""
    counts = (one for one in values(settings, "hashtag-partials") if one[:1] == b"f")
    changed = msgspec.msgpack.decode(next(counts)[1:])
    changed[3] = 10**9  # after the tag: source_id, source, sources
    return b"f" + msgspec.msgpack.encode(changed)


@pytest.mark.parametrize("what", [pytest.param("empty", marks=pytest.mark.long), "absurd in sources"])
def test_bad_partial_stops_one_shard_until_it_is_skipped(world: StoppingPipeline, what: str) -> None:
    world.start()
    wait_until(lambda: world.is_flagged(HELD, OTHER))
    value = None if what == "empty" else absurd_partial(world.settings)
    offset = world.append_bad("hashtag-partials", value)
    wait_until(world.notes)
    (note,) = world.notes()
    at = f"hashtag-partials[{SHARD}] at {offset} cannot be read: {what}"
    assert at in note and "ready" in world.worker.readiness()["status"]
    assert world.worker.metric("hushtag_shard_stopped") == 1 and at in world.worker.log.read_text()
    world.tags.add(LATER)
    wait_until(lambda: world.is_flagged(LATER))
    stopped_ms = time.time() * 1000
    wait_until(lambda: world.expiry_ms(HELD) > stopped_ms + 30_000)
    assert world.is_flagged(HELD, OTHER), "no judge has renewed it, for its shard has stopped"
    world.skip("hashtag-partials", offset)
    wait_until(lambda: not world.notes() and world.worker.metric("hushtag_shard_stopped") == 0)
    wait_until(lambda: min(world.settled_ms()) > stopped_ms + 10_000)
    assert world.is_flagged(HELD, OTHER, LATER)
    world.end_feeding()
    compare_with_reference(world)
    assert world.worker.stop() == 0


def compare_with_reference(world: StoppingPipeline) -> None:
    """Check that the settled decisions equal a replay's, which passes over the same record."""
    upto_ms = min(world.settled_ms())
    tweets, partials, moderation = (world.dump(topic) for topic in ("tweets", "hashtag-partials", "moderation"))
    given = [tweets, "--partials", partials, "--moderation", moderation]
    reference = [one for one in json_lines(hushtag(world.settings, "replay", *given)) if one["settled_ms"] <= upto_ms]
    real = [one for one in world.decisions() if one["kind"] == "decision" and one["settled_ms"] <= upto_ms]
    assert any(is_renewal(one["version"]) for one in real)
    expected = history(reference)
    assert {tag for tag, _ in expected} == {HELD, OTHER, LATER}
    assert history([one for one in real if not is_renewal(one["version"])]) == expected


@pytest.mark.long
@pytest.mark.parametrize("topic", ["hashtag-panes", "hashtag-short-panes", "suppression-decisions"])
def test_shard_does_not_recover_past_a_bad_record(world: StoppingPipeline, topic: str) -> None:
    """Flags expire after two minutes here: a flag that has expired during the restart is not renewed."""
    world.settings.policy.write_text(POLICY.replace("expiry: 30s", "expiry: 2m"))
    world.start()
    wait_until(lambda: world.is_flagged(HELD, OTHER))
    wait_until(lambda: min(world.settled_ms()) > 0)
    world.worker.kill()
    offset = world.append_bad(topic, b"torn")
    world.worker.start().wait_ready()
    wait_until(world.notes)
    (note,) = world.notes()
    assert f"{topic}[{SHARD}] at {offset}" in note
    stopped_ms, before_ms = time.time() * 1000, world.expiry_ms(HELD)
    assert world.is_flagged(HELD), "it stands"
    wait_until(lambda: world.expiry_ms(HELD) > before_ms)
    assert world.is_flagged(HELD, OTHER)
    world.skip(topic, offset)
    wait_until(lambda: not world.notes())
    wait_until(lambda: world.settled_ms()[SHARD] > stopped_ms)
    assert world.is_flagged(HELD, OTHER) and world.worker.stop() == 0
    if topic == "suppression-decisions":
        listed = json_lines(hushtag(world.settings, "dead-letters", "list", "--of", "internal", "--json"))
        assert [one["origin"] for one in listed] == [f"{topic}/{SHARD}/{offset}"]


@pytest.mark.long
def test_flags_of_a_stopped_shard_stand_for_minutes(world: StoppingPipeline) -> None:
    world.start()
    wait_until(lambda: world.is_flagged(HELD, OTHER))
    offset = world.append_bad("hashtag-partials", b"")
    wait_until(world.notes)
    pid, ends = world.worker.pid, time.monotonic() + LONG_SECONDS
    while time.monotonic() < ends:
        assert world.is_flagged(HELD, OTHER) and world.worker.running
        assert world.reader.check("unknown", "trends", "IN").shown
        time.sleep(0.5)
    assert world.worker.pid == pid, "the watchdog has not ended it"
    world.skip("hashtag-partials", offset)
    wait_until(lambda: not world.notes())
    skipped_ms = time.time() * 1000
    while world.settled_ms()[SHARD] < skipped_ms:
        assert world.is_flagged(HELD), "while the shard catches up, too"
        time.sleep(0.2)
