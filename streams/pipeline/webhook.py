"""Webhook: signed events about new flags, withdrawals and cap hits, sent to an address of the operator.

`offer` adds an event to a bounded queue and returns; one task sends. While the receiver is away the oldest events are
dropped and counted. Events still queued when the worker ends are lost uncounted; the decisions topic has them all.

The body is JSON. `X-Hushtag-Signature` is `t=SECONDS,v1=HEX`, where HEX is the HMAC-SHA256 of "SECONDS.BODY" by the
shared key. `X-Hushtag-Id` is equal for a repeat: the next owner of a shard may send an event again.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Literal

import httpx
import msgspec

from streams.exchange import BoundedClient
from streams.log.decisions import HIDING, Decision, DecisionReason, Evidence, ScopeDecision, without_positions

QUEUED_MAX = 1_000
TRIES = 8
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.5, 30.0
EXCHANGE_SECONDS = 5.0
ANSWER_BYTES = 65_536
"""Bytes read of an answer at most; its content is not used."""
_encode = msgspec.json.Encoder().encode


class WebhookEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One change of a hashtag in a country."""

    id: str
    kind: Literal["suppressed", "contested", "withdrawn", "past_a_valve"]
    hashtag: str
    display: str
    country: str
    categories: tuple[str, ...]
    surfaces: tuple[str, ...]
    provisional: bool
    valve: str
    weight: float | None
    """Least weight of a new discount; None for other events."""
    reasons: tuple[DecisionReason, ...]
    evidence: Evidence | None
    decided_at_ms: int
    policy_revision: str


def events_of(decision: Decision) -> Iterator[WebhookEvent]:
    """Yield the changes in a decision; renewals and settled clears are no events.

    A settled flag that confirms an early one is an event again, no longer provisional.
    """
    found: dict[tuple[str, bool, str], list[ScopeDecision]] = {}
    for ruling in decision.rulings:
        kind = _kind(ruling)
        if kind and ruling.since_ms == decision.tick_ms:
            found.setdefault((kind, ruling.provisional, ruling.valve), []).append(ruling)
    for (kind, provisional, valve), rulings in found.items():
        yield WebhookEvent(
            id=f"{decision.version}:{decision.hashtag}:{decision.country}:{kind}:{valve}",
            kind=kind,  # type: ignore[arg-type]
            hashtag=decision.hashtag,
            display=decision.display,
            country=decision.country,
            categories=tuple(sorted({one.category for one in rulings})),
            surfaces=tuple(sorted({one.surface for one in rulings})),
            provisional=provisional,
            valve=valve,
            weight=min((one.weight for one in rulings if one.weight is not None), default=None),
            reasons=rulings[0].reasons,
            evidence=without_positions(rulings[0].evidence),
            decided_at_ms=decision.decided_at_ms,
            policy_revision=decision.policy_revision,
        )


def _kind(ruling: ScopeDecision) -> str:
    if ruling.action in HIDING:
        return "suppressed"
    if ruling.action == "discount":
        return "contested"
    if ruling.action == "clear" and ruling.provisional:
        return "withdrawn"
    return "past_a_valve" if ruling.action == "review" and ruling.valve else ""


def signature(key: bytes, at_seconds: int, body: bytes) -> str:
    """Return the value of `X-Hushtag-Signature`.

    >>> signature(b"key", 1, b"{}")[:14]
    't=1,v1=1ba6b81'
    """
    return f"t={at_seconds},v1={hmac.new(key, b'%d.%s' % (at_seconds, body), hashlib.sha256).hexdigest()}"


class Webhook:
    """Sends events to one address.

    Args:
        now_seconds: returns the time for the signature.
        dropped: called with the number of dropped events.
        transport: replaces the network in tests.
    """

    def __init__(
        self,
        url: str,
        key: bytes,
        *,
        now_seconds: Callable[[], int],
        dropped: Callable[[int], object],
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._url, self._key = url, key
        self._now_seconds, self._dropped, self._sleep = now_seconds, dropped, sleep
        self._transport = transport
        self._queue: deque[WebhookEvent] = deque()
        self._wake = asyncio.Event()

    def offer(self, decision: Decision) -> None:
        """Queue the events of a decision. Never waits, never raises."""
        for event in events_of(decision):
            if len(self._queue) >= QUEUED_MAX:
                self._queue.popleft()
                self._dropped(1)
            self._queue.append(event)
        self._wake.set()

    async def run(self) -> None:
        """Send events one by one until cancelled."""
        async with BoundedClient(
            seconds=EXCHANGE_SECONDS, answer_bytes=ANSWER_BYTES, transport=self._transport
        ) as client:
            while True:
                while self._queue:
                    if not await self._deliver(client, self._queue.popleft()):
                        self._dropped(1)
                self._wake.clear()
                await self._wake.wait()

    async def _deliver(self, client: BoundedClient, event: WebhookEvent) -> bool:
        body, wait_seconds = _encode(event), FIRST_WAIT_SECONDS
        for remaining in range(TRIES - 1, -1, -1):
            headers = {
                "Content-Type": "application/json",
                "X-Hushtag-Id": event.id.encode("ascii", "backslashreplace").decode(),
                "X-Hushtag-Signature": signature(self._key, self._now_seconds(), body),
            }
            try:
                async with client.stream("POST", self._url, content=body, headers=headers) as answer:
                    with suppress(httpx.HTTPError):  # read, so that the connection can be reused
                        await answer.aread()
                    if answer.is_success:
                        return True
                    if answer.is_client_error and answer.status_code not in (408, 429):
                        return False  # a later try would be refused, too
            except Exception:  # away, or an error that httpx lets through (a port of 99999): counted when dropped
                pass
            if remaining:
                await self._sleep(wait_seconds)
                wait_seconds = min(2 * wait_seconds, LONGEST_WAIT_SECONDS)
        return False
