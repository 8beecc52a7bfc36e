"""New suppressions, withdrawals and cap hits, told to an address of the operator's: signed, retried, never waited for.

`offer` puts an event into a bounded queue and returns; one task of its own sends. Where the other side is away the
oldest events go first, and are counted; what waits when the worker ends is not. The log has them all.

The body is JSON. `X-Hushtag-Signature` is `t=SECONDS,v1=HEX`, HEX being the HMAC-SHA256 of "SECONDS.BODY" by the shared
key; `X-Hushtag-Id` is the same for a repeat (a successor may say again what was said).
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

from streams.log.decisions import HIDING, Decision, Evidence, Ruling
from streams.log.decisions import Reason as DecisionReason

KEPT_MAX = 1_000
TRIES = 8
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.5, 30.0
TIMEOUT_SECONDS = 5.0
ANSWER_BYTES = 65_536
"""No more of an answer is read: nothing in it counts."""
_encode = msgspec.json.Encoder().encode


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that has happened to a hashtag in a country."""

    id: str
    kind: Literal["suppressed", "withdrawn", "past_a_valve"]
    hashtag: str
    display: str
    country: str
    categories: tuple[str, ...]
    surfaces: tuple[str, ...]
    provisional: bool
    valve: str
    reasons: tuple[DecisionReason, ...]
    evidence: Evidence | None
    decided_at_ms: int
    policy_revision: str


def events_of(decision: Decision) -> Iterator[Event]:
    """What a decision says that has just happened; nothing where it renews or clears.

    A settled ruling that confirms an early one is told again, no longer provisional.
    """
    found: dict[tuple[str, bool, str], list[Ruling]] = {}
    for ruling in decision.rulings:
        kind = _kind(ruling)
        if kind and ruling.since_ms == decision.tick_ms:
            found.setdefault((kind, ruling.provisional, ruling.valve), []).append(ruling)
    for (kind, provisional, valve), rulings in found.items():
        yield Event(
            id=f"{decision.version}:{decision.hashtag}:{decision.country}:{kind}:{valve}",
            kind=kind,  # type: ignore[arg-type]
            hashtag=decision.hashtag,
            display=decision.display,
            country=decision.country,
            categories=tuple(sorted({one.category for one in rulings})),
            surfaces=tuple(sorted({one.surface for one in rulings})),
            provisional=provisional,
            valve=valve,
            reasons=rulings[0].reasons,
            evidence=rulings[0].evidence,
            decided_at_ms=decision.decided_at_ms,
            policy_revision=decision.policy_revision,
        )


def _kind(ruling: Ruling) -> str:
    if ruling.action in HIDING:
        return "suppressed"
    if ruling.action == "clear" and ruling.provisional:
        return "withdrawn"
    return "past_a_valve" if ruling.action == "review" and ruling.valve else ""


def signature(key: bytes, at_seconds: int, body: bytes) -> str:
    """The value of `X-Hushtag-Signature`.

    >>> signature(b"key", 1, b"{}")[:14]
    't=1,v1=9d5d5b1'
    """
    return f"t={at_seconds},v1={hmac.new(key, b'%d.%s' % (at_seconds, body), hashlib.sha256).hexdigest()}"


class Webhook:
    """Sends events to one address.

    Args:
        now_seconds: for the signature.
        dropped: called with how many events are given up.
        transport: for tests.
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
        self._waiting: deque[Event] = deque()
        self._wake = asyncio.Event()

    def offer(self, decision: Decision) -> None:
        """Take what a decision says; never waits, never raises."""
        for event in events_of(decision):
            if len(self._waiting) >= KEPT_MAX:
                self._waiting.popleft()
                self._dropped(1)
            self._waiting.append(event)
        self._wake.set()

    async def run(self) -> None:
        """Send for ever, one event after the other."""
        async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, transport=self._transport) as client:
            while True:
                while self._waiting:
                    if not await self._deliver(client, self._waiting.popleft()):
                        self._dropped(1)
                self._wake.clear()
                await self._wake.wait()

    async def _deliver(self, client: httpx.AsyncClient, event: Event) -> bool:
        body, wait_seconds = _encode(event), FIRST_WAIT_SECONDS
        for left in range(TRIES - 1, -1, -1):
            headers = {
                "Content-Type": "application/json",
                "X-Hushtag-Id": event.id.encode("ascii", "backslashreplace").decode(),
                "X-Hushtag-Signature": signature(self._key, self._now_seconds(), body),
            }
            try:
                async with client.stream("POST", self._url, content=body, headers=headers) as answer:
                    await _read_some(answer)
                    if answer.is_success:
                        return True
                    if answer.is_client_error and answer.status_code not in (408, 429):
                        return False  # it will not take it the next time either
            except Exception:  # away, or what httpx lets through (a port of 99999): counted when we give up
                pass
            if left:
                await self._sleep(wait_seconds)
                wait_seconds = min(2 * wait_seconds, LONGEST_WAIT_SECONDS)
        return False


async def _read_some(answer: httpx.Response) -> None:
    """Whoever reads an answer to its end can use the connection again; but it may be long, and take for ever."""
    read = 0
    with suppress(Exception):
        async with asyncio.timeout(TIMEOUT_SECONDS):
            async for chunk in answer.aiter_raw():
                read += len(chunk)
                if read > ANSWER_BYTES:
                    return
