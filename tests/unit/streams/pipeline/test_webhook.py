"""The webhook: its events, their signature, retries, and a queue that never blocks the judge."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator

import httpx
import pytest
from msgspec.structs import replace

from streams.log.decisions import Decision, DecisionReason, Evidence, SampledAt, ScopeDecision
from streams.pipeline.webhook import QUEUED_MAX, TRIES, Webhook, WebhookEvent, events_of

KEY = b"shared"
WHY = (DecisionReason("harmful_share_lower", 0.5, 0.4),)


def ruling(action: str, since_ms: int = 50_000, *, surface: str = "trends", provisional: bool = False, valve: str = "",
           weight: float | None = None):  # fmt: skip
    return ScopeDecision(category="abuse", surface=surface, action=action, since_ms=since_ms, expires_at_ms=0,
                  provisional=provisional, valve=valve, weight=weight, reasons=WHY)  # fmt: skip


def decision(*rulings: ScopeDecision, hashtag: str = "हिन्दी") -> Decision:
    return Decision(hashtag=hashtag, display=hashtag, country="IN", rulings=rulings, version="v1", tick_ms=50_000,
                    settled_ms=50_000, decided_at_ms=51_000, policy_revision="p", model_revision="m")  # fmt: skip


def kinds(*rulings: ScopeDecision) -> list[tuple[str, tuple[str, ...], bool]]:
    return [(event.kind, event.surfaces, event.provisional) for event in events_of(decision(*rulings))]


def test_each_change_makes_one_event():
    assert kinds(ruling("suppress"), ruling("suppress", surface="search")) == [
        ("suppressed", ("search", "trends"), False)
    ]
    assert kinds(ruling("hold", provisional=True)) == [("suppressed", ("trends",), True)]
    assert kinds(ruling("clear", provisional=True)) == [("withdrawn", ("trends",), True)]
    assert kinds(ruling("review", valve="new_suppressions_per_hour")) == [("past_a_valve", ("trends",), False)]
    assert kinds(ruling("discount"), ruling("discount", surface="search", provisional=True)) == [
        ("contested", ("trends",), False), ("contested", ("search",), True),
    ]  # fmt: skip
    assert (
        kinds(
            ruling("suppress", 40_000), ruling("discount", 40_000), ruling("clear"), ruling("review"), ruling("shadow")
        )
        == []
    )


def test_contested_event_has_least_weight():
    (event,) = events_of(decision(ruling("discount", weight=0.5), ruling("discount", surface="search", weight=0.25)))
    assert (event.kind, event.weight) == ("contested", 0.25)
    (event,) = events_of(decision(ruling("suppress")))
    assert event.weight is None


def test_event_has_no_way_to_texts():
    evidence = Evidence(
        window_ms=1, tweets=9, authors=8, scored=8, share=0.6, lower=0.5, upper=0.7, sampled=("1",),
        sampled_at=(SampledAt(0, 7, "en"),), highest=("3",), highest_at=(SampledAt(0, 9, "en"),),
    )  # fmt: skip
    (event,) = events_of(decision(replace(ruling("suppress"), evidence=evidence)))
    assert event.evidence == replace(evidence, sampled_at=(), highest=(), highest_at=())


class Receiver:
    """The receiver: gives prepared answers and keeps the requests."""

    def __init__(self, *answers: int | Exception | httpx.Response) -> None:
        self.answers, self.requests = list(answers), []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if self.answers else 200
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else httpx.Response(answer)


async def sent(
    receiver: Receiver, *decisions: Decision, url: str = "http://there.example/hook"
) -> tuple[int, list[float]]:
    """Send all events; return the number dropped and the pauses between tries."""
    lost, pauses = [], []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    webhook = Webhook(url, KEY, now_seconds=lambda: 1_800_000_000, dropped=lost.append,
                      sleep=sleep, transport=httpx.MockTransport(receiver))  # fmt: skip
    for one in decisions:
        webhook.offer(one)
    task = asyncio.create_task(webhook.run())
    for _ in range(200):
        await asyncio.sleep(0)
    assert not task.done(), "it ends the worker"
    task.cancel()
    return sum(lost), pauses


async def test_signature_covers_time_and_body():
    receiver = Receiver()
    assert await sent(receiver, decision(ruling("suppress"))) == (0, [])
    (request,) = receiver.requests
    at, mac = (part.split("=")[1] for part in request.headers["X-Hushtag-Signature"].split(","))
    assert mac == hmac.new(KEY, f"{at}.".encode() + request.content, hashlib.sha256).hexdigest()
    body = json.loads(request.content)
    assert (body["kind"], body["hashtag"], body["country"]) == ("suppressed", "हिन्दी", "IN")
    assert body["reasons"] == [{"signal": "harmful_share_lower", "value": 0.5, "threshold": 0.4}]
    assert request.headers["X-Hushtag-Id"].isascii()


@pytest.mark.parametrize("trouble", [503, 429, httpx.ConnectError("refused"), httpx.ReadTimeout("slow")])
async def test_refused_event_is_retried_with_longer_pauses(trouble):
    receiver = Receiver(trouble, trouble, trouble)
    lost, pauses = await sent(receiver, decision(ruling("suppress")), decision(ruling("hold"), hashtag="next"))
    assert (lost, pauses) == (0, [0.5, 1.0, 2.0])
    assert len({request.headers["X-Hushtag-Id"] for request in receiver.requests[:4]}) == 1
    assert json.loads(receiver.requests[4].content)["hashtag"] == "next"


async def test_event_is_dropped_and_counted_after_all_tries():
    assert (await sent(Receiver(*[500] * TRIES), decision(ruling("suppress"))))[0] == 1
    receiver = Receiver(400)
    assert await sent(receiver, decision(ruling("suppress"))) == (1, []), "a refusal will not change"
    assert len(receiver.requests) == 1


class Endless(httpx.AsyncByteStream):
    """A response body that never ends."""

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
async def test_any_answer_leaves_the_sender_running(name):
    receiver = Receiver(ODD_ANSWERS[name])
    lost, _ = await sent(receiver, decision(ruling("suppress")), decision(ruling("suppress"), hashtag="next"))
    assert lost == 0
    assert json.loads(receiver.requests[-1].content)["hashtag"] == "next"


@pytest.mark.parametrize("trouble", [ExceptionGroup("of the network", [OverflowError("port")]), ValueError("odd")])
async def test_unexpected_exception_leaves_the_sender_running(trouble):
    receiver = Receiver(*[trouble] * TRIES)
    lost, _ = await sent(receiver, decision(ruling("suppress")), decision(ruling("suppress"), hashtag="next"))
    assert lost == 1
    assert json.loads(receiver.requests[-1].content)["hashtag"] == "next"


async def test_invalid_address_drops_events_only():
    lost, pauses = await sent(Receiver(), decision(ruling("suppress")), url="http://host:8080:9/")
    assert (lost, len(pauses)) == (1, TRIES - 1)


async def test_full_queue_drops_the_oldest_events():
    lost = []
    webhook = Webhook("http://x", KEY, now_seconds=lambda: 0, dropped=lost.append)
    for number in range(QUEUED_MAX + 5):
        webhook.offer(replace(decision(ruling("suppress")), hashtag=f"tag{number}"))
    assert sum(lost) == 5
    queued: list[WebhookEvent] = list(webhook._queue)
    assert (len(queued), queued[0].hashtag) == (QUEUED_MAX, "tag5")
