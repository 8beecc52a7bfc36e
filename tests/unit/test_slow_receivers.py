"""Everything that calls another machine gives up on one that drips or never ends its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import httpx
import pytest

from moderation.access import oidc
from moderation.domain.orders.handles import UnresolvedHandle
from moderation.outward import handle_resolver
from moderation.outward.notify import channels
from moderation.publiclog import witnesses
from moderation.publiclog.proofs import published_log, verify_proof
from streams.errors import DependencyAway
from streams.settings import Settings
from tests.support.api_calls import OIDC_CONFIG
from tests.support.slow_servers import SLOW_KINDS, SlowKind, slow_server

TEST_SECONDS = 30
"""Longer than any deadline here, and shorter than an exchange without one."""


async def ask_notified_webhook(port: int) -> None:
    channel = channels.WebhookChannel(f"http://127.0.0.1:{port}/", [b"k" * 32])
    with pytest.raises(channels.ChannelAway, match="no whole answer"):
        await channel.send("id", "", "{}", 0)


async def ask_provider(port: int) -> None:
    with pytest.raises(DependencyAway, match="does not answer"):
        await oidc.Provider(replace(OIDC_CONFIG, issuer=f"http://127.0.0.1:{port}")).check()


async def renew_at_provider(port: int) -> None:
    provider = oidc.Provider(OIDC_CONFIG)
    provider._metadata = {"token_endpoint": f"http://127.0.0.1:{port}/token"}
    provider._read_at = oidc.monotonic_seconds()
    with pytest.raises(DependencyAway, match="does not answer"):
        await provider.renew("1", "refresh")


async def ask_handle_resolver(port: int) -> None:
    class Loopback(httpx.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            request.url = httpx.URL(f"http://127.0.0.1:{port}/")
            return await super().handle_async_request(request)

    settings = Settings(handle_resolver="https://x.example/{handle}")
    results = await handle_resolver.resolve_handles(["ann"], settings, transport=Loopback(), pause=no_pause)
    assert isinstance(results["ann"], UnresolvedHandle) and results["ann"].away


async def ask_published_log(port: int) -> None:
    with pytest.raises(DependencyAway, match="no whole answer"):
        await asyncio.to_thread(published_log.Website(f"http://127.0.0.1:{port}").read, "checkpoint")


async def ask_with_outsiders_verifier(port: int) -> None:
    with pytest.raises(TimeoutError, match="no whole answer"):
        await asyncio.to_thread(verify_proof.reader(f"http://127.0.0.1:{port}"), "checkpoint")


async def ask_witness(port: int) -> None:
    async with witnesses.witness_client() as client:
        with pytest.raises(httpx.ReadTimeout, match="no whole answer"):
            await client.post(f"http://127.0.0.1:{port}/add-checkpoint")


async def no_pause(seconds: float) -> None:
    await asyncio.sleep(0)


CALLS: list[Callable[[int], Awaitable[None]]] = [
    ask_notified_webhook, ask_provider, renew_at_provider, ask_handle_resolver, ask_published_log,
    ask_with_outsiders_verifier, ask_witness,
]  # fmt: skip
STATUS_IS_ENOUGH = {ask_notified_webhook}
"""Calls that do not read the body."""


@pytest.fixture(autouse=True)
def short_deadlines(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (oidc, witnesses, handle_resolver):
        monkeypatch.setattr(module, "EXCHANGE_SECONDS", 0.3)
    monkeypatch.setattr(channels, "WEBHOOK_SECONDS", 0.3)
    monkeypatch.setattr(channels, "EMAIL_SECONDS", 0.3)
    monkeypatch.setattr(published_log, "FILE_SECONDS", 0.3)
    monkeypatch.setattr(verify_proof, "FILE_SECONDS", 0.3)
    monkeypatch.setattr(handle_resolver, "ATTEMPTS", 1)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
async def test_call_gives_up_on_dripping_headers(call: Callable[[int], Awaitable[None]]) -> None:
    with slow_server("drips headers") as port:
        await asyncio.wait_for(call(port), TEST_SECONDS)


@pytest.mark.parametrize("call", [one for one in CALLS if one not in STATUS_IS_ENOUGH], ids=lambda call: call.__name__)
async def test_call_gives_up_on_a_dripping_body(call: Callable[[int], Awaitable[None]]) -> None:
    with slow_server("drips body") as port:
        await asyncio.wait_for(call(port), TEST_SECONDS)


async def test_mail_gives_up_on_a_dripping_greeting() -> None:
    with slow_server("drips a greeting") as port:
        channel = channels.EmailChannel(f"smtp://127.0.0.1:{port}", "a@example.org", ["b@example.org"])
        with pytest.raises(channels.ChannelAway, match="no whole answer"):
            await asyncio.wait_for(channel.send("id", "s", "b", 0), TEST_SECONDS)


@pytest.mark.parametrize("kind", ["drips body", "never ends body"])
async def test_notified_webhook_needs_the_status_only(kind: SlowKind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "WEBHOOK_SECONDS", TEST_SECONDS)
    with slow_server(kind) as port:
        channel = channels.WebhookChannel(f"http://127.0.0.1:{port}/", [b"k" * 32])
        await asyncio.wait_for(channel.send("id", "", "{}", 0), TEST_SECONDS)


@pytest.mark.parametrize("kind", SLOW_KINDS)
async def test_published_log_of_any_slow_server_ends(kind: SlowKind) -> None:
    with slow_server(kind) as port, pytest.raises(Exception, match=r"no whole answer|larger than"):
        await asyncio.wait_for(
            asyncio.to_thread(published_log.Website(f"http://127.0.0.1:{port}").read, "checkpoint"), TEST_SECONDS
        )
