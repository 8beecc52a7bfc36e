"""Tweets with waves of harmful texts at a steady rate, with the traits of the schedule."""

from __future__ import annotations

import json
import random
import threading
import time

from kafka import KafkaProducer
from kafka.errors import KafkaError

from streams.constants import DAY_MS
from streams.settings import Settings
from tests.fault.plan import Plan

RATE = 120
TAGS = 60
ATTACKED = 3
"""Number of the hashtag under which new accounts copy harm, between people who write none."""
SOURCES = 4
"""Initial partition count of `tweets`."""
HARSH = "you people are disgusting vermin and filth, get out of our country"
MILD = "what a lovely match this evening, well played by everyone on the field"
POISON = (b"{", b"", b'{"id": "x"}', b"\xff\xfe", b"[1, 2]")


def spelt(number: int) -> str:
    """Spell a number in letters, so that no text is a copy of another."""
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


def deletion(value: bytes, dice: float) -> bytes:
    """Make the deletion of a payload: exact, or a notice by id; for an unreadable payload, of an unknown tweet."""
    try:
        tweet = json.loads(value)
        actual = ("id", "created_at_ms", "hashtags", "country") if dice < 0.95 else ("id",)
        return json.dumps({"kind": "delete", **{name: tweet[name] for name in actual}}).encode()
    except (ValueError, TypeError, KeyError):
        return b'{"kind": "delete", "id": "1"}'


class Traffic(threading.Thread):
    """Producer of one schedule. An unavailable broker delays it; no tweet is dropped."""

    def __init__(self, settings: Settings, plan: Plan) -> None:
        super().__init__(name="traffic", daemon=True)
        self.sources = SOURCES
        """Number of partitions to send to; a fault may raise it."""
        self.error: BaseException | None = None
        self._settings = settings
        self._plan = plan
        self._rng = random.Random(f"traffic {plan.seed}")

    def run(self) -> None:
        try:
            self._feed()
        except BaseException as error:
            self.error = error

    def _feed(self) -> None:
        rng, start = self._rng, time.monotonic()
        producer = KafkaProducer(
            bootstrap_servers=self._settings.kafka, linger_ms=5, metadata_max_age_ms=1_000,
            max_block_ms=60_000, delivery_timeout_ms=120_000, request_timeout_ms=10_000, reconnect_backoff_max_ms=500,
            acks=self._plan.acks, enable_idempotence=self._plan.acks == "all",
        )  # fmt: skip
        base, number, last = int(time.time() * 1000) * 1_000, 0, dict.fromkeys(range(64), b"")
        waiting: list[tuple[int, bytes]] = []
        while (now := time.monotonic() - start) < self._plan.feed_seconds:
            due = int(now * RATE)
            for one in range(number, due):
                partition = rng.randrange(self.sources)
                value = self._tweet(base + one, now)
                dice = rng.random()
                if "poison" in self._plan.traits and dice < 0.01:
                    value = rng.choice(POISON)
                elif last[partition] and dice > (0.9 if "duplicates" in self._plan.traits else 0.998):
                    value = last[partition]
                last[partition] = value
                if "deletions" in self._plan.traits and dice > 0.75:
                    waiting.append((due + rng.choice([-1, 0, 1, RATE, 10 * RATE]), deletion(value, dice)))
                for notice in [notice for at, notice in waiting if at < one]:
                    self._send(producer, notice, rng.randrange(self.sources))
                waiting = [(at, notice) for at, notice in waiting if at >= one]
                self._send(producer, value, partition)
            number = due
            time.sleep(0.02)
        producer.flush(60)
        producer.close(5)

    def _send(self, producer: KafkaProducer, value: bytes, partition: int) -> None:
        topic = self._settings.topic("tweets")
        while True:
            try:
                producer.send(topic, value, partition=partition)
                return
            except (KafkaError, ValueError):  # it does not know a new partition yet, or the broker is away
                time.sleep(0.2)

    def _tweet(self, ident: int, now_seconds: float) -> bytes:
        rng, traits = self._rng, self._plan.traits
        number = int(rng.paretovariate(0.8)) % TAGS
        if "hot" in traits and rng.random() < 0.9:
            number = 1
        tag = f"Tag{number}"
        wave = int(now_seconds / 12 + number / 2) % 2 == 0
        harsh = rng.random() < (0.97 if wave and number in (1, 2) else 0.02)
        delay_ms = 40
        dice = rng.random()
        if "late" in traits and dice < 0.1:
            delay_ms = rng.choice([3_000, 6_000, 20_000])
        elif "clocks" in traits and dice > 0.92:
            delay_ms = rng.choice([-900, -60_000, -300_000, 8_000_000])
        attack = wave and number == ATTACKED and rng.random() < 0.5  # new accounts with one text
        now_ms = int(time.time() * 1000)
        return json.dumps(
            {
                "id": str(ident),
                "author_id": str(rng.randrange(2_000) + (10_000 if attack else 0)),
                "author_created_at_ms": now_ms - (5 if attack else 400) * DAY_MS,
                "created_at_ms": now_ms - delay_ms,
                "text": HARSH if attack else f"{HARSH if harsh else MILD} {spelt(ident)}",
                "hashtags": [tag],
                "country": rng.choice(["IN", "IN", "US", ""]),
            }
        ).encode()
