"""Faults of a cluster's brokers, one broker at a time: two of three replicas remain, as the promises need."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from devkit.stack import KafkaNode
from streams.constants import PANE_MS
from tests.fault.cluster import FENCED_AFTER_SECONDS, FOLLOWER, ClusterWorld, SplitCluster
from tests.fault.faults import FAULTS, Fault
from tests.fault.watch import Watch
from tests.fault.world import Scene

_START_SECONDS = 90.0
_PAUSE_AT_SECONDS = 6.5
"""Position within a pane of ten seconds at which a follower is stopped."""


def _cluster(scene: Scene) -> SplitCluster:
    assert isinstance(scene.world, ClusterWorld)
    return scene.world.kafka


def _leader(scene: Scene, rng: random.Random) -> KafkaNode:
    return _cluster(scene).leader(scene.settings.topic("tweets"), rng.randrange(scene.sources))


def leader_kill(scene: Scene, watch: Watch, rng: random.Random) -> None:
    with scene.world.broker_lock:
        node = _leader(scene, rng)
        node.kill()
        time.sleep(rng.uniform(0, FENCED_AFTER_SECONDS))
        node.start(timeout_seconds=_START_SECONDS)


def roll(scene: Scene, watch: Watch, rng: random.Random) -> None:
    """Restart all brokers one by one, each when the one before is in sync again."""
    cluster, topics = _cluster(scene), [scene.settings.topic(name) for name in ("tweets", "hashtag-partials")]
    with scene.world.broker_lock:
        for node in rng.sample(cluster.brokers, len(cluster.brokers)):
            node.restart(timeout_seconds=_START_SECONDS)
            for topic in topics:
                cluster.wait_in_sync(topic, 0, 3, timeout_seconds=_START_SECONDS)


def follower_stop(scene: Scene, watch: Watch, rng: random.Random) -> None:
    """Stop a follower of `tweets` for longer than it stays in sync: records are stamped and not replicated.

    It begins before the end of a pane. By the high watermark alone, the pane would settle before they are replicated.
    """
    node = _cluster(scene).node(FOLLOWER)
    with scene.world.broker_lock:
        time.sleep((_PAUSE_AT_SECONDS - time.time()) % (PANE_MS / 1000))
        node.pause()
        time.sleep(FENCED_AFTER_SECONDS + rng.uniform(0, 1))
        node.resume()


def minority(scene: Scene, watch: Watch, rng: random.Random) -> None:
    """Take away one broker of the three replicas, so long that the others go on without it."""
    node = rng.choice(_cluster(scene).brokers)
    with scene.world.broker_lock:
        node.kill()
        time.sleep(FENCED_AFTER_SECONDS + rng.uniform(2, 8))
        node.start(timeout_seconds=_START_SECONDS)


def old_leader(scene: Scene, watch: Watch, rng: random.Random) -> None:
    """Cut a leader off from the other brokers and the controller. Workers and producers still reach it."""
    cluster = _cluster(scene)
    with scene.world.broker_lock:
        node = _leader(scene, rng)
        cluster.isolate(node)
        time.sleep(FENCED_AFTER_SECONDS + rng.uniform(2, 8))
        cluster.rejoin(node)


CLUSTER_FAULTS: dict[str, Fault] = {
    "leader-kill": leader_kill, "roll": roll, "follower-stop": follower_stop, "minority": minority,
    "old-leader": old_leader,
}  # fmt: skip
ALL_FAULTS: dict[str, Callable[[Scene, Watch, random.Random], None]] = FAULTS | CLUSTER_FAULTS
