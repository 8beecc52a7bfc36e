"""Help texts of every command."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from streams.cli.help import PANELS, fill
from streams.cli.main import make_app
from tests.support.command_line import command


def every(found: Any, *names: str) -> Iterator[tuple[str, Any]]:
    yield " ".join(names), found
    for name, inner in getattr(found, "commands", {}).items():
        yield from every(inner, *names, name)


def test_panels_name_every_command_once() -> None:
    named = [name for names in PANELS.values() for name in names]
    assert len(set(named)) == len(named)
    assert set(named) == set(command().commands), "a command without a panel stands below all others"


@pytest.mark.parametrize(
    ("name", "found"), list(every(command()))[1:], ids=lambda one: one if isinstance(one, str) else ""
)
def test_command_and_options_have_help(name: str, found: Any) -> None:
    assert found.help and found.help.rstrip().endswith("."), name
    assert "\n" not in found.help.replace("\n\n", ""), "paragraphs are filled"
    for parameter in found.params:
        assert parameter.help, (name, parameter.name)


def test_flags_show_no_type() -> None:
    shown = CliRunner().invoke(make_app(), ["moderation", "list", "--help"], env={"COLUMNS": "100"}).stdout
    assert "--json" in shown
    assert "--json          <bool>" not in " ".join(shown.split(" "))


def test_fill_keeps_paragraphs() -> None:
    assert fill("  one\n  two\n\n  three\n") == "one two\n\nthree"
