"""The webhook: what is told, signed so that it can be checked, retried, and never in anybody's way."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json

import httpx
import pytest
from msgspec.structs import replace

from streams.log.decisions import Decision, Reason, Ruling
from streams.pipeline.webhook import KEPT_MAX, TRIES, Event, Webhook, events_of

KEY = b"shared"
WHY = (Reason("harmful_share_lower", 0.5, 0.4),)


def ruling(action: str, since_ms: int = 50_000, *, surface: str = "trends", provisional: bool = False, valve: str = ""):
    return Ruling(category="abuse", surface=surface, action=action, since_ms=since_ms, expires_at_ms=0,
                  provisional=provisional, valve=valve, reasons=WHY)  # fmt: skip


def decision(*rulings: Ruling, hashtag: str = "हिन्दी") -> Decision:
    return Decision(hashtag=hashtag, display=hashtag, country="IN", rulings=rulings, version="v1", tick_ms=50_000,
                    settled_ms=50_000, decided_at_ms=51_000, policy_revision="p", model_revision="m")  # fmt: skip


def kinds(*rulings: Ruling) -> list[tuple[str, tuple[str, ...], bool]]:
    return [(event.kind, event.surfaces, event.provisional) for event in events_of(decision(*rulings))]


def test_what_has_just_happened_is_told_once():
    assert kinds(ruling("suppress"), ruling("suppress", surface="search")) == [
        ("suppressed", ("search", "trends"), False)
    ]
    assert kinds(ruling("hold", provisional=True)) == [("suppressed", ("trends",), True)]
    assert kinds(ruling("clear", provisional=True)) == [("withdrawn", ("trends",), True)]
    assert kinds(ruling("review", valve="new_suppressions_per_hour")) == [("past_a_valve", ("trends",), False)]
    assert kinds(ruling("suppress", 40_000), ruling("clear"), ruling("review"), ruling("shadow")) == []


class Receiver:
    """The other side: answers as it is told to, and keeps what it got."""

    def __init__(self, *answers: int | Exception) -> None:
        self.answers, self.got = list(answers), []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.got.append(request)
        answer = self.answers.pop(0) if self.answers else 200
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer)


async def sent(receiver: Receiver, *decisions: Decision) -> tuple[int, list[float]]:
    """Send all there is; how many were given up, and the waits between the tries."""
    lost, waits = [], []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    webhook = Webhook("http://there.example/hook", KEY, now_seconds=lambda: 1_800_000_000, dropped=lost.append,
                      sleep=sleep, transport=httpx.MockTransport(receiver))  # fmt: skip
    for one in decisions:
        webhook.offer(one)
    task = asyncio.create_task(webhook.run())
    for _ in range(200):
        await asyncio.sleep(0)
    task.cancel()
    return sum(lost), waits


async def test_it_is_signed_over_time_and_body():
    receiver = Receiver()
    assert await sent(receiver, decision(ruling("suppress"))) == (0, [])
    (request,) = receiver.got
    at, mac = (part.split("=")[1] for part in request.headers["X-Hushtag-Signature"].split(","))
    assert mac == hmac.new(KEY, f"{at}.".encode() + request.content, hashlib.sha256).hexdigest()
    body = json.loads(request.content)
    assert (body["kind"], body["hashtag"], body["country"]) == ("suppressed", "हिन्दी", "IN")
    assert body["reasons"] == [{"signal": "harmful_share_lower", "value": 0.5, "threshold": 0.4}]
    assert request.headers["X-Hushtag-Id"].isascii()


@pytest.mark.parametrize("trouble", [503, 429, httpx.ConnectError("refused"), httpx.ReadTimeout("slow")])
async def test_it_is_sent_again_with_longer_waits_until_it_is_taken(trouble):
    receiver = Receiver(trouble, trouble, trouble)
    lost, waits = await sent(receiver, decision(ruling("suppress")), decision(ruling("hold"), hashtag="next"))
    assert (lost, waits) == (0, [0.5, 1.0, 2.0])
    assert len({request.headers["X-Hushtag-Id"] for request in receiver.got[:4]}) == 1
    assert json.loads(receiver.got[4].content)["hashtag"] == "next"


async def test_what_is_never_taken_is_given_up_and_counted():
    assert (await sent(Receiver(*[500] * TRIES), decision(ruling("suppress"))))[0] == 1
    receiver = Receiver(400)
    assert await sent(receiver, decision(ruling("suppress"))) == (1, []), "a refusal will not change"
    assert len(receiver.got) == 1


async def test_offering_never_waits_and_the_oldest_go_first():
    lost = []
    webhook = Webhook("http://x", KEY, now_seconds=lambda: 0, dropped=lost.append)
    for number in range(KEPT_MAX + 5):
        webhook.offer(replace(decision(ruling("suppress")), hashtag=f"tag{number}"))
    assert sum(lost) == 5
    waiting: list[Event] = list(webhook._waiting)
    assert (len(waiting), waiting[0].hashtag) == (KEPT_MAX, "tag5")
