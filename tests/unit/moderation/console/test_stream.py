"""The live stream: what it sends first and later, for whom, and how it ends."""

from __future__ import annotations

import asyncio
import doctest
from collections.abc import AsyncGenerator
from typing import Any
from urllib.request import Request, urlopen

import msgspec
import pytest

from moderation.access.rights import Caller, Grant
from moderation.access.services import Services
from moderation.console import stream
from moderation.console.queue_filter import QueueFilter
from moderation.console.stream import LiveConsole, StreamKey
from streams.errors import DependencyAway
from tests.support.console_world import ConsoleWorld
from tests.support.live_decisions import waiting
from tests.support.moderation_world import ApiWorld

ADMIN = Caller(name="local", writes_as="local", grants=(Grant(role="admin"),), acts_for_others=True)
READER = Caller(name="reader", writes_as="reader", grants=(Grant(role="reader"),))


def test_examples_of_the_module_hold() -> None:
    assert doctest.testmod(stream).failed == 0


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "REFRESH_SECONDS", 0.01)


def services_with(*decisions: Any, share: float = 0.0) -> Services:
    return ApiWorld(*decisions, share=share).services


def queue_key(person: str = "asha", rows: int = 100, **filters: str) -> StreamKey:
    return StreamKey(ADMIN, person, QueueFilter(**filters), rows)


async def message(events: AsyncGenerator[bytes, None]) -> Any:
    async with asyncio.timeout(60):
        event = await anext(events)
    data = next(line for line in event.decode().splitlines() if line.startswith("data: "))
    return msgspec.json.decode(data.removeprefix("data: "))


async def test_stream_sends_the_list_whole_and_then_only_changed_rows() -> None:
    services = services_with(waiting("one"), waiting("two", minutes=200))
    events = LiveConsole(services).stream(queue_key())
    first = await message(events)
    assert len(first["lists"]["queue"]["order"]) == 2
    assert first["texts"]["queue-count"] == "2"
    await services.cases.claim("one", actor="zoe")
    second = await message(events)
    [row] = second["lists"]["queue"]["rows"].values()
    assert "claimed by <bdi>zoe</bdi>" in row
    assert "order" not in second["lists"]["queue"]
    await events.aclose()


async def test_viewers_of_one_filter_share_the_rendered_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    rendered: list[str] = []
    row_html = stream.RowCache._row

    def counted(self: Any, entry: Any) -> str:
        if entry not in self._rows:
            rendered.append(entry.display)
        return row_html(self, entry)

    monkeypatch.setattr(stream.RowCache, "_row", counted)
    live = LiveConsole(services_with(waiting("one"), waiting("two")))
    await live.board.follow()
    for person in ("asha", "zoe", "ravi"):
        live.page(queue_key(person))
    assert sorted(rendered) == ["one", "two"]


async def test_reader_gets_texts_but_no_count_of_the_queue() -> None:
    events = LiveConsole(services_with(waiting("one"))).stream(StreamKey(READER, "reader"))
    first = await message(events)
    assert "lists" not in first
    assert first["texts"]["queue-count"] == ""
    await events.aclose()


async def test_closing_ends_every_stream() -> None:
    live = LiveConsole(services_with(waiting("one")))
    events = live.stream(queue_key())
    await message(events)
    live.close()
    with pytest.raises(StopAsyncIteration):
        await message(events)
    with pytest.raises(StopAsyncIteration):
        await message(live.stream(queue_key()))


def test_server_stops_while_a_stream_is_open() -> None:
    world = ConsoleWorld([waiting("one")])
    call = Request(f"{world.url}/console/stream?view=queue", headers={"Authorization": "Bearer hush_admin"})
    with urlopen(call) as answer:
        assert b"data-row" in answer.readline()
        world._server.stop()
        world._thread.join(5)
    assert not world._thread.is_alive()


async def test_streams_end_when_kafka_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    live = LiveConsole(services_with(waiting("one")))
    events = live.stream(queue_key())
    await message(events)

    async def away() -> None:
        raise DependencyAway("Kafka is away")

    monkeypatch.setattr(live.board, "follow", away)
    with pytest.raises(StopAsyncIteration):
        await message(events)


async def test_long_list_sends_a_page_and_counts_all() -> None:
    live = LiveConsole(services_with(*(waiting(f"tag{n}") for n in range(90))))
    await live.board.follow()
    page = live.page(queue_key(rows=10))
    assert len(page.lists["queue"]) == 10 + stream.MARGIN_ROWS
    assert (page.texts["queue-total"], page.texts["queue-complete"]) == ("90 wait", "no")
