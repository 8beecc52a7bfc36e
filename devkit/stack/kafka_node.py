"""One node of a Kafka cluster: a broker, a controller, or both in one process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from devkit.stack.certificates import BROKER
from devkit.stack.jars import Report
from devkit.stack.kafka_server import ONE_NODE, BrokerState, KafkaServer
from devkit.stack.logins import ADMIN, MECHANISM, Logins
from devkit.stack.ports import LOOPBACK, free_port

Role = Literal["broker", "controller"]
CLIENT, INTERNAL, CONTROLLER, MUTUAL = "CLIENT", "INTERNAL", "CONTROLLER", "MUTUAL"
_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule required;"


@dataclass(slots=True)
class Listener:
    """Listener of a node.

    `advertised` is the port that clients, or the other brokers, are given: a proxy's port; None: the listener's own.
    """

    port: int
    protocol: str = "PLAINTEXT"
    advertised: int | None = None


class KafkaNode(KafkaServer):
    """Node of a `KafkaCluster`, which makes it. Change `listeners` and `voters` before its start.

    Attributes:
        node_id: id in the cluster, 1 or more; dedicated controllers have 101 or more.
        listeners: by name: CLIENT, INTERNAL (between brokers), CONTROLLER, with security MUTUAL; add others freely.
        voters: port by id of each controller, as this node connects to it. A proxy's port in it cuts this node alone.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        node_id: int,
        roles: Sequence[Role],
        cluster_id: str,
        replicas: int = 1,
        logins: Logins | None = None,
        port: int = 0,
        config: Mapping[str, str] | None = None,
        jar_cache: Path | None = None,
        heap_mb: int = 256,
        report: Report = lambda line: None,
        keep_open: Sequence[int] = (),
    ) -> None:
        super().__init__(
            data_dir, port=port, config=config, jar_cache=jar_cache, heap_mb=heap_mb, report=report, keep_open=keep_open
        )
        self.node_id = node_id
        self.name = f"Kafka-{node_id}"
        self._roles = tuple(roles)
        self._cluster_id = cluster_id
        self._replicas = replicas
        self._logins = logins
        inside = "PLAINTEXT" if logins is None else "SSL"
        self.listeners: dict[str, Listener] = {}
        if "broker" in roles:
            self.listeners[CLIENT] = Listener(self.port, "PLAINTEXT" if logins is None else "SASL_SSL")
            self.listeners[INTERNAL] = Listener(free_port(), inside)
            if logins is not None:
                self.listeners[MUTUAL] = Listener(free_port(), "SSL")
        if "controller" in roles:
            self.listeners[CONTROLLER] = Listener(free_port() if "broker" in roles else self.port, inside)
        self.voters: dict[int, int] = {}

    @property
    def is_broker(self) -> bool:
        """Whether clients can connect to it; else it is a dedicated controller."""
        return "broker" in self._roles

    def properties(self) -> dict[str, str]:
        """Return the lines of server.properties."""
        listeners = self.listeners.items()
        inside = "PLAINTEXT" if self._logins is None else "SSL"
        protocols = {CONTROLLER: inside} | {name: listener.protocol for name, listener in listeners}
        copies, in_sync = str(self._replicas), "2" if self._replicas >= 3 else "1"
        lines = ONE_NODE | {
            "process.roles": ",".join(self._roles),
            "node.id": str(self.node_id),
            "controller.listener.names": CONTROLLER,
            "controller.quorum.voters": ",".join(f"{n}@{LOOPBACK}:{port}" for n, port in sorted(self.voters.items())),
            "listeners": ",".join(f"{name}://{LOOPBACK}:{listener.port}" for name, listener in listeners),
            "listener.security.protocol.map": ",".join(f"{name}:{protocol}" for name, protocol in protocols.items()),
            "log.dirs": str(self.data_dir / "log"),
            "default.replication.factor": copies,
            "min.insync.replicas": in_sync,
            "offsets.topic.replication.factor": copies,
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": in_sync,
            "share.coordinator.state.topic.replication.factor": copies,
            "share.coordinator.state.topic.min.isr": in_sync,
        }
        del lines["inter.broker.listener.name"]
        if self.is_broker:
            lines["inter.broker.listener.name"] = INTERNAL
            lines["advertised.listeners"] = ",".join(
                f"{name}://{LOOPBACK}:{listener.advertised or listener.port}"
                for name, listener in listeners
                if name != CONTROLLER
            )
        return lines | self._secured(protocols) | self._config

    def _secured(self, protocols: Mapping[str, str]) -> dict[str, str]:
        if self._logins is None:
            return {}
        lines = {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self._logins.certificates.server_file),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self._logins.certificates.ca_file),
            "ssl.principal.mapping.rules": "RULE:^.*CN=([^,]+).*$/$1/,DEFAULT",
            "sasl.enabled.mechanisms": MECHANISM,
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "allow.everyone.if.no.acl.found": "false",
            "super.users": f"User:{BROKER};User:{ADMIN}",
        }
        for name, protocol in protocols.items():
            if protocol == "SSL":
                lines[f"listener.name.{name.lower()}.ssl.client.auth"] = "required"
            elif protocol.startswith("SASL_"):
                lines[f"listener.name.{name.lower()}.{MECHANISM.lower()}.sasl.jaas.config"] = _SCRAM
        return lines

    def _java(self, *options: str) -> list[str | Path]:
        return super()._java("-XX:TieredStopAtLevel=1", *options)

    def _format_options(self) -> list[str]:
        options = ["-t", self._cluster_id]
        if self._logins is not None:
            options += ["--add-scram", f"{MECHANISM}=[name={ADMIN},password={self._logins.password(ADMIN)}]"]
        return options

    def _admin_options(self) -> dict[str, object]:
        return {} if self._logins is None else self._logins.admin_options()

    def _is_up(self, brokers: Sequence[BrokerState]) -> bool:
        return any(broker["broker_id"] == self.node_id and not broker.get("is_fenced") for broker in brokers)

    def _wait_until_ready(self, deadline: float) -> None:
        if self.is_broker:
            super()._wait_until_ready(deadline)
        else:
            self._wait_for_port(deadline)
