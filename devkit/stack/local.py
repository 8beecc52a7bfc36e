"""Kafka and Valkey together in one folder, for `hushtag up`, the demo, tests and benchmarks."""

from __future__ import annotations

import fcntl
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

from devkit.stack.errors import StackMistake
from devkit.stack.jars import Report
from devkit.stack.kafka_cluster import KafkaCluster
from devkit.stack.kafka_server import KafkaServer
from devkit.stack.logins import Logins
from devkit.stack.server import Server
from devkit.stack.valkey_server import ValkeyServer
from streams.private_files import PRIVATE_FOLDER

_WAIT_FOR_FOLDER_SECONDS = 15.0


class LocalStack:
    """Context manager: both servers answer inside it, and both have ended after it.

    >>> with LocalStack(Path(".cache/stack")) as stack:  # doctest: +SKIP
    ...     print(stack.kafka, stack.redis_url)
    127.0.0.1:24107 redis://127.0.0.1:30391/0
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        kafka_port: int = 0,
        redis_port: int = 0,
        heap_mb: int | None = None,
        brokers: int = 1,
        secure: bool = False,
        report: Report = lambda line: None,
    ) -> None:
        """Choose the ports and lock the folder; `start` (or `with`) starts the servers.

        Args:
            data_dir: kept between runs; one stack at a time.
            kafka_port: port of the first broker; 0 for any free one.
            redis_port: port of Valkey; 0 for any free one.
            heap_mb: most memory of a broker's heap, in MB; None: 512, or 256 if there are several.
            brokers: number of brokers.
            secure: both servers take TLS and logins only, and deny what no right allows. `logins` has the users.
            report: receives one line on each step, for progress messages.

        Raises:
            StackMistake: a port or the folder cannot be used.
        """
        self.data_dir = data_dir.resolve()
        self._lock = _lock_folder(self.data_dir, report)
        try:
            keep_open = [self._lock]
            self.logins = Logins(self.data_dir / "logins") if secure else None
            """Users and certificates; None unless `secure`."""
            self.valkey_server = ValkeyServer(
                self.data_dir / ("valkey-secure" if secure else "valkey"),
                port=redis_port,
                logins=self.logins,
                report=report,
                keep_open=keep_open,
            )
            self.kafka_server: KafkaServer | KafkaCluster
            """The broker, or with `secure` or several `brokers` a cluster."""
            if brokers == 1 and not secure:
                self.kafka_server = KafkaServer(
                    self.data_dir / "kafka", port=kafka_port, heap_mb=heap_mb or 512, report=report, keep_open=keep_open
                )
            else:
                self.kafka_server = KafkaCluster(
                    self.data_dir / f"kafka-{'secure-' if secure else ''}{brokers}",
                    brokers=brokers,
                    logins=self.logins,
                    port=kafka_port,
                    heap_mb=heap_mb or (512 if brokers == 1 else 256),
                    report=report,
                    keep_open=keep_open,
                )
        except BaseException:
            os.close(self._lock)
            raise

    @property
    def kafka(self) -> str:
        """Bootstrap server of Kafka, host:port."""
        return self.kafka_server.bootstrap

    @property
    def redis_url(self) -> str:
        """URL of Valkey's database 0."""
        return self.valkey_server.url

    def environment(self) -> dict[str, str]:
        """Return the settings that point hushtag at this stack."""
        login = {} if self.logins is None else self.logins.kafka_settings()
        return {
            "HUSHTAG_KAFKA": self.kafka,
            "HUSHTAG_REDIS_URL": self.redis_url,
            **{f"HUSHTAG_{name.upper()}": value for name, value in login.items()},
        }

    @property
    def servers(self) -> tuple[KafkaServer | KafkaCluster, Server]:
        """Both servers: Kafka, then Valkey."""
        return self.kafka_server, self.valkey_server

    def start(self) -> None:
        """Start both servers, and wait for each as long as its process lives.

        Raises:
            StackError: one of them does not start; the other is stopped again.
        """
        try:
            self.valkey_server.start()
            self.kafka_server.prepare()
            self.kafka_server.start()
        except BaseException:
            self.stop()
            raise

    def give_up(self) -> None:
        """Let a start that runs raise StackError once it has stopped the servers; for signal handlers."""
        for server in self.servers:
            server.give_up()

    def stop(self) -> None:
        """Stop both servers and return when they have ended. May be called again."""
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda server: server.stop(), self.servers))
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def check(self) -> None:
        """Raise StackError if one of the servers has ended."""
        for server in self.servers:
            server.check()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()


def _lock_folder(folder: Path, report: Report) -> int:
    """Lock the folder; the keepers hold the lock too, so it is free only once the servers have ended."""
    try:
        folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StackMistake(
            f"{folder} cannot be written: {error.strerror}", fix="name another folder with --data"
        ) from None
    deadline = time.monotonic() + _WAIT_FOR_FOLDER_SECONDS
    reported = False
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        except BlockingIOError:
            if not reported:
                report(f"{folder} is in use by another stack, waiting for it to end")
                reported = True
            if time.monotonic() > deadline:
                os.close(lock)
                raise StackMistake(
                    f"{folder} is in use by another stack", fix="stop the other one, or name another folder with --data"
                ) from None
            time.sleep(0.2)
