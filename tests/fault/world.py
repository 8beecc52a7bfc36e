"""Environment of a schedule: a broker and a Valkey behind proxies, and workers under a supervisor.

A worker runs in a slot. Each slot has its proxies to Kafka and Valkey, so one worker can be cut off. The test itself
connects to the servers directly.
"""

from __future__ import annotations

import json
import random
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import redis

from devkit.stack import KafkaServer, ValkeyServer
from devkit.stack.ports import LOOPBACK, free_port
from streams.log.topics import create_topics
from streams.settings import Settings
from tests.fault.oracle import Block
from tests.fault.plan import Plan
from tests.fault.proxy import Proxy
from tests.fault.traffic import SOURCES
from tests.support.moved_clock import MovedClock, why_clocks_stay
from tests.support.workers import WorkerProcess

SLOTS = 4
SHARDS = 4
SESSION_SECONDS = 6
NEXT_VERSION = "tests.fault.next_version"
POLICY = """
serial: {serial}
windows: [20s, 1m]
score_floor: 2
evidence_floor: 5
early_confidence: 0.95
categories:
  hateful_conduct:
    mode: suppress
    windows: [20s]
    min_tweets: {least}
    min_authors: 6
    suppress_at: 0.30
    clear_at: 0.25
    confidence: 0.8
    dwell: 10s
    expiry: 30s
    clear_after: 20s
    min_established: 4
    innocent_past: 800
    corroborate: {{need: 1, authors: 5}}
"""


class SlottedKafka(KafkaServer):
    """Broker with a listener for each slot, advertised as the slot's proxy."""

    def __init__(self, data_dir: Path, **options: object) -> None:
        super().__init__(data_dir, heap_mb=384, **options)  # type: ignore[arg-type]
        self.ports = [free_port() for _ in range(SLOTS)]
        self.proxies = [Proxy(port).start() for port in self.ports]

    def properties(self) -> dict[str, str]:
        lines = super().properties()

        def more(key: str, ports: list[int], form: str) -> str:
            return ",".join([lines[key], *(form.format(at=at, port=port) for at, port in enumerate(ports))])

        return lines | {
            "listeners": more("listeners", self.ports, f"SLOT{{at}}://{LOOPBACK}:{{port}}"),
            "advertised.listeners": more(
                "advertised.listeners", [proxy.port for proxy in self.proxies], f"SLOT{{at}}://{LOOPBACK}:{{port}}"
            ),
            "listener.security.protocol.map": more("listener.security.protocol.map", self.ports, "SLOT{at}:PLAINTEXT"),
            "num.network.threads": "1",
        }


class World:
    """Servers and proxies of one lane, used by one schedule after another."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kafka = self._make_kafka(folder / "kafka")
        self.valkey = ValkeyServer(folder / "valkey")
        self.redis_proxies = [Proxy(self.valkey.port).start() for _ in range(SLOTS)]
        self.broker_lock, self.redis_lock = threading.Lock(), threading.Lock()
        self.valkey.start()
        self.kafka.start()

    def _make_kafka(self, folder: Path) -> SlottedKafka:
        return SlottedKafka(folder)

    def kafka_of(self, slot: int) -> str:
        """Return the address at which the worker of a slot reaches Kafka."""
        return f"{LOOPBACK}:{self.kafka.proxies[slot].port}"

    def make_topics(self, settings: Settings) -> None:
        """Create the topics of one schedule."""
        create_topics(settings, tweets_partitions=SOURCES)

    @property
    def proxies(self) -> list[Proxy]:
        return [*self.kafka.proxies, *self.redis_proxies]

    def redis(self) -> redis.Redis:
        return redis.Redis(host=LOOPBACK, port=self.valkey.port, socket_timeout=5, socket_connect_timeout=5)

    def heal(self) -> None:
        """Heal everything: servers run, proxies forward."""
        for proxy in self.proxies:
            proxy.heal()
        if not self.valkey.running:
            self.valkey.start()
        self._revive_kafka()
        self.valkey.resume()

    def _revive_kafka(self) -> None:
        if not self.kafka.running:
            self.kafka.start()
        self.kafka.resume()

    def stop(self) -> None:
        self.kafka.stop()
        self.valkey.stop()
        for proxy in self.proxies:
            proxy.stop()


@dataclass
class Exit:
    """Unexpected end of a worker."""

    worker: str
    code: int
    last_line: str


@dataclass
class Slot:
    """Slot for a worker, which the supervisor restarts while the slot is wanted."""

    number: int
    worker: WorkerProcess
    wanted: bool = False
    again_at: float = 0.0


@dataclass
class Scene:
    """Topics, workers and supervisor of one schedule."""

    world: World
    plan: Plan
    folder: Path
    slots: list[Slot] = field(default_factory=list)
    exits: list[Exit] = field(default_factory=list)
    lost_at: list[float] = field(default_factory=list)
    """Times at which Redis lost its data."""
    handovers: list[float] = field(default_factory=list)
    """Time from SIGTERM to the end of each worker, in seconds."""
    deaf: list[str] = field(default_factory=list)
    """Workers that did not end after SIGTERM."""
    starts: list[tuple[WorkerProcess, float]] = field(default_factory=list)
    """Wall clock times of worker starts."""
    blocks: list[Block] = field(default_factory=list)
    """Blocks that people wrote; none ends within a schedule."""
    clocks: list[MovedClock] = field(default_factory=list)
    """Clock of each slot; empty where none is moved."""
    sources: int = SOURCES
    serial: int = 1

    def __post_init__(self) -> None:
        world, name = self.world, self.plan.name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.write_policy(least=10)
        self.settings = Settings(
            kafka=world.kafka.bootstrap, redis_url=world.valkey.url, shards=SHARDS, topic_prefix=f"{name}.",
            group=name, policy=self.folder / "policy.yaml", session_timeout_seconds=SESSION_SECONDS,
            start_deadline_seconds=60, encoder="off",
        )  # fmt: skip
        world.heal()
        world.valkey.flush()
        world.make_topics(self.settings)
        for number in range(SLOTS):
            settings = self.settings.model_copy(
                update={
                    "kafka": world.kafka_of(number),
                    "redis_url": f"redis://{LOOPBACK}:{world.redis_proxies[number].port}/0",
                    "instance_id": f"slot{number}" if self.plan.static else "",
                }
            )
            self.slots.append(Slot(number, WorkerProcess(settings, self.folder, f"w{number}")))
        if "clock" in self.plan.kinds and not why_clocks_stay():
            self.clocks = [MovedClock(self.folder / f"clock{slot.number}") for slot in self.slots]
            for slot, clock in zip(self.slots, self.clocks, strict=True):
                slot.worker.variables = clock.environment
        self._ending = threading.Event()
        self._lock = threading.RLock()
        self._supervisor = threading.Thread(target=self._supervise, name="supervisor", daemon=True)
        self._supervisor.start()

    def write_policy(self, *, least: int) -> None:
        """Replace the policy file by rename, as an editor does."""
        new = self.folder / "policy.new"
        new.write_text(POLICY.format(serial=self.serial, least=least))
        new.rename(self.folder / "policy.yaml")

    # ---- workers ----

    def start(self, slot: Slot) -> None:
        with self._lock:
            slot.wanted = True
            if not slot.worker.running:
                self._start(slot)

    def kill(self, slot: Slot, *, back_in: float) -> None:
        """Kill a worker with SIGKILL; the supervisor restarts it after a delay."""
        with self._lock:
            if slot.worker.running:
                slot.worker.kill()
            slot.again_at = time.monotonic() + back_in

    def stop(self, slot: Slot) -> None:
        """Send SIGTERM to a worker and wait for its end."""
        with self._lock:
            slot.wanted = False
        if slot.worker.running:
            start = time.monotonic()
            try:
                slot.worker.stop(seconds=20)
            except AssertionError:
                self.deaf.append(f"w{slot.number}")
            self.handovers.append(time.monotonic() - start)

    def wanted(self) -> list[Slot]:
        return [slot for slot in self.slots if slot.wanted]

    def idle(self) -> list[Slot]:
        return [slot for slot in self.slots if not slot.wanted]

    def pick(self, rng: random.Random) -> Slot:
        """Pick a running worker, or None."""
        running = [slot for slot in self.wanted() if slot.worker.running]
        return rng.choice(running or self.wanted() or self.slots[:1])

    def pause(self, slot: Slot) -> None:
        with self._lock:
            if slot.worker.running:
                slot.worker.signal(signal.SIGSTOP)

    def resume(self, slot: Slot) -> None:
        with self._lock:
            if slot.worker.running:
                slot.worker.signal(signal.SIGCONT)

    def _supervise(self) -> None:
        seen_running: set[int] = set()
        while not self._ending.wait(0.1):
            with self._lock:
                for slot in self.slots:
                    if slot.worker.running:
                        seen_running.add(slot.number)
                        continue
                    if not slot.wanted:
                        seen_running.discard(slot.number)
                        continue
                    if slot.number in seen_running and slot.worker.code is not None and slot.worker.code >= 0:
                        self.exits.append(Exit(f"w{slot.number}", slot.worker.code, last_error(slot.worker)))
                        slot.again_at = time.monotonic() + 1.0
                    seen_running.discard(slot.number)
                    if time.monotonic() >= slot.again_at:
                        self._start(slot)

    def _start(self, slot: Slot) -> None:
        self.starts.append((slot.worker, time.time()))
        slot.worker.start()

    def close(self) -> None:
        """Stop all workers of the schedule."""
        self._ending.set()
        self._supervisor.join()
        for slot in self.slots:
            slot.wanted = False
            if slot.worker.running:
                slot.worker.kill()


def longest_start_seconds(starts: Sequence[tuple[WorkerProcess, float]]) -> float:
    """Longest time from a process start to its first log line, imports included; 0 without one."""
    longest = 0.0
    for at, (worker, began) in enumerate(starts):
        next_begins = next((again for other, again in starts[at + 1 :] if other is worker), float("inf"))
        for line in worker.log.read_text().splitlines():
            last_line = _parsed(line)
            if last_line.get("message") == "worker starts":
                spoke = datetime.fromisoformat(str(last_line["time"])).timestamp()
                if began <= spoke < next_begins:
                    longest = max(longest, spoke - began)
                    break
    return longest


def last_error(worker: WorkerProcess) -> str:
    """Return the last log lines of a worker."""
    for line in reversed(worker.log.read_text().splitlines()):
        last_line = _parsed(line)
        if last_line.get("message") == "worker ends":
            exception = str(last_line.get("exception", ""))[-600:]
            return f"{last_line.get('kind')}: {last_line.get('error')} {exception}".rstrip()
    return worker.tail(1)


def _parsed(line: str) -> Mapping[str, object]:
    try:
        read = json.loads(line)
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}
