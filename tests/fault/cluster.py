"""Environment of a cluster schedule: four brokers and a controller, with a way to cut one broker off from the others.

`tweets` lies on brokers 1 to 3, hushtag's own topics and the group's offsets on 1, 2 and 4, each with three replicas.
Brokers 1 and 2 lead. So a fault of broker 3 touches `tweets` alone, and a fault of a leader touches everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from kafka.errors import TopicAlreadyExistsError

from devkit.stack import KafkaCluster, KafkaNode
from devkit.stack.kafka_node import CONTROLLER, INTERNAL
from streams.log.topic_specs import SPECS, TWEETS, configs_to_make, partitions_to_make
from streams.log.topics import needs_of
from streams.settings import Settings
from tests.fault.proxy import Proxy
from tests.fault.traffic import SOURCES
from tests.fault.world import World

FENCED_AFTER_SECONDS = 14
"""Time for which a broker that hangs stays in the in-sync replicas: longer than the slack of a watermark."""
FOLLOWER = 3
"""Broker that follows in `tweets` alone, and leads nothing."""
_TWEETS, _OWN = ((1, 2, 3), (2, 1, 3)), ((1, 2, 4), (2, 1, 4))
_CONFIG = {
    "broker.session.timeout.ms": str(FENCED_AFTER_SECONDS * 1000),
    "replica.lag.time.max.ms": "16000",
    "leader.imbalance.check.interval.seconds": "5",
    "num.network.threads": "1",
    "num.io.threads": "2",
    "controlled.shutdown.enable": "true",
}


class SplitCluster(KafkaCluster):
    """Cluster of which a broker can be cut off from the others while clients still reach it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, brokers=4, controllers=1, config=_CONFIG, heap_mb=224)
        controller = self.controllers[0]
        self._ways: dict[int, list[Proxy]] = {}
        """Proxies by broker: on the way of the others to it, and on its way to the controller."""
        for node in self.brokers:
            inside = Proxy(node.listeners[INTERNAL].port).start()
            upward = Proxy(controller.listeners[CONTROLLER].port).start()
            node.listeners[INTERNAL].advertised = inside.port
            node.voters = {controller.node_id: upward.port}
            self._ways[node.node_id] = [inside, upward]

    @property
    def proxies(self) -> list[Proxy]:
        return [proxy for ways in self._ways.values() for proxy in ways]

    def isolate(self, node: KafkaNode) -> None:
        """Cut a broker off from the others and the controller; it does not know, and clients still reach it."""
        for proxy in self._ways[node.node_id]:
            proxy.cut()

    def rejoin(self, node: KafkaNode) -> None:
        for proxy in self._ways[node.node_id]:
            proxy.heal()


class ClusterWorld(World):
    """Servers of the lane of cluster schedules. Workers, producers and watchers reach all brokers."""

    kafka: SplitCluster  # type: ignore[assignment]

    def _make_kafka(self, folder: Path) -> SplitCluster:  # type: ignore[override]
        return SplitCluster(folder)

    def kafka_of(self, slot: int) -> str:
        return self.kafka.bootstrap

    def make_topics(self, settings: Settings) -> None:
        needs = needs_of(settings)
        wishes: dict[str, tuple[int, Mapping[str, str]]] = {
            settings.topic(spec.name): (
                SOURCES if spec.name == TWEETS else partitions_to_make(spec, settings.shards),
                configs_to_make(spec, needs, replicas=3),
            )
            for spec in SPECS
        }
        wishes["__consumer_offsets"] = (4, {"cleanup.policy": "compact"})
        with self.kafka.admin() as admin:
            for name, (partitions, configs) in wishes.items():
                places = _TWEETS if name == settings.topic(TWEETS) else _OWN
                assignments = {number: list(places[number % 2]) for number in range(partitions)}
                try:
                    admin.create_topics({name: {"assignments": assignments, "configs": dict(configs)}})
                except TopicAlreadyExistsError:
                    assert name.startswith("__")
            admin.wait_for_topics(list(wishes), timeout_ms=30_000)

    def _revive_kafka(self) -> None:
        for node in self.kafka.nodes:
            if not node.running:
                node.launch()
            node.resume()
        for node in self.kafka.nodes:
            node.wait(timeout_seconds=90)
