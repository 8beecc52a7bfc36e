"""Local stack without Kafka or Valkey: ports, jar list, and the keeper with small commands."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

from devkit.stack import KafkaServer, StackError, ports
from devkit.stack.errors import StackMistake
from devkit.stack.jars import Jar, default_cache, kafka_class_path, listed_jars
from devkit.stack.ports import answers, claim, free_port, is_free
from devkit.stack.process import KeptProcess
from devkit.stack.server import Server
from tests.support.paths import ROOT


def gone(pid: int, seconds: float = 60.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def test_free_ports_are_given_once() -> None:
    assert len({free_port() for _ in range(500)}) == 500


def test_neighbouring_processes_draw_different_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    for process in (7_001, 7_002):
        monkeypatch.setattr(os, "getpid", lambda process=process: process)
        monkeypatch.setattr(ports, "_given", set())
        drawn.append({free_port() for _ in range(50)})
    assert not drawn[0] & drawn[1]


def test_ports_are_free_or_claimed() -> None:
    port = free_port()
    assert is_free(port)
    assert claim(port, server="X", option="--x") == port
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        assert not is_free(port)
        assert answers(port)
        with pytest.raises(StackMistake, match=f"port {port}") as caught:
            claim(port, server="X", option="--x-port")
        assert "--x-port" in caught.value.fix
    assert not answers(port)
    with pytest.raises(StackMistake, match="out of range"):
        claim(70_000, server="X", option="--x-port")


def test_jar_list_is_complete() -> None:
    jars = listed_jars()
    assert len({(jar.group, jar.artifact) for jar in jars}) == len(jars) > 40
    assert all(len(jar.sha256) == 64 and jar.size_bytes > 0 for jar in jars)
    versions = {jar.artifact: jar.version for jar in jars}
    assert versions["kafka_2.13"] == versions["kafka-clients"] == "4.3.1"
    path = next(jar for jar in jars if jar.artifact == "kafka-clients").path_in(Path("m"))
    assert path == Path("m/org/apache/kafka/kafka-clients/4.3.1/kafka-clients-4.3.1.jar")


def test_damaged_jar_is_not_sound(tmp_path: Path) -> None:
    jar = Jar("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824", 5, "a.b", "c", "1")
    path = jar.path_in(tmp_path)
    path.parent.mkdir(parents=True)
    assert not jar.is_sound(tmp_path)
    path.write_bytes(b"hello")
    assert jar.is_sound(tmp_path)
    path.write_bytes(b"hell")
    assert not jar.is_sound(tmp_path)


def test_unwritable_jar_cache_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StackError, match="cannot be stored"):
        kafka_class_path(tmp_path / "file" / "maven")


def test_default_cache_follows_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HUSHTAG_CACHE", raising=False)
    assert default_cache() == ROOT / ".cache"
    monkeypatch.setenv("HUSHTAG_CACHE", "/somewhere")
    assert default_cache() == Path("/somewhere")


def test_kafka_properties_for_one_node_on_loopback(tmp_path: Path) -> None:
    server = KafkaServer(tmp_path, config={"num.partitions": "7", "log.retention.ms": "5"})
    properties = server.properties()
    assert properties["listeners"].startswith(f"PLAINTEXT://127.0.0.1:{server.port},CONTROLLER://127.0.0.1:")
    assert properties["advertised.listeners"] == f"PLAINTEXT://{server.bootstrap}"
    assert (properties["num.partitions"], properties["log.retention.ms"]) == ("7", "5")
    assert properties["auto.create.topics.enable"] == "false"
    assert int(properties["group.min.session.timeout.ms"]) <= 1000
    assert {value for key, value in properties.items() if key.endswith("replication.factor")} == {"1"}


def sleeper(tmp_path: Path, program: str = "import time; print('up', flush=True); time.sleep(60)") -> KeptProcess:
    log = tmp_path / "log"
    process = KeptProcess([sys.executable, "-c", program], name="Sleeper", log_file=log, grace_seconds=0.3)
    end = time.monotonic() + 60
    while not (log.exists() and log.read_text().startswith("up")) and time.monotonic() < end:
        time.sleep(0.02)
    return process


def test_kept_process_stops(tmp_path: Path) -> None:
    process = sleeper(tmp_path)
    assert process.running
    assert process.exit_code is None
    process.stop()
    process.stop()
    assert not process.running
    assert process.exit_code == 128 + signal.SIGTERM
    assert gone(process.pid)
    assert process.last_lines() == "up"


def test_kept_process_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    process = sleeper(
        tmp_path,
        "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)",
    )
    process.stop(timeout_seconds=0.3)
    assert process.exit_code == 128 + signal.SIGKILL


def test_paused_process_can_be_stopped(tmp_path: Path) -> None:
    process = sleeper(tmp_path)
    process.signal(signal.SIGSTOP)
    process.stop()
    assert gone(process.pid)


def test_exit_code_is_passed_on(tmp_path: Path) -> None:
    process = sleeper(tmp_path, "print('up', flush=True); raise SystemExit(7)")
    assert process.wait(60)
    assert process.exit_code == 7
    process.signal(signal.SIGTERM)  # nothing happens
    process.kill()


def test_missing_command_is_a_stack_error(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"Ghost cannot be started: .*No such file"):
        KeptProcess(["/no/such/command"], name="Ghost", log_file=tmp_path / "log")


PARENT = """
import os, sys, time
from pathlib import Path
from devkit.stack.process import KeptProcess
sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
process = KeptProcess(sleep, name="S", log_file=Path(sys.argv[1]), grace_seconds=0.3)
if sys.argv[2] == "fork" and os.fork() == 0:
    os.close(1)
    time.sleep(60)  # a forked process that holds the pipe to the keeper open
print(process.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("how", ["alone", "fork"])
def test_kill_9_of_the_parent_ends_the_child(how: str, tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "log"), how],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    try:
        parent.kill()
        parent.wait()
        assert gone(child)
    finally:
        parent.stdout.close()
        with suppress(ProcessLookupError):
            os.killpg(parent.pid, signal.SIGKILL)  # the forked one


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a child to its parent's life")
def test_kill_9_of_the_keeper_ends_the_child(tmp_path: Path) -> None:
    process = sleeper(tmp_path)
    process._keeper.kill()
    assert gone(process.pid)
    assert process.exit_code == 128 + signal.SIGKILL
    process.stop()


class _Slow(Server):
    """Server that answers after ten minutes of a simulated clock."""

    name = "Slow"
    port = 1

    def __init__(self, folder: Path, report: Callable[[str], None] = lambda line: None) -> None:
        super().__init__(folder, report=report)

    def _command(self) -> list[str | Path]:
        return [sys.executable, "-c", "import time; time.sleep(600)"]

    def _wait_until_ready(self, deadline: float) -> None:
        for _ in range(60):
            self._still_starting(deadline)


def test_slow_start_is_waited_for_and_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, lines = itertools.count(0.0, 10.0), list[str]()
    monkeypatch.setattr("devkit.stack.server.time", SimpleNamespace(monotonic=lambda: next(clock)))
    server = _Slow(tmp_path, lines.append)
    server.start()
    server.kill()
    assert len(lines) > 20 and lines[0].startswith("Slow is still starting after 20 s (")


def test_server_that_ends_while_starting_is_not_waited_for(tmp_path: Path) -> None:
    class Ending(_Slow):
        def _command(self) -> list[str | Path]:
            return [sys.executable, "-c", "raise SystemExit(7)"]

        def _wait_until_ready(self, deadline: float) -> None:
            while True:
                self._still_starting(deadline)

    with pytest.raises(StackError, match="Slow ended while starting with exit code 7"):
        Ending(tmp_path).start()
