"""The client in gunicorn workers, loaded before the fork; as a sidecar; and in commands."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import httpx
import pytest
import typer
from hushtag_client import FlagsClient
from typer.testing import CliRunner

from devkit.stack.ports import free_port
from devkit.stack.valkey_server import ValkeyServer
from streams.clock import now_ms
from streams.errors import CallerMistake, FlagStoreUnavailable
from tests.support.paths import ROOT
from tests.support.worlds import ServerWorld, eventually, register

pytestmark = pytest.mark.integration


def make_app() -> Any:
    """Return a WSGI application that starts its client at import, before gunicorn forks."""
    client = FlagsClient(os.environ["HUSHTAG_REDIS_URL"]).start()
    assert client.wait_until_ready(60)

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        answer = client.check(environ["PATH_INFO"].strip("/"), "trends")
        start_response("200 OK", [("Content-Type", "application/json"), ("Connection", "close")])
        return [json.dumps({"pid": os.getpid(), "shown": answer.shown, "why": answer.why}).encode()]

    return app


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    made = ValkeyServer(tmp_path_factory.mktemp("valkey"))
    made.start()
    yield made
    made.kill()


@pytest.fixture
def world(server: ValkeyServer) -> Iterator[ServerWorld]:
    """Write registers dated by the real clock, which the processes use."""
    made = ServerWorld(server)
    made.clock.now_ms = now_ms()
    yield made
    made.close()


def held(tag: str, number: int = 1, **members: Any) -> Any:
    return register(tag, number, expires_at_ms=now_ms() + 60_000, **members)


def run(command: list[str], world: ServerWorld) -> subprocess.Popen[bytes]:
    environment = os.environ | {"HUSHTAG_REDIS_URL": world.server.url}
    return subprocess.Popen([sys.executable, *command], cwd=ROOT, env=environment)


def get(url: str) -> httpx.Response | None:
    try:
        return httpx.get(url, timeout=30)
    except httpx.TransportError:
        return None


def stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(60)
    finally:
        process.kill()


def test_client_loaded_before_fork_works_in_gunicorn(world: ServerWorld) -> None:
    world.open([held("old")])
    port = free_port()
    app = "tests.integration.test_flags_processes:make_app()"
    process = run(
        ["-m", "gunicorn", "--preload", "-w", "2", "-b", f"127.0.0.1:{port}", "--log-level", "error", app], world
    )
    try:
        url = f"http://127.0.0.1:{port}"
        eventually(lambda: get(f"{url}/old"), timeout_seconds=90)
        world.run(world.store.apply("0", [held("new")]))
        seen: dict[int, bool] = {}

        def all_see_it() -> bool:
            answer = httpx.get(f"{url}/new", timeout=30).json()
            seen[answer["pid"]] = not answer["shown"]
            assert not httpx.get(f"{url}/old", timeout=30).json()["shown"]
            return len(seen) == 2 and all(seen.values())

        eventually(all_see_it, timeout_seconds=90)
        assert process.pid not in seen
    finally:
        stop(process)


def test_sidecar_answers_flags(world: ServerWorld) -> None:
    world.open([held("sometag", country="IN")])
    port = free_port()
    process = run(["-m", "hushtag_client.sidecar", "--port", str(port), "--hide", "search"], world)
    try:
        url = f"http://127.0.0.1:{port}"
        eventually(lambda: (ready := get(f"{url}/readyz")) and ready.status_code == 200, timeout_seconds=90)
        answer = httpx.get(
            f"{url}/v1/check", params={"hashtag": "#SomeTag", "surface": "trends", "country": "IN"}
        ).json()
        assert (answer["shown"], answer["why"], answer["warning"]) == (False, "flagged", None)
        at_ms = world.clock.now_ms
        world.run(world.store.heartbeat({0: at_ms, 1: at_ms}, at_ms, None, {0: ["trends"], 1: ["search"]}))
        mistyped = {"hashtag": "sometag", "surface": "trend", "country": "IN"}
        eventually(lambda: httpx.get(f"{url}/v1/check", params=mistyped).json()["warning"] == "unknown_surface")
        world.run(world.store.apply("0", [held("other")]))
        asked = {"hashtags": ["other", "sometag"], "surface": "trends"}
        eventually(
            lambda: (
                [a["shown"] for a in httpx.post(f"{url}/v1/check_many", json=asked).json()["answers"]] == [False, True]
            )
        )
    finally:
        stop(process)


def cli(*arguments: str) -> Any:
    from streams.cli.flags import register as register_commands

    app = typer.Typer()
    register_commands(app)
    return CliRunner().invoke(app, ["flags", *arguments], env={"COLUMNS": "200"})


def lines(result: Any) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_flags_commands_show_flags(world: ServerWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUSHTAG_REDIS_URL", world.server.url)
    odd = held("odd", display="[red]o\x1bd\u202ed", surface="search")
    person = held("person", source="human", action="allow")
    world.open([held("sometag", country="IN"), odd, person, held("person"), held("gone", action="clear")])

    assert [(r["hashtag"], r["in_force"]) for r in lines(cli("list", "--json"))] == [("odd", True), ("sometag", True)]
    assert [r["hashtag"] for r in lines(cli("list", "--json", "--surface", "trends"))] == ["sometag"]
    assert [r["hashtag"] for r in lines(cli("list", "--json", "--country", "US"))] == ["odd"]
    assert len(lines(cli("list", "--json", "--all"))) == 5
    shown = cli("list").stdout
    assert "[red]o\ufffdd\ufffdd" in shown
    assert "\x1b" not in shown

    [trends] = lines(cli("get", "#SomeTag", "--country", "in", "--surface", "trends", "--json"))
    assert (trends["shown"], trends["why"], trends["register"]["country"]) == (False, "flagged", "IN")
    assert [(r["surface"], r["shown"]) for r in lines(cli("get", "sometag", "--json"))] == [
        ("search", True),
        ("trends", True),
    ]
    assert "#person on trends: shown (clear): allow by human, until" in cli("get", "person").stdout


def test_flags_commands_report_stale_flags(world: ServerWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUSHTAG_REDIS_URL", world.server.url)
    world.open([held("sometag")], settled_ms=now_ms() - 3_600_000)
    result = cli("get", "sometag", "--surface", "trends", "--json")
    assert lines(result)[0]["why"] == "stale"
    assert "stale" in result.stderr


def test_flags_commands_refuse_wrong_arguments(world: ServerWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUSHTAG_REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setattr("streams.cli.flags._DEADLINE_SECONDS", 0.3)
    assert isinstance(cli("list").exception, FlagStoreUnavailable)
    assert isinstance(cli("list", "--country", "India").exception, CallerMistake)
    monkeypatch.setenv("HUSHTAG_REDIS_URL", "redis://host:port")
    assert isinstance(cli("get", "x").exception, CallerMistake)
