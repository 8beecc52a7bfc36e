"""Kafka of several brokers (KRaft) on loopback, whose nodes can be killed, paused and restarted one by one."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypedDict

from devkit.stack.errors import StackError
from devkit.stack.jars import Report
from devkit.stack.kafka_node import CONTROLLER, MUTUAL, KafkaNode, Role
from devkit.stack.kafka_server import new_cluster_id
from devkit.stack.logins import MECHANISM, Logins
from devkit.stack.ports import LOOPBACK

_STOP_SECONDS = 8.0
"""A broker that stops after the quorum has gone waits for minutes; it is killed, and recovers at its next start."""


class PartitionReplicas(TypedDict):
    """Leader and replicas of a partition, as the admin client describes them."""

    partition_index: int
    leader_id: int
    leader_epoch: int
    replica_nodes: list[int]
    isr_nodes: list[int]


class KafkaCluster:
    """Context manager: all nodes answer inside it, and all have ended after it.

    Topics are created with a replication factor of at most three; with three brokers or more, a write must reach two.

    >>> with KafkaCluster(Path("/tmp/cluster"), brokers=4, controllers=1) as cluster:  # doctest: +SKIP
    ...     settings = Settings(kafka=cluster.bootstrap)
    ...     create_topics(settings, replicas=3)
    ...     leader = cluster.leader("tweets", 0)  # a KafkaNode: a Server with kill, pause, resume, start, stop, restart
    ...     leader.kill()
    ...     cluster.wait_for_leader("tweets", 0, other_than=leader)
    ...     leader.start()  # returns when the broker is registered and not fenced
    ...     cluster.wait_in_sync("tweets", 0, 3)

    A paused node stays an in-sync replica for `replica.lag.time.max.ms`, which `config` may set. The controller fences
    it after `broker.session.timeout.ms` (3 s). While the quorum is away, start nodes by `launch`, which does not wait;
    `wait` waits for their answers.

    To cut a node off, put proxies between it and the others before `start`. Each node has its own view of the others:

    >>> node = cluster.brokers[0]  # doctest: +SKIP
    >>> node.listeners["INTERNAL"].advertised = proxy.port  # the other brokers reach it through this  # doctest: +SKIP
    >>> node.voters = {101: proxy_to_controller.port}  # it reaches the controllers through this  # doctest: +SKIP
    >>> node.listeners["SLOT0"] = Listener(free_port(), advertised=other.port)  # clients of a proxy  # doctest: +SKIP

    A cut INTERNAL keeps the followers away, a cut voter the controllers, while clients of CLIENT still reach the node.
    With dedicated `controllers` each node's way to the quorum can be cut; a controller in the same process cannot.

    Args:
        data_dir: folder of all nodes, kept between runs.
        brokers: number of brokers.
        controllers: number of dedicated controllers; 0: the first brokers, at most three, are controllers as well.
        logins: users and certificates; None: without TLS, logins or an authorizer. With them, clients log in to CLIENT
            by SCRAM over TLS and to MUTUAL by their certificate, and what no ACL allows is denied.
        port: port of the first broker; 0 for any free one.
        config: lines of server.properties of all nodes.
        heap_mb: Java heap of a broker; a dedicated controller has half.

    Raises:
        StackMistake: a port or the folder cannot be used.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        brokers: int = 3,
        controllers: int = 0,
        logins: Logins | None = None,
        port: int = 0,
        config: Mapping[str, str] | None = None,
        jar_cache: Path | None = None,
        heap_mb: int = 256,
        report: Report = lambda line: None,
        keep_open: Sequence[int] = (),
    ) -> None:
        self.data_dir = data_dir.resolve()
        self.logins = logins
        self._report = report
        cluster_id = _cluster_id(self.data_dir)

        def node(number: int, roles: Sequence[Role], *, heap_mb: int, port: int = 0) -> KafkaNode:
            return KafkaNode(
                self.data_dir / f"node-{number}", node_id=number, roles=roles, cluster_id=cluster_id,
                replicas=min(3, brokers), logins=logins, port=port, config=config, jar_cache=jar_cache,
                heap_mb=heap_mb, report=report, keep_open=keep_open,
            )  # fmt: skip

        self.brokers: list[KafkaNode] = []
        """The brokers, by ascending id from 1."""
        for number in range(1, brokers + 1):
            roles: list[Role] = ["broker"] if controllers or number > 3 else ["broker", "controller"]
            self.brokers.append(node(number, roles, heap_mb=heap_mb, port=port if number == 1 else 0))
        self.controllers = [node(100 + at, ["controller"], heap_mb=heap_mb // 2) for at in range(1, controllers + 1)]
        """The dedicated controllers, by ascending id from 101."""
        voters = {
            member.node_id: member.listeners[CONTROLLER].port for member in self.nodes if CONTROLLER in member.listeners
        }
        for member in self.nodes:
            member.voters = dict(voters)

    @property
    def nodes(self) -> list[KafkaNode]:
        """All nodes, controllers last."""
        return [*self.brokers, *self.controllers]

    @property
    def bootstrap(self) -> str:
        """Addresses of all brokers, for `HUSHTAG_KAFKA`."""
        return ",".join(node.bootstrap for node in self.brokers)

    @property
    def mutual_bootstrap(self) -> str:
        """Addresses at which clients log in by their certificate; only with security."""
        return ",".join(f"{LOOPBACK}:{node.listeners[MUTUAL].port}" for node in self.brokers)

    def bootstrap_of(self, listener: str) -> str:
        """Return the addresses of a listener on all brokers, as clients are given them."""
        listeners = [node.listeners[listener] for node in self.brokers]
        return ",".join(f"{LOOPBACK}:{address.advertised or address.port}" for address in listeners)

    # ---- life ----

    def prepare(self) -> None:
        """Download Kafka's jars that are missing; `start` does it, too."""
        self.brokers[0].prepare()

    def start(self, *, timeout_seconds: float = math.inf) -> None:
        """Start all nodes and wait until each broker is registered.

        Raises:
            StackError: one of them does not start; the others are stopped again.
        """
        self.prepare()
        try:
            _each(KafkaNode.launch, self.nodes)
            _each(lambda node: node.wait(timeout_seconds=timeout_seconds), self.nodes)
        except BaseException:
            self.kill()
            raise

    def give_up(self) -> None:
        """Let a start that runs raise StackError."""
        for node in self.nodes:
            node.give_up()

    def stop(self, *, timeout_seconds: float = _STOP_SECONDS) -> None:
        """Stop the brokers, then the dedicated controllers; a node that does not end in time is killed."""
        for nodes in (self.brokers, self.controllers):
            _each(lambda node: node.stop(timeout_seconds=timeout_seconds), nodes)

    def kill(self) -> None:
        """Send SIGKILL to all nodes at once."""
        _each(KafkaNode.kill, self.nodes)

    def check(self) -> None:
        """Raise StackError if one of the nodes has ended."""
        for node in self.nodes:
            node.check()

    @property
    def running(self) -> bool:
        """Whether all nodes run."""
        return all(node.running for node in self.nodes)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    # ---- the cluster's state ----

    def node(self, node_id: int) -> KafkaNode:
        """Return the node of an id."""
        return next(node for node in self.nodes if node.node_id == node_id)

    @contextmanager
    def admin(self, *, at: KafkaNode | None = None) -> Iterator[Any]:
        """Connect kafka-python's admin client as the super user, through one broker or any that answers."""
        from kafka import KafkaAdminClient

        reachable = [at] if at is not None else [node for node in self.brokers if node.running]
        admin = KafkaAdminClient(
            bootstrap_servers=[node.bootstrap for node in reachable],
            bootstrap_timeout_ms=10_000,
            request_timeout_ms=10_000,
            **({} if self.logins is None else self.logins.admin_options()),
        )
        try:
            yield admin
        finally:
            admin.close()

    def partition(self, topic: str, partition: int) -> PartitionReplicas:
        """Describe a partition, its leader and its replicas."""
        with self.admin() as admin:
            partitions = admin.describe_topics([topic])[0]["partitions"]
        described: PartitionReplicas = next(state for state in partitions if state["partition_index"] == partition)
        return described

    def leader(self, topic: str, partition: int) -> KafkaNode:
        """Return the leader of a partition; wait for one if it has none.

        Raises:
            StackError: it has none for 60 s.
        """
        return self.wait_for_leader(topic, partition)

    def wait_for_leader(
        self, topic: str, partition: int, *, other_than: KafkaNode | None = None, timeout_seconds: float = 60.0
    ) -> KafkaNode:
        """Wait until a partition has a leader, and return it.

        Raises:
            StackError: not within `timeout_seconds`.
        """
        avoid = {-1} if other_than is None else {-1, other_than.node_id}
        state = self._wait(
            topic, partition, lambda state: state["leader_id"] not in avoid, "another leader", timeout_seconds
        )
        return self.node(state["leader_id"])

    def wait_in_sync(self, topic: str, partition: int, replicas: int, *, timeout_seconds: float = 60.0) -> set[int]:
        """Wait until a partition has this number of in-sync replicas, and return their ids.

        Raises:
            StackError: not within `timeout_seconds`.
        """
        state = self._wait(
            topic, partition, lambda state: len(state["isr_nodes"]) == replicas, f"{replicas} replicas in sync",
            timeout_seconds,
        )  # fmt: skip
        return set(state["isr_nodes"])

    def _wait(
        self, topic: str, partition: int, true: Callable[[PartitionReplicas], bool], what: str, timeout_seconds: float
    ) -> PartitionReplicas:
        from kafka.errors import KafkaError

        deadline = time.monotonic() + timeout_seconds
        state: PartitionReplicas | None = None
        while time.monotonic() < deadline:
            try:
                state = self.partition(topic, partition)
                if true(state):
                    return state
            except KafkaError:
                pass
            time.sleep(0.1)
        raise StackError(f"{topic}[{partition}] does not have {what} within {timeout_seconds:g} s: {state}")

    # ---- users ----

    def add_user(self, user: str, *, timeout_seconds: float = 20.0) -> str:
        """Create a user with a password, or set it again, and return the password.

        Raises:
            StackError: a broker does not know it within `timeout_seconds`.
        """
        from kafka.admin import UserScramCredentialUpsertion

        assert self.logins is not None, "a cluster without logins has no users"
        password = self.logins.password(user)
        with self.admin() as admin:
            wish = [UserScramCredentialUpsertion(user, MECHANISM, password)]
            if error := admin.alter_user_scram_credentials(wish)[user]:
                raise StackError(f"user {user} cannot be created: {error}")
        deadline = time.monotonic() + timeout_seconds
        for node in self.brokers:
            with self.admin(at=node) as admin:
                while admin.describe_user_scram_credentials([user])[user]["error"]:
                    if time.monotonic() > deadline:
                        raise StackError(f"{node.name} does not know user {user}")
                    time.sleep(0.05)
        return password


def _each(work: Callable[[KafkaNode], object], nodes: Sequence[KafkaNode]) -> None:
    """Call a function for all nodes at once; raise the first error when all calls have ended."""
    if nodes:
        with ThreadPoolExecutor(len(nodes)) as pool:
            list(pool.map(work, nodes))


def _cluster_id(folder: Path) -> str:
    """Return the cluster's id, which all nodes are formatted with."""
    file = folder / "cluster-id"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(new_cluster_id(), encoding="utf-8")
    return file.read_text(encoding="utf-8")
