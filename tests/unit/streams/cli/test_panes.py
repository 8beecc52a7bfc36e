"""`hushtag panes` over an invented topic: filters, times and memory."""

from __future__ import annotations

import gc
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from streams.cli import panes
from streams.counting.keys import Tags
from streams.errors import CallerMistake
from streams.log.panes import PaneRecord, encode_pane
from streams.windows.pane import merge_panes
from tests.support.panes import HASHES, build

APP = typer.Typer()
panes.register(APP)
FIRST_MS = int(datetime(2026, 11, 24, 23, 58, tzinfo=UTC).timestamp()) * 1000
MINUTES = 6


@APP.callback()
def _root() -> None:
    """Keep the name of the only command."""


def minutes() -> Iterator[list[bytes]]:
    """Yield the records of each minute, in several parts, each part twice."""
    for minute in range(MINUTES):
        start_ms = FIRST_MS + 60_000 * minute
        tags = Tags()
        uses = {(f"tag{at}", where): (minute + 1, []) for at in range(3) for where in ("IN", "US")}
        ten_seconds = build(uses, tags, start_ms // 10_000)
        minute_pane = merge_panes([ten_seconds], start_ms, HASHES)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("streams.log.panes.MAX_BYTES", 60)
            parts = encode_pane(minute_pane, 0, tags)
            assert len(parts) > 1
            yield [*encode_pane(ten_seconds, 0, tags), *parts, *parts[::-1]]


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count the pane records in memory at each read."""
    found: list[int] = []

    class Reader:
        def __init__(self, *_: object) -> None: ...

        async def __aenter__(self) -> Any:
            return self

        async def __aexit__(self, *_: object) -> None: ...

        async def to_end(self) -> AsyncIterator[list[SimpleNamespace]]:
            for values in minutes():
                yield [SimpleNamespace(value=value) for value in values]
                found.append(sum(type(one) is PaneRecord for one in gc.get_objects()))

    monkeypatch.setattr("streams.log.reading.LogReader", Reader)
    return found


def run(*arguments: str) -> list[dict[str, Any]]:
    done = CliRunner().invoke(APP, ["panes", "--json", *arguments])
    if done.exception is not None:
        raise done.exception
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_panes_prints_filtered_rows_once(kept: list[int]) -> None:
    rows = run("--hashtag", "#TAG1", "--country", "in")
    assert [(row["hashtag"], row["country"], row["tweets"]) for row in rows] == [
        ("tag1", "IN", minute + 1) for minute in range(MINUTES)
    ]
    assert [row["minute_ms"] for row in rows] == [FIRST_MS + 60_000 * minute for minute in range(MINUTES)]
    assert len(run()) == MINUTES * 3 * 3, "three tags in two countries and the world"
    assert run("--country", "*", "--hashtag", "tag9") == []
    assert max(kept) == kept[0], "complete panes are not kept"


def test_panes_refuses_unknown_country(kept: list[int]) -> None:
    with pytest.raises(CallerMistake, match="unknown country 'India'"):
        run("--country", "India")


def test_piped_rows_have_date_and_tabs(kept: list[int]) -> None:
    done = CliRunner().invoke(APP, ["panes", "--hashtag", "tag1", "--country", "IN"], catch_exceptions=False)
    assert [line.split("\t")[:3] for line in done.stdout.splitlines()[1:3]] == [
        ["#tag1", "2026-11-24 23:59 UTC", "IN"],
        ["#tag1", "2026-11-25 00:00 UTC", "IN"],
    ]
