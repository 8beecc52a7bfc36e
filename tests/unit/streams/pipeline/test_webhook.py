"""The webhook: what is told, signed so that it can be checked, retried, and never in anybody's way."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator

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

    def __init__(self, *answers: int | Exception | httpx.Response) -> None:
        self.answers, self.got = list(answers), []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.got.append(request)
        answer = self.answers.pop(0) if self.answers else 200
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else httpx.Response(answer)


async def sent(
    receiver: Receiver, *decisions: Decision, url: str = "http://there.example/hook"
) -> tuple[int, list[float]]:
    """Send all there is; how many were given up, and the waits between the tries."""
    lost, waits = [], []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    webhook = Webhook(url, KEY, now_seconds=lambda: 1_800_000_000, dropped=lost.append,
                      sleep=sleep, transport=httpx.MockTransport(receiver))  # fmt: skip
    for one in decisions:
        webhook.offer(one)
    task = asyncio.create_task(webhook.run())
    for _ in range(200):
        await asyncio.sleep(0)
    assert not task.done(), "it ends the worker"
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


class Endless(httpx.AsyncByteStream):
    """A body that never ends."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0)
            yield bytes(1 << 16)


ODD_ANSWERS = {
    "a body that never ends": httpx.Response(200, stream=Endless()),
    "a body that is not what it says": httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=Endless()),
    "no such address": httpx.Response(302, headers={"Location": "http://host:8080:9/"}),
    "neither yes nor no": httpx.Response(299),
}


@pytest.mark.parametrize("name", ODD_ANSWERS)
async def test_no_answer_stops_it(name):
    receiver = Receiver(ODD_ANSWERS[name])
    lost, _ = await sent(receiver, decision(ruling("suppress")), decision(ruling("suppress"), hashtag="next"))
    assert lost == 0
    assert json.loads(receiver.got[-1].content)["hashtag"] == "next"


@pytest.mark.parametrize("trouble", [ExceptionGroup("of the network", [OverflowError("port")]), ValueError("odd")])
async def test_no_trouble_that_a_library_did_not_think_of_ends_it(trouble):
    receiver = Receiver(*[trouble] * TRIES)
    lost, _ = await sent(receiver, decision(ruling("suppress")), decision(ruling("suppress"), hashtag="next"))
    assert lost == 1
    assert json.loads(receiver.got[-1].content)["hashtag"] == "next"


async def test_an_address_that_is_none_costs_the_events_and_no_more():
    lost, waits = await sent(Receiver(), decision(ruling("suppress")), url="http://host:8080:9/")
    assert (lost, len(waits)) == (1, TRIES - 1)


async def test_offering_never_waits_and_the_oldest_go_first():
    lost = []
    webhook = Webhook("http://x", KEY, now_seconds=lambda: 0, dropped=lost.append)
    for number in range(KEPT_MAX + 5):
        webhook.offer(replace(decision(ruling("suppress")), hashtag=f"tag{number}"))
    assert sum(lost) == 5
    waiting: list[Event] = list(webhook._waiting)
    assert (len(waiting), waiting[0].hashtag) == (KEPT_MAX, "tag5")
