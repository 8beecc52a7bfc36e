"""Real Valkey servers as they are run in production: a primary that Sentinels watch, and a cluster of two nodes."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import redis
from hushtag_client import keys

from devkit.stack.ports import LOOPBACK, free_port
from devkit.stack.valkey_server import ValkeyServer

SERVICE = "flags"
SENTINEL_PASSWORD = "of the sentinels"
SENTINELS = 3


def wait_for(what: str, true: Callable[[], object], *, timeout_seconds: float = 60.0) -> None:
    """Wait for a state of a server; an error of the server counts as not yet."""
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        try:
            if true():
                return
        except redis.RedisError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"timeout: {what}")


class SentinelServer(ValkeyServer):
    """Sentinel with a login. Its configuration file also holds its state."""

    name = "Sentinel"

    def __init__(self, data_dir: Path, primary: ValkeyServer) -> None:
        super().__init__(data_dir)
        self._primary_port = primary.port

    def _command(self) -> list[str | Path]:
        file = self.data_dir / "sentinel.conf"
        if not file.exists():
            lines = [
                f"port {self.port}",
                f"bind {LOOPBACK}",
                f'dir "{self.data_dir}"',
                "user default off",
                f'user watcher on ">{SENTINEL_PASSWORD}" allchannels +@all',
                "sentinel sentinel-user watcher",
                f'sentinel sentinel-pass "{SENTINEL_PASSWORD}"',
                f"sentinel monitor {SERVICE} {LOOPBACK} {self._primary_port} 2",
                f"sentinel down-after-milliseconds {SERVICE} 1000",
                f"sentinel failover-timeout {SERVICE} 4000",
            ]
            file.write_text("\n".join(lines) + "\n", "utf-8")
        return [super()._command()[0], file, "--sentinel"]

    def client(self) -> redis.Redis:
        return redis.Redis(
            port=self.port, username="watcher", password=SENTINEL_PASSWORD, decode_responses=True, socket_timeout=2
        )

    def _wait_until_ready(self, deadline: float) -> None:
        with self.client() as client:
            while True:
                self._still_starting(deadline)
                try:
                    client.ping()
                    return
                except redis.RedisError:
                    time.sleep(0.02)


class WatchedServers:
    """A primary, a replica and three Sentinels, started at once."""

    def __init__(self, folder: Path) -> None:
        self.primary = ValkeyServer(folder / "primary")
        self.primary.start()
        self.replica = ValkeyServer(folder / "replica", config={"replicaof": f"{LOOPBACK} {self.primary.port}"})
        self.replica.start()
        with redis.Redis.from_url(self.primary.url) as client:
            wait_for("the replica follows", lambda: b"state=online" in client.execute_command("INFO", "replication")
                     or client.info("replication").get("slave0", {}).get("state") == "online")  # fmt: skip
        self.sentinels = [SentinelServer(folder / f"sentinel-{number}", self.primary) for number in range(SENTINELS)]
        for sentinel in self.sentinels:
            sentinel.start()
        wait_for("the Sentinels know each other and the replica", self._all_know_all)

    @property
    def url(self) -> str:
        hosts = ",".join(f"{LOOPBACK}:{sentinel.port}" for sentinel in self.sentinels)
        password = SENTINEL_PASSWORD.replace(" ", "%20")
        return f"redis+sentinel://{hosts}/{SERVICE}/0?sentinel_username=watcher&sentinel_password={password}"

    def primary_port(self) -> int:
        """Return the port of the primary that the first Sentinel names."""
        with self.sentinels[0].client() as client:
            return int(client.execute_command("SENTINEL GET-MASTER-ADDR-BY-NAME", SERVICE)[1])

    def close(self) -> None:
        for server in (*self.sentinels, self.replica, self.primary):
            server.kill()

    def _all_know_all(self) -> bool:
        return all(self._knows_all(sentinel) for sentinel in self.sentinels)

    @staticmethod
    def _knows_all(sentinel: SentinelServer) -> bool:
        with sentinel.client() as client:
            master: Any = client.sentinel_master(SERVICE)
        return int(master["num-other-sentinels"]) == SENTINELS - 1 and int(master["num-slaves"]) == 1


class ServerCluster:
    """Two nodes of a cluster. The first owns all slots until `move_slot`."""

    def __init__(self, folder: Path) -> None:
        self.nodes = [
            ValkeyServer(
                folder / f"node-{number}",
                config={
                    "cluster-enabled": "yes",
                    "cluster-config-file": "nodes.conf",
                    "cluster-node-timeout": "3000",
                    "cluster-require-full-coverage": "no",
                    "cluster-allow-replica-migration": "no",
                    "cluster-port": str(free_port()),
                    "databases": "1",
                },
            )
            for number in range(2)
        ]
        for node in self.nodes:
            node.start()
        first, second = (self.client(node) for node in self.nodes)
        with first, second:
            first.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
            bus = second.config_get("cluster-port")["cluster-port"]
            first.execute_command("CLUSTER MEET", LOOPBACK, self.nodes[1].port, bus)
            self.slot = int(first.execute_command("CLUSTER KEYSLOT", keys.REGISTERS))
        self.wait_until_agreed()

    @property
    def url(self) -> str:
        hosts = ",".join(f"{LOOPBACK}:{node.port}" for node in self.nodes)
        return f"redis+cluster://{hosts}"

    def client(self, node: ValkeyServer) -> redis.Redis:
        return redis.Redis.from_url(node.url, decode_responses=True, socket_timeout=5)

    def owner(self) -> ValkeyServer:
        """Return the node that owns the slot of the flags."""
        for node in self.nodes:
            with self.client(node) as client:
                mine = client.execute_command("CLUSTER MYID")
                if any(self.slot in range(int(first), int(last) + 1) and place[2] == mine
                       for first, last, place, *_ in _slots(client)):  # fmt: skip
                    return node
        raise AssertionError("no node owns the slot")

    def begin_move(self) -> tuple[ValkeyServer, ValkeyServer]:
        """Open the slot for its move to the other node; return source and target."""
        source = self.owner()
        target = next(node for node in self.nodes if node is not source)
        with self.client(source) as from_, self.client(target) as to:
            to.execute_command("CLUSTER SETSLOT", self.slot, "IMPORTING", from_.execute_command("CLUSTER MYID"))
            from_.execute_command("CLUSTER SETSLOT", self.slot, "MIGRATING", to.execute_command("CLUSTER MYID"))
        return source, target

    def move_keys(self, source: ValkeyServer, target: ValkeyServer, *names: str) -> None:
        """Move some keys of the slot, or all that are there."""
        with self.client(source) as client:
            moved = names or client.execute_command("CLUSTER GETKEYSINSLOT", self.slot, 1000)
            if moved:
                client.execute_command("MIGRATE", LOOPBACK, target.port, "", 0, 5000, "KEYS", *moved)

    def end_move(self, source: ValkeyServer, target: ValkeyServer) -> None:
        """Make the target the owner of the slot."""
        with self.client(source) as from_, self.client(target) as to:
            owner = to.execute_command("CLUSTER MYID")
            for one in (to, from_):
                one.execute_command("CLUSTER SETSLOT", self.slot, "NODE", owner)
        self.wait_until_agreed()

    def wait_until_agreed(self) -> None:
        def agreed() -> bool:
            views = []
            for node in self.nodes:
                with self.client(node) as client:
                    info: Any = client.execute_command("CLUSTER INFO")
                    text = info if isinstance(info, str) else " ".join(f"{k}:{v}" for k, v in info.items())
                    if "cluster_state:ok" not in text or "cluster_known_nodes:2" not in text:
                        return False
                    views.append(sorted((int(a), int(b), place[2]) for a, b, place, *_ in _slots(client)))
            return views[0] == views[1]

        wait_for("the nodes agree on the slots", agreed)

    def close(self) -> None:
        for node in self.nodes:
            node.kill()


def _slots(client: redis.Redis) -> list[Any]:
    """Return the raw reply of CLUSTER SLOTS."""
    connection = client.connection_pool.get_connection()
    try:
        connection.send_command("CLUSTER", "SLOTS")
        return list(connection.read_response())
    finally:
        client.connection_pool.release(connection)
