"""Fault injections: each takes a scene and dice, injects its fault, and heals it before it returns."""

from __future__ import annotations

import random
import resource
import sys
import time
from collections.abc import Callable
from contextlib import suppress

from kafka import KafkaAdminClient
from kafka.errors import KafkaError
from redis.exceptions import RedisError

from devkit.stack import StackError
from tests.fault.oracle import Block
from tests.fault.watch import Watch
from tests.fault.world import NEXT_VERSION, SESSION_SECONDS, Scene
from tests.support.moved_clock import why_clocks_stay
from tests.support.workers import answer

Fault = Callable[[Scene, Watch, random.Random], None]


# ---- workers ----


def kill(scene: Scene, watch: Watch, rng: random.Random) -> None:
    for _ in range(rng.choice([1, 1, 2])):
        scene.kill(scene.pick(rng), back_in=rng.uniform(0, 2))
        time.sleep(rng.uniform(0.5, 4))


def kill_start(scene: Scene, watch: Watch, rng: random.Random) -> None:
    slot = scene.pick(rng)
    scene.kill(slot, back_in=0)
    emitted = slot.worker.log.stat().st_size if slot.worker.log.exists() else 0
    if rng.random() < 0.7:  # while it joins and replays
        _until(lambda: b"worker starts" in slot.worker.log.read_bytes()[emitted:], 20)
        time.sleep(rng.uniform(0, 4))
    else:
        time.sleep(rng.uniform(0, 4))
    scene.kill(slot, back_in=rng.uniform(0, 1))


def kill_rebalance(scene: Scene, watch: Watch, rng: random.Random) -> None:
    victim = scene.pick(rng)
    idle = scene.idle()
    if not idle:
        return kill(scene, watch, rng)
    guest = idle[0]
    emitted = guest.worker.log.stat().st_size if guest.worker.log.exists() else 0
    scene.start(guest)
    _until(lambda: b"policy" in guest.worker.log.read_bytes()[emitted:], 25)
    time.sleep(rng.uniform(0, 1.5))
    scene.kill(victim, back_in=rng.uniform(0, 2))
    time.sleep(6)
    scene.stop(guest)


def kill_flush(scene: Scene, watch: Watch, rng: random.Random) -> None:
    slot = scene.pick(rng)
    watch.wait_for("hashtag-partials", 5)
    time.sleep(rng.uniform(0, 0.02))
    scene.kill(slot, back_in=rng.uniform(0, 2))


def kill_commit(scene: Scene, watch: Watch, rng: random.Random) -> None:
    slot = scene.pick(rng)
    watch.wait_for("progress", 15)
    time.sleep(rng.uniform(0, 0.5))
    scene.kill(slot, back_in=rng.uniform(0, 2))


def zombie(scene: Scene, watch: Watch, rng: random.Random) -> None:
    slot = scene.pick(rng)
    scene.pause(slot)
    time.sleep(SESSION_SECONDS + rng.uniform(0.5, 6))
    scene.resume(slot)


def storm(scene: Scene, watch: Watch, rng: random.Random) -> None:
    joined = scene.idle()[: rng.choice([2, 3])]
    for slot in joined:
        scene.start(slot)
        time.sleep(rng.uniform(0.5, 3))
    time.sleep(rng.uniform(3, 6))
    for slot in joined:
        if rng.random() < 0.5:
            scene.stop(slot)
        else:
            slot.wanted = False
            scene.kill(slot, back_in=0)
        time.sleep(rng.uniform(0, 2))


def rolling(scene: Scene, watch: Watch, rng: random.Random) -> None:
    """Upgrade the running workers to the next version; later workers still run the old one."""
    for slot in scene.wanted():
        scene.stop(slot)
        slot.worker.command = [sys.executable, "-m", NEXT_VERSION]
        scene.start(slot)
        with suppress(AssertionError):
            slot.worker.wait_ready(20)


# ---- the broker ----


def broker_kill(scene: Scene, watch: Watch, rng: random.Random) -> None:
    with scene.world.broker_lock:
        scene.world.kafka.kill()
        time.sleep(rng.uniform(0, 2))
        _start_broker(scene)


def broker_stop(scene: Scene, watch: Watch, rng: random.Random) -> None:
    with scene.world.broker_lock:
        scene.world.kafka.pause()
        time.sleep(rng.uniform(2, 9))
        scene.world.kafka.resume()


def broker_full(scene: Scene, watch: Watch, rng: random.Random) -> None:
    """Limit the broker's file size, which acts like a full disk and needs no root rights."""
    kafka = scene.world.kafka
    with scene.world.broker_lock:
        _, most = resource.prlimit(kafka.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(kafka.pid, resource.RLIMIT_FSIZE, (1, most))
        if not _until(lambda: not kafka.running, 15):
            kafka.kill()  # it goes on without the log: some other files still had room
        time.sleep(rng.uniform(0, 1))
        _start_broker(scene)


def _start_broker(scene: Scene) -> None:
    for _ in range(3):
        try:
            scene.world.kafka.start()
            return
        except StackError:
            time.sleep(1)
    raise AssertionError("the broker does not start again")


# ---- Valkey ----


def redis_kill(scene: Scene, watch: Watch, rng: random.Random) -> None:
    with scene.world.redis_lock:
        scene.world.valkey.kill()
        scene.lost_at.append(time.monotonic())  # the last second of its file may be gone
        time.sleep(rng.uniform(0, 4))
        scene.world.valkey.start()


def redis_empty(scene: Scene, watch: Watch, rng: random.Random) -> None:
    with scene.world.redis_lock:
        valkey = scene.world.valkey
        valkey.kill()
        scene.lost_at.append(time.monotonic())
        for found in sorted(valkey.data_dir.rglob("*"), reverse=True):
            if found.is_file() and found != valkey.log_file:
                found.unlink()
        time.sleep(rng.uniform(0, 2))
        valkey.start()


def redis_flush(scene: Scene, watch: Watch, rng: random.Random) -> None:
    with scene.world.redis_lock:
        scene.lost_at.append(time.monotonic())
        scene.world.valkey.flush()


def redis_stop(scene: Scene, watch: Watch, rng: random.Random) -> None:
    with scene.world.redis_lock:
        scene.world.valkey.pause()
        time.sleep(rng.uniform(2, 9))
        scene.world.valkey.resume()


def redis_readonly(scene: Scene, watch: Watch, rng: random.Random) -> None:
    with scene.world.redis_lock, scene.world.redis() as client:
        client.execute_command("REPLICAOF", "127.0.0.1", "1")
        time.sleep(rng.uniform(2, 9))
        client.execute_command("REPLICAOF", "NO", "ONE")


def redis_memory(scene: Scene, watch: Watch, rng: random.Random) -> None:
    with scene.world.redis_lock, scene.world.redis() as client:
        client.config_set("maxmemory", "1")
        time.sleep(rng.uniform(2, 9))
        client.config_set("maxmemory", "0")


# ---- lines ----


def cut(scene: Scene, watch: Watch, rng: random.Random) -> None:
    lines = _lines(scene, rng)
    for line in lines:
        line.cut()
    time.sleep(rng.choice([0, rng.uniform(1, 9)]))
    for line in lines:
        line.heal()


def delay(scene: Scene, watch: Watch, rng: random.Random) -> None:
    lines = _lines(scene, rng)
    for line in lines:
        line.slow(rng.uniform(0.02, 0.4))
    time.sleep(rng.uniform(4, 10))
    for line in lines:
        line.heal()


def half_open(scene: Scene, watch: Watch, rng: random.Random) -> None:
    lines = _lines(scene, rng)
    for line in lines:
        line.half_open()
    time.sleep(rng.uniform(1, 9))
    for line in lines:
        line.heal()


def _lines(scene: Scene, rng: random.Random) -> list:
    number = scene.pick(rng).number
    kafka, valkey = scene.world.kafka.proxies[number], scene.world.redis_proxies[number]
    return rng.choice([[kafka], [kafka], [valkey], [kafka, valkey]])


# ---- clocks ----


def clock(scene: Scene, watch: Watch, rng: random.Random) -> None:
    """Set the clocks of all workers and of a person's machine wrong; the person blocks a hashtag; set them right."""
    if why_clocks_stay():  # the summary of the run says so
        return
    error_seconds = rng.choice([600, -600, 3_600, -3_600])
    for one in scene.clocks:
        one.move(error_seconds)
    time.sleep(2)
    assert _until(lambda: _block(scene, rng), 60), "no person could block a hashtag"
    time.sleep(rng.uniform(4, 8))
    for one in scene.clocks:
        one.move(0)


def _block(scene: Scene, rng: random.Random) -> bool:
    hashtag, from_ms = f"blocked{rng.getrandbits(32)}", int(time.time() * 1000)
    arguments = ("block", hashtag, "--for", "30m", "--reason", "a test of clocks", "--surface", "trends", "--wait", "0")
    if answer(scene.settings, *arguments, variables=scene.clocks[0].environment).returncode:
        return False
    scene.blocks.append(Block(hashtag, 1_800_000, from_ms, int(time.time() * 1000)))
    return True


# ---- what is asked of it ----


def partitions(scene: Scene, watch: Watch, rng: random.Random) -> None:
    """Add partitions, which producers may use at once."""
    more = scene.sources + rng.choice([1, 2])

    def add() -> bool:
        try:
            admin = KafkaAdminClient(bootstrap_servers=scene.settings.kafka, bootstrap_timeout_ms=5_000)
            try:
                admin.create_partitions({scene.settings.topic("tweets"): more})
            finally:
                admin.close()
        except KafkaError:
            return False
        return True

    assert _until(add, 40), "no partitions could be added"
    scene.sources = more
    watch.traffic.sources = more


def policy(scene: Scene, watch: Watch, rng: random.Random) -> None:
    scene.serial += 1
    scene.write_policy(least=rng.choice([6, 14]))
    time.sleep(1)


FAULTS: dict[str, Fault] = {
    "kill": kill, "kill-start": kill_start, "kill-rebalance": kill_rebalance, "kill-flush": kill_flush,
    "kill-commit": kill_commit, "zombie": zombie, "storm": storm, "rolling": rolling, "broker-kill": broker_kill,
    "broker-stop": broker_stop, "broker-full": broker_full, "redis-kill": redis_kill, "redis-empty": redis_empty,
    "redis-flush": redis_flush, "redis-stop": redis_stop, "redis-readonly": redis_readonly,
    "redis-memory": redis_memory, "cut": cut, "delay": delay, "half-open": half_open, "partitions": partitions,
    "policy": policy, "clock": clock,
}  # fmt: skip


def _until(true: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(OSError, RedisError):
            if true():
                return True
        time.sleep(0.05)
    return False
