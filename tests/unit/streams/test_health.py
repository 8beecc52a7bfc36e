"""The health server: it answers for a loop that hangs, and says why a worker is not ready."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from streams.errors import SettingsError
from streams.health import HealthServer
from streams.metrics import Metrics


def fetch(url: str, method: str = "GET") -> tuple[int, str]:
    try:
        with urlopen(Request(url, method=method), timeout=30) as response:
            return response.status, response.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def server(ready: Callable[[], str] = lambda: "", stalled_after_seconds: float = 10.0) -> HealthServer:
    registry = Metrics().registry
    return HealthServer(registry, host="127.0.0.1", port=0, ready=ready, stalled_after_seconds=stalled_after_seconds)


async def test_server_answers_metrics_health_and_readiness() -> None:
    reasons = ["shards [3] are catching up"]
    health = server(lambda: reasons[0])
    await health.start()
    url = health.url
    try:
        status, text = await asyncio.to_thread(fetch, f"{health.url}/metrics?name=x")
        assert status == 200
        assert "hushtag_tweets_total 0.0" in text
        status, text = await asyncio.to_thread(fetch, f"{health.url}/healthz")
        assert (status, json.loads(text)["status"]) == (200, "alive")
        status, text = await asyncio.to_thread(fetch, f"{health.url}/readyz")
        assert (status, json.loads(text)["reason"]) == (503, "shards [3] are catching up")
        reasons[0] = ""
        assert await asyncio.to_thread(fetch, f"{health.url}/readyz") == (200, '{"status": "ready"}\n')
        assert await asyncio.to_thread(fetch, f"{health.url}/healthz", "HEAD") == (200, "")
        assert (await asyncio.to_thread(fetch, f"{health.url}/"))[0] == 404
        assert (await asyncio.to_thread(fetch, f"{health.url}/metrics", "POST"))[0] == 405
    finally:
        await health.stop()
        await health.stop()
    with pytest.raises(OSError, match="refused"):
        await asyncio.to_thread(fetch, f"{url}/healthz")


@pytest.mark.parametrize("host", ["::1", "::"])
async def test_server_listens_on_ipv6(host: str) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    health = HealthServer(Metrics().registry, host=host, port=0, ready=lambda: "")
    await health.start()
    try:
        assert health.url == f"http://[{host}]:{health.port}"
        assert (await asyncio.to_thread(fetch, f"http://[::1]:{health.port}/healthz"))[0] == 200
    finally:
        await health.stop()


async def test_blocked_loop_is_reported_while_blocked() -> None:
    health = server(stalled_after_seconds=0.3)

    def health_until(wanted: int) -> tuple[int, str]:
        """Return the answer of /healthz once it has this status, or the last one after a deadline."""
        deadline = time.monotonic() + 30
        while (answer := fetch(f"{health.url}/healthz"))[0] != wanted and time.monotonic() < deadline:
            time.sleep(0.02)
        return answer

    await health.start()
    try:
        with ThreadPoolExecutor(1) as pool:
            answers = [pool.submit(health_until, 503).result(), fetch(f"{health.url}/readyz")]  # the loop is blocked
        assert [status for status, _ in answers] == [503, 503]
        assert "has not run for" in json.loads(answers[0][1])["reason"]
        assert (await asyncio.to_thread(health_until, 200))[0] == 200
    finally:
        await health.stop()


async def test_failing_readiness_check_counts_as_not_ready() -> None:
    def broken() -> str:
        raise RuntimeError("state is gone")

    health = server(broken)
    await health.start()
    try:
        status, text = await asyncio.to_thread(fetch, f"{health.url}/readyz")
        assert status == 503
        assert "state is gone" in text
    finally:
        await health.stop()


@pytest.mark.parametrize(("reason", "status"), [("", 200), ("starting", 503)])
async def test_notes_stand_in_the_answer_and_change_no_readiness(reason: str, status: int) -> None:
    health = HealthServer(
        Metrics().registry, host="127.0.0.1", port=0, ready=lambda: reason, notes=lambda: ["shard 2 has stopped"]
    )
    code, answer = health.readiness()
    assert (code, answer["notes"]) == (status, ["shard 2 has stopped"])


async def test_port_in_use_names_the_settings() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        health = HealthServer(Metrics().registry, host="127.0.0.1", port=taken.getsockname()[1], ready=lambda: "")
        with pytest.raises(SettingsError, match="cannot be served") as caught:
            await health.start()
        assert "HUSHTAG_METRICS_PORT" in caught.value.fix
        await health.stop()


async def test_silent_client_does_not_block_others() -> None:
    health = server()
    await health.start()
    try:
        silent = socket.create_connection(("127.0.0.1", health.port))
        assert (await asyncio.to_thread(fetch, f"{health.url}/healthz"))[0] == 200
        silent.close()
    finally:
        await health.stop()
