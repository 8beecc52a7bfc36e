"""Tests of the commands of cases and their lines, on a log in memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from moderation.cli import cases as cli
from moderation.domain.cases.lines import case_cells, case_lines
from moderation.domain.cases.view import case_view, detailed_view
from streams.errors import CallerMistake
from streams.settings import Settings
from tests.support.case_decisions import HOUR_MS, decision, ruling
from tests.support.moderation_world import World

Hushtag = Callable[..., Result]


@pytest.fixture
def world() -> World:
    return World(
        decision(ruling("hold"), ruling("hold", "search"), tag="held"),
        decision(ruling("hold"), tag="held", country="US"),
        decision(ruling("suppress"), tag="down"),
        share=1.0,
    )


@pytest.fixture
def hushtag(world: World, monkeypatch: pytest.MonkeyPatch) -> Hushtag:
    """Run commands on the log in memory; errors are raised, not printed."""

    def run_in_memory(work: Callable[..., Coroutine[Any, Any, None]], share: float) -> None:
        asyncio.run(work(world.cases, Settings()))

    monkeypatch.setattr(cli, "_run", run_in_memory)
    app = typer.Typer()
    cli.register(app)

    def run(*arguments: str) -> Result:
        result = CliRunner().invoke(app, ["cases", *arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result

    return run


def test_piped_list_has_a_tab_separated_line_for_each_hashtag(hushtag: Hushtag) -> None:
    held, down = (line.split("\t") for line in hushtag("list").stdout.splitlines())
    assert held[0] == "#Held" and held[2:] == ["hold", "IN, US", "search, trends", "in 60 min", "9", ""]
    assert down[0] == "#Down" and down[2:] == ["second look", "IN", "", "", "", ""]
    assert [line.split("\t")[0] for line in hushtag("list", "-c", "US").stdout.splitlines()] == ["#Held"]
    assert [json.loads(line)["hashtag"] for line in hushtag("list", "--json").stdout.splitlines()] == ["held", "down"]


def test_case_is_worked_through_by_commands(hushtag: Hushtag) -> None:
    assert "claimed by ann" in hushtag("claim", "#Held", "--actor", "ann").stdout
    done = hushtag("decide", "held", "show", "-c", "IN", "-r", "a film", "--actor", "ann", "--wait", "0").stdout
    assert done.splitlines() == ["#Held: show IN on search, trends", "  still open: hold in US on trends"]
    assert "labels: film" in hushtag("note", "held", "see it", "-l", "film", "--actor", "ann").stdout
    assert "list of legal" in hushtag("escalate", "held", "legal", "-r", "r", "--actor", "ann").stdout
    assert [line.split("\t")[0] for line in hushtag("list", "--team", "legal").stdout.splitlines()] == ["#Held"]
    undone = hushtag("undo", "held", "-r", "too quick", "--actor", "ann", "--wait", "0").stdout
    assert undone.splitlines()[0] == "#Held: the last decision is undone"
    shown = hushtag("show", "held").stdout
    assert "ann decided show, IN on search, trends: a film" in shown and "ann noted +film: see it" in shown
    skipped = hushtag("skip", "held", "--why", "language", "--actor", "ann").stdout
    assert "it stays open for others" in skipped
    assert "ann skipped it (language)" in hushtag("show", "held", "--actor", "ann").stdout
    assert "ann skipped it: skipped" in hushtag("show", "held", "--actor", "ben").stdout
    last = json.loads(hushtag("decide", "held", "hide", "-r", "r", "--actor", "ben", "--wait", "0", "--json").stdout)
    assert [one["country"] for one in last["effects"]] == ["IN", "US"] and last["left"]["open"] is False


def test_second_look_by_commands_stays_blind(hushtag: Hushtag) -> None:
    claimed = hushtag("claim", "down", "--actor", "ann").stdout
    assert "numbers and other verdicts stay hidden" in claimed and "0.6" not in claimed and "17" in claimed
    done = hushtag("decide", "down", "show", "-r", "r", "--actor", "ann").stdout
    assert done.splitlines() == ["#Down: show", "  the second look goes on"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["decide", "held", "block", "-r", "r"], "unknown verdict 'block'"),
        (["skip", "held", "--why", "tired"], "unknown reason to skip 'tired'"),
    ],
)
def test_unknown_word_lists_the_known_ones(hushtag: Hushtag, arguments: list[str], words: str) -> None:
    with pytest.raises(CallerMistake, match=words) as raised:
        hushtag(*arguments)
    assert "one of" in raised.value.fix


async def test_lines_of_a_blinded_case_have_no_numbers(world: World) -> None:
    case = await world.case("down")
    text = "\n".join(case_lines(detailed_view(case, world.cases.log, "ann"), world.now_ms))
    assert "suppress" not in text and "authors" not in text and "closed" not in text
    assert case_cells(case_view(case, world.cases.log, "ann"), HOUR_MS)[4:7] == ("", "", "")
