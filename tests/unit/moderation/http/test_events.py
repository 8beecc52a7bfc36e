"""Tests of the event stream: kinds, resumption, and what a viewer may not see."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import msgspec
import pytest

from moderation.access import feed as feed_module
from moderation.access.feed import EventFeed, FeedEvent, event_of


class Topics:
    """Both topics of a feed in memory."""

    def __init__(self) -> None:
        self.records: list[bytes] = []
        self.live = 1
        self.reads = 0

    async def read(self, begin: int) -> Sequence[tuple[int, bytes]]:
        self.reads += 1
        return list(enumerate(self.records))[begin:]

    async def policy(self) -> tuple[int, dict[str, Any]]:
        return self.live, {"revision": f"r{self.live}", "serial": self.live}

    def add(self, **record: Any) -> None:
        self.records.append(json.dumps(record).encode())

    def feed(self) -> EventFeed:
        return EventFeed(self.read, self.policy)


async def take(stream: AsyncGenerator[FeedEvent | None, None], count: int) -> list[FeedEvent]:
    found = list[FeedEvent]()
    while len(found) < count:
        event = await asyncio.wait_for(anext(stream), 60)
        if event is not None:
            found.append(event)
    return found


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(feed_module, "KEEPALIVE_SECONDS", 0.05)


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        ({"kind": "override", "hashtag": "t"}, "override"), ({"kind": "undo", "hashtag": "t"}, "override"),
        ({"kind": "override", "hashtag": "*"}, "stop"), ({"kind": "undo", "hashtag": "*"}, "stop"),
        ({"kind": "case_claim"}, "case"), ({"kind": "appeal", "id": "a"}, "appeal"),
        ({"kind": "appeal_outcome"}, "appeal"), ({"kind": "order_step"}, "order"), ({"kind": "order_targets"}, None),
        ({"kind": "speaker"}, None), ({}, None),
    ],
)  # fmt: skip
def test_kind_of_an_event_follows_its_record(record: dict[str, Any], kind: str | None) -> None:
    found = event_of((4, json.dumps(record).encode()), 2)
    assert (found.kind if found else None) == kind
    assert found is None or found.id == "m5-p2"


@pytest.mark.parametrize("value", [b"", b"{", b"[]", b"\xff", b"null"])
def test_unreadable_record_is_no_event(value: bytes) -> None:
    assert event_of((0, value), 0) is None


def test_event_has_neither_reason_nor_verdict_of_a_case() -> None:
    record = {"kind": "case_look", "case": "case-1", "verdict": "show", "reason": "secret", "actor": "ann"}
    found = event_of((0, json.dumps(record).encode()), 0)
    assert found is not None and found.data == {"case": "case-1", "actor": "ann", "record": "case_look"}


async def test_stream_begins_now_and_follows() -> None:
    topics = Topics()
    topics.add(kind="override", hashtag="old")
    stream = topics.feed().stream(None)
    assert await anext(stream) is None, "a keepalive, since nothing is new"
    topics.add(kind="override", hashtag="new", actor="ann")
    topics.live = 2
    events = await take(stream, 2)
    assert [(one.kind, one.data.get("hashtag")) for one in events] == [("override", "new"), ("policy", None)]
    assert events[1].data["revision"] == "r2"
    await stream.aclose()


async def test_stream_resumes_after_any_event() -> None:
    topics = Topics()
    feed = topics.feed()
    await feed.poll()
    for number in range(6):
        topics.add(kind="override", hashtag=f"t{number}")
        if number == 3:
            await feed.poll()
            topics.live = 2
            await feed.poll()
    await feed.poll()
    first = feed.stream("m0-p1")
    every = await take(first, 7)
    await first.aclose()
    assert [one.kind for one in every] == ["override"] * 4 + ["policy"] + ["override"] * 2
    for number, event in enumerate(every[:-1]):
        stream = feed.stream(event.id)
        assert await take(stream, len(every) - number - 1) == every[number + 1 :]
        await stream.aclose()


@pytest.mark.parametrize("last_id", ["nonsense", "m99-p1", "", "m0-p0-x"])
async def test_unknown_id_resets_the_viewer(last_id: str) -> None:
    topics = Topics()
    topics.add(kind="override", hashtag="t")
    stream = topics.feed().stream(last_id)
    [event] = await take(stream, 1)
    assert (event.kind, event.id) == ("reset", "m1-p1")
    await stream.aclose()


async def test_id_from_before_the_kept_events_resets_the_viewer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "MOST_KEPT", 3)
    topics = Topics()
    for number in range(9):
        topics.add(kind="override", hashtag=f"t{number}")
    for last_id, kinds in (("m2-p1", ["reset"]), ("m6-p1", ["override"] * 3)):
        stream = topics.feed().stream(last_id)
        assert [one.kind for one in await take(stream, len(kinds))] == kinds
        await stream.aclose()


async def test_policy_that_changed_before_a_restart_resets_the_viewer() -> None:
    topics = Topics()
    topics.add(kind="override", hashtag="t")
    topics.live = 5
    stream = topics.feed().stream("m1-p2")
    [event] = await take(stream, 1)
    assert event.kind == "reset"
    await stream.aclose()


async def test_many_streams_read_the_log_once() -> None:
    topics = Topics()
    feed = topics.feed()
    streams = [feed.stream(None) for _ in range(20)]
    waiting = [asyncio.ensure_future(take(stream, 1)) for stream in streams]
    await asyncio.sleep(0.05)
    before = topics.reads
    topics.add(kind="override", hashtag="t")
    assert all(events[0].data["hashtag"] == "t" for events in await asyncio.gather(*waiting))
    assert topics.reads - before < 20
    for stream in streams:
        await stream.aclose()


def test_event_data_is_plain_json() -> None:
    found = event_of((0, json.dumps({"kind": "override", "hashtag": "t", "surfaces": ["a"]}).encode()), 0)
    assert found is not None and msgspec.json.encode(found.data)


@pytest.mark.parametrize("steps", range(8))
async def test_stream_is_cancelled_together_with_a_change(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "POLL_SECONDS", 60)
    monkeypatch.setattr(feed_module, "KEEPALIVE_SECONDS", 60)
    topics = Topics()
    feed = topics.feed()
    viewer = asyncio.create_task(take(feed.stream(None), 1))
    while topics.reads < 2:  # once for the stream, once before it waits
        await asyncio.sleep(0)
    for _ in range(10):
        await asyncio.sleep(0)
    async with feed._changed:
        feed._changed.notify_all()
    for _ in range(steps):
        await asyncio.sleep(0)
    viewer.cancel()
    await asyncio.wait([viewer], timeout=5)
    assert viewer.cancelled()
