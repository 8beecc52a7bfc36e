"""Watchers of a running schedule: growth of the logs, versions in Redis, and answers of a reader."""

from __future__ import annotations

import threading
import time
import warnings
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field

from hushtag_client import FlagsClient, keys
from hushtag_client.registers import FLAGGING, Register, decode
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from redis.exceptions import RedisError

from streams.log.decisions import Progress, decode_record
from tests.fault.traffic import TAGS, Traffic
from tests.fault.world import SHARDS, Scene

SURFACES = ("trends", "search")


@dataclass
class Loss:
    """Loss of data in Redis, with the registers that must be restored."""

    at: float
    missing: dict[str, Register]
    back_seconds: float | None = None


@dataclass
class Seen:
    """Observations of the watchers; `problems` lists violated invariants."""

    problems: list[str] = field(default_factory=list)
    written: dict[tuple[str, str], Register] = field(default_factory=dict)
    """All registers ever seen in Redis, by (field, version)."""
    losses: list[Loss] = field(default_factory=list)
    longest_gap_seconds: float = 0.0
    longest_gap_at_seconds: float = 0.0
    """Start of the longest gap, in seconds since the measurement began."""
    longest_check_seconds: float = 0.0
    flagged: int = 0
    """Number of answers that hid a hashtag."""
    checks: int = 0

    def complain(self, what: str) -> None:
        if len(self.problems) < 20:
            self.problems.append(what)


class Watch:
    """Watchers of one scene; `stop` ends them."""

    def __init__(self, scene: Scene, traffic: Traffic) -> None:
        self.seen = Seen()
        self.traffic = traffic
        self._scene = scene
        self._settled = dict.fromkeys(range(SHARDS), 0)
        self._news = threading.Condition()
        self._counts: dict[str, int] = defaultdict(int)
        self._moved_at: float | None = None
        self._measured_from = 0.0
        self._ending = threading.Event()
        self._threads = [
            threading.Thread(target=self._guarded, args=(work,), name=work.__name__, daemon=True)
            for work in (self._follow_logs, self._follow_redis, self._ask)
        ]

    def start(self) -> Watch:
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join(15)

    @property
    def settled_ms(self) -> int:
        """Return the latest tick that all shards have settled."""
        return min(self._settled.values())

    def measure_gaps(self, on: bool) -> None:
        """Start or stop measuring the time without progress."""
        self._note_gap()
        self._measured_from = time.monotonic()
        self._moved_at = self._measured_from if on else None

    def wait_for(self, kind: str, seconds: float) -> bool:
        """Wait for one more record of a kind: `hashtag-partials`, `decision` or `progress`."""
        with self._news:
            before = self._counts[kind]
            return self._news.wait_for(lambda: self._counts[kind] > before, seconds)

    def _guarded(self, work) -> None:
        try:
            work()
        except Exception as error:
            self.seen.complain(f"the suite's own {work.__name__} failed: {error!r}")

    # ---- the logs ----

    def _follow_logs(self) -> None:
        settings = self._scene.settings
        partials, decisions = settings.topic("hashtag-partials"), settings.topic("suppression-decisions")
        consumer = KafkaConsumer(
            bootstrap_servers=settings.kafka, group_id=None, enable_auto_commit=False, auto_offset_reset="earliest",
            reconnect_backoff_max_ms=500, request_timeout_ms=6_000, fetch_max_wait_ms=50,
        )  # fmt: skip
        consumer.assign([TopicPartition(topic, shard) for topic in (partials, decisions) for shard in range(SHARDS)])
        while not self._ending.is_set():
            try:
                found = consumer.poll(timeout_ms=100)
            except KafkaError:
                time.sleep(0.2)
                continue
            for tp, records in found.items():
                for record in records:
                    self._note(tp, record.value, partials=tp.topic == partials)
        with suppress(KafkaError):
            consumer.close()

    def _note(self, tp: TopicPartition, value: bytes, *, partials: bool) -> None:
        kind = "hashtag-partials"
        if not partials:
            emitted = decode_record(value)
            kind = "progress" if isinstance(emitted, Progress) else "decision"
            if isinstance(emitted, Progress):
                before = self.settled_ms
                self._settled[emitted.shard] = max(self._settled[emitted.shard], emitted.settled_ms)
                if self.settled_ms > before:
                    self._note_gap()
        with self._news:
            self._counts[kind] += 1
            self._news.notify_all()

    def _note_gap(self) -> None:
        now = time.monotonic()
        if self._moved_at is not None:
            if now - self._moved_at > self.seen.longest_gap_seconds:
                self.seen.longest_gap_seconds = now - self._moved_at
                self.seen.longest_gap_at_seconds = self._moved_at - self._measured_from
            self._moved_at = now

    # ---- Redis ----

    def _follow_redis(self) -> None:
        client, last, incarnation = self._scene.world.redis(), dict[str, Register](), b""
        losses = 0
        while not self._ending.wait(0.1):
            try:
                with client.pipeline(transaction=True) as pipe:
                    pipe.get(keys.INCARNATION)
                    pipe.hgetall(keys.REGISTERS)
                    life, raw = pipe.execute()
            except (RedisError, OSError):
                continue
            stands = {keys.field_text(name): decode(value) for name, value in raw.items()}
            for name, register in stands.items():
                self.seen.written[name, register.version] = register
                if register.by_people and register.action == "clear":
                    self.seen.complain(f"a block of people ended early in Redis: {name}")
            if life == incarnation:
                for name, before in last.items():
                    if name in stands and stands[name].version < before.version:
                        self.seen.complain(f"a version fell in Redis: {name} {before.version} → {stands[name].version}")
            while losses < len(self._scene.lost_at):
                self._lose(self._scene.lost_at[losses], last)
                losses += 1
            self._await_back(stands)
            last, incarnation = stands, life
        client.close()

    def _lose(self, at: float, last: dict[str, Register]) -> None:
        live = {name: one for name, one in last.items() if one.action in FLAGGING and one.in_force(_now_ms())}
        self.seen.losses.append(Loss(at, live))

    def _await_back(self, stands: dict[str, Register]) -> None:
        now_ms = _now_ms()
        for loss in self.seen.losses:
            if loss.back_seconds is not None:
                continue
            for name, before in list(loss.missing.items()):
                if not before.in_force(now_ms) or (name in stands and stands[name].version >= before.version):
                    del loss.missing[name]
            if not loss.missing:
                loss.back_seconds = time.monotonic() - loss.at

    # ---- a reader ----

    def _ask(self) -> None:
        number = 0
        url = f"redis://127.0.0.1:{self._scene.world.redis_proxies[0].port}/0"
        with warnings.catch_warnings(), FlagsClient(url) as client:
            while not self._ending.wait(0.005):
                number += 1
                tag, surface, country = f"#Tag{number % TAGS}", SURFACES[number % 2], ("IN", "US", None)[number % 3]
                asked_ms, start = _now_ms(), time.monotonic()
                try:
                    answer = client.check(tag, surface, country)
                except BaseException as error:
                    self.seen.complain(f"a reader saw {error!r}")
                    continue
                taken = time.monotonic() - start
                self.seen.longest_check_seconds = max(self.seen.longest_check_seconds, taken)
                self.seen.checks += 1
                if answer.why != "flagged":
                    continue
                self.seen.flagged += 1
                register = answer.register
                if register is None or register.expires_at_ms <= asked_ms:
                    self.seen.complain(f"a flag outlived its expiry at a reader: {answer}")


def _now_ms() -> int:
    return int(time.time() * 1000)
