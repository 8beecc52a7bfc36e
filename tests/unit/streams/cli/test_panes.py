"""`hushtag panes` over a topic made up: what is asked for, the moment of each row, and no more kept than is printed."""

from __future__ import annotations

import gc
import json
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from streams.cli import panes
from streams.counting.keys import Tags
from streams.errors import CallerMistake
from streams.log.panes import PaneRecord, encode_pane
from streams.windows.pane import merge_panes
from tests.unit.streams.windows.test_pane import COLUMNS, HASHES, build

APP = typer.Typer()
panes.register(APP)
FIRST_MS = int(datetime(2026, 11, 24, 23, 58, tzinfo=UTC).timestamp()) * 1000
MINUTES = 6


@APP.callback()
def _root() -> None:
    """So that the one command keeps its name."""


def minutes() -> Iterator[list[bytes]]:
    """A minute's records after the other's, each in several parts, and each twice."""
    for minute in range(MINUTES):
        start_ms = FIRST_MS + 60_000 * minute
        tags = Tags()
        uses = {(f"tag{at}", where): (minute + 1, []) for at in range(3) for where in ("IN", "US")}
        ten_seconds = build(uses, tags, start_ms // 10_000)
        minute_pane = merge_panes([ten_seconds], start_ms, COLUMNS, HASHES)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("streams.log.panes.MAX_BYTES", 60)
            parts = encode_pane(minute_pane, 0, tags)
            assert len(parts) > 1
            yield [*encode_pane(ten_seconds, 0, tags), *parts, *parts[::-1]]


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many records of panes are in memory whenever more are asked for."""
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
    done = CliRunner().invoke(APP, ["panes", *arguments])
    if done.exception is not None:
        raise done.exception
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_what_is_asked_for_and_once(kept: list[int]) -> None:
    rows = run("--hashtag", "#TAG1", "--country", "in")
    assert [(row["hashtag"], row["country"], row["tweets"]) for row in rows] == [
        ("tag1", "IN", minute + 1) for minute in range(MINUTES)
    ]
    assert [row["minute_ms"] for row in rows] == [FIRST_MS + 60_000 * minute for minute in range(MINUTES)]
    assert len(run()) == MINUTES * 3 * 3, "three tags in two countries and the world"
    assert run("--country", "*", "--hashtag", "tag9") == []
    assert max(kept) == kept[0], "of panes that are complete nothing is kept"


def test_a_country_that_is_none_is_named(kept: list[int]) -> None:
    with pytest.raises(CallerMistake, match="'India' is not a country"):
        run("--country", "India")


def test_rows_on_a_terminal_have_a_date(kept: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    print_to: Callable[..., None] = lambda _, table: said.extend(table.columns[0].cells)  # noqa: E731
    monkeypatch.setattr(Console, "print", print_to)
    monkeypatch.setattr(panes, "sys", SimpleNamespace(stdout=SimpleNamespace(isatty=lambda: True)))
    run("--hashtag", "tag1", "--country", "IN")
    assert said[1:3] == ["2026-11-24 23:59 UTC", "2026-11-25 00:00 UTC"]
