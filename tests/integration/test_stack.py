"""The local stack as processes: it answers, ends cleanly, and leaves no process behind."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest
import redis
from kafka import KafkaAdminClient

from devkit.stack import KafkaServer, LocalStack, StackError, ValkeyServer
from devkit.stack.class_cache import record_classes
from devkit.stack.errors import StackMistake
from devkit.stack.jars import default_cache

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

COMMAND = [
    sys.executable,
    "-c",
    "from importlib.metadata import EntryPoint; import streams.cli.main as main; "
    "up = EntryPoint('up', 'devkit.stack.cli:register', 'hushtag.commands'); "
    "main.entry_points = lambda group: [up]; main.run()",
    "up",
]


def until(true: Callable[[], bool], *, seconds: float = 60.0) -> bool:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def servers_of(folder: Path) -> list[psutil.Process]:
    """Return the processes of this folder: keepers, Kafka, Valkey."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.cwd().startswith(str(folder)):
                found.append(process)
        except (psutil.Error, OSError):  # it has ended, or is a zombie
            continue
    return found


class Up:
    """A `hushtag up` process."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [*COMMAND, "--data", str(folder), *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def addresses(self) -> dict[str, str]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read() if self.process.stderr else ""
        answer: dict[str, str] = json.loads(line)
        return answer


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    running = Up(tmp_path / "data")
    yield running
    if running.process.poll() is None:
        running.process.terminate()
    running.process.communicate(timeout=90)


def both_answer(addresses: dict[str, str]) -> bool:
    admin = KafkaAdminClient(bootstrap_servers=addresses["kafka"])
    try:
        brokers = admin.describe_cluster()["brokers"]
    finally:
        admin.close()
    with redis.Redis.from_url(addresses["redis"]) as client:
        return len(brokers) == 1 and bool(client.ping())


def test_up_answers_and_stops_on_sigterm(up: Up) -> None:
    addresses = up.addresses()
    assert set(addresses) == {"kafka", "redis", "environment"}
    assert re.fullmatch(r"127\.0\.0\.1:\d+", addresses["kafka"])
    assert both_answer(addresses)
    # A keeper and a server for each of Kafka and Valkey.
    assert len(servers_of(up.folder)) == 4
    up.process.send_signal(signal.SIGTERM)
    out, err = up.process.communicate(timeout=90)
    assert up.process.returncode == 0, err
    assert out == ""
    assert "Traceback" not in err
    assert servers_of(up.folder) == []
    log = (up.folder / "kafka" / "kafka.log").read_text()
    assert "ERROR" not in log


def test_ctrl_c_during_start_leaves_no_process(up: Up) -> None:
    assert until(lambda: len(servers_of(up.folder)) >= 2)
    up.process.send_signal(signal.SIGINT)
    out, err = up.process.communicate(timeout=90)
    assert (up.process.returncode, out) == (0, ""), err
    assert "Traceback" not in err
    assert servers_of(up.folder) == []


@pytest.mark.long
def test_killed_parent_leaves_no_orphan(up: Up) -> None:
    up.addresses()
    assert len(servers_of(up.folder)) == 4
    up.process.kill()
    up.process.wait()
    assert until(lambda: servers_of(up.folder) == []), servers_of(up.folder)


@pytest.mark.long
def test_killed_keepers_leave_no_orphan(up: Up) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux can tie a child to its parent's life")
    up.addresses()
    keepers = [one for one in servers_of(up.folder) if any(word.endswith("keeper.py") for word in one.cmdline())]
    assert len(keepers) == 2
    for keeper in keepers:
        keeper.kill()
    out, err = up.process.communicate(timeout=90)
    assert up.process.returncode == 1, (out, err)
    assert until(lambda: servers_of(up.folder) == []), servers_of(up.folder)


def test_dead_child_is_reported(up: Up) -> None:
    up.addresses()
    valkey = [one for one in servers_of(up.folder) if "valkey-server" in one.name()]
    valkey[0].kill()
    out, err = up.process.communicate(timeout=90)
    assert (up.process.returncode, out) == (1, "")
    assert "Valkey has ended by signal 9" in err
    assert "fix: see " in err
    assert servers_of(up.folder) == []


def test_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for option in ("--kafka-port", "--redis-port"):
            done = subprocess.run(
                [*COMMAND, "--data", str(tmp_path / "data"), option, str(port)],
                capture_output=True,
                text=True,
                timeout=120,
            )
            assert done.returncode == 2
            assert f"port {port} of 127.0.0.1" in done.stderr
            assert option in done.stderr.split("fix:")[1]
            assert done.stdout == ""
    assert servers_of(tmp_path) == []


def test_folder_in_use_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devkit.stack.local._WAIT_FOR_FOLDER_SECONDS", 0.3)
    first = LocalStack(tmp_path / "data")
    messages: list[str] = []
    with pytest.raises(StackMistake, match="in use by another stack"):
        LocalStack(tmp_path / "data", report=messages.append)
    assert "waiting for it" in messages[0]
    first.stop()
    LocalStack(tmp_path / "data").stop()


def test_refused_download_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUSHTAG_MAVEN_URL", "http://127.0.0.1:9/nothing")
    server = KafkaServer(tmp_path / "kafka", jar_cache=tmp_path / "jars")
    with pytest.raises(StackError, match=r"cannot be downloaded from http://127\.0\.0\.1:9") as caught:
        server.start()
    assert "HUSHTAG_MAVEN_URL" in caught.value.fix


@pytest.mark.long
def test_kafka_survives_kill_pause_and_restart(tmp_path: Path) -> None:
    with KafkaServer(tmp_path / "kafka", heap_mb=256, config={"num.partitions": "3"}) as kafka:
        port = kafka.port
        admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
        admin.create_topics({"kept": {}}, wait_for_metadata=True)
        admin.close()
        kafka.kill()
        assert not kafka.running
        with pytest.raises(StackError, match="has ended by signal 9"):
            kafka.check()
        kafka.start()
        assert kafka.port == port
        kafka.pause()
        assert until(lambda: psutil.Process(kafka.pid).status() == psutil.STATUS_STOPPED)
        kafka.resume()
        kafka.restart()
        admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
        described = admin.describe_topics(["kept"])
        admin.close()
        assert len(described[0]["partitions"]) == 3
    assert servers_of(tmp_path) == []


def test_valkey_keeps_its_data_and_changes_its_run_id(tmp_path: Path) -> None:
    with ValkeyServer(tmp_path / "valkey") as valkey:
        with redis.Redis.from_url(valkey.url, decode_responses=True) as client:
            client.set("kept", "yes")
            before = client.info("server")["run_id"]
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        valkey.restart()
        with redis.Redis.from_url(valkey.url, decode_responses=True) as client:
            assert client.get("kept") == "yes"
            assert client.info("server")["run_id"] != before
            valkey.flush()
            assert client.get("kept") is None
        valkey.pause()
        with redis.Redis.from_url(valkey.url, socket_timeout=0.3) as client, pytest.raises(redis.RedisError):
            client.ping()
        valkey.resume()
    assert servers_of(tmp_path) == []


def test_kafka_starts_with_recorded_classes(tmp_path: Path) -> None:
    record_classes(default_cache() / "maven")
    with KafkaServer(tmp_path / "kafka") as kafka:
        assert str(kafka.class_cache()) in Path(f"/proc/{kafka.pid}/maps").read_text()


def test_kafka_starts_with_a_damaged_cache_of_classes(tmp_path: Path) -> None:
    (tmp_path / "maven").symlink_to(default_cache() / "maven")
    kafka = KafkaServer(tmp_path / "kafka", jar_cache=tmp_path / "maven")
    kafka.prepare()
    kafka.class_cache().write_bytes(b"damaged" * 1_000_000)
    with kafka:
        assert kafka.running
    assert "aot" not in kafka.log_file.read_text().lower()


def test_failed_server_start_reports_why(tmp_path: Path) -> None:
    server = ValkeyServer(tmp_path / "valkey", config={"maxmemory-policy": "nonsense"})
    with pytest.raises(StackError, match="Valkey ended while starting with exit code 1") as caught:
        server.start()
    assert "maxmemory-policy" in str(caught.value)
    kafka = KafkaServer(tmp_path / "kafka", config={"num.partitions": "nonsense"})
    with pytest.raises(StackError, match="nonsense"):
        kafka.start()


def test_stop_ends_a_paused_server(tmp_path: Path) -> None:
    valkey = ValkeyServer(tmp_path / "valkey")
    valkey.start()
    valkey.pause()
    valkey.stop(timeout_seconds=5)
    assert not valkey.running
    assert servers_of(tmp_path) == []
