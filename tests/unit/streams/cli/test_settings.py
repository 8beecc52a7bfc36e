"""`hushtag settings`: names as the environment wants them."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from typer.testing import CliRunner

from streams.cli import settings as command
from streams.cli.main import make_app
from streams.settings import Settings, variable

NAMES = [variable(field) for field in Settings.model_fields]


def test_piped_settings_begin_with_the_variable() -> None:
    lines = CliRunner().invoke(make_app("settings"), ["settings"]).stdout.splitlines()
    assert [line.split("\t")[0] for line in lines] == NAMES


@pytest.mark.parametrize("width", [160, 80, 40])
def test_terminal_settings_show_each_variable_whole(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    out = Console(file=io.StringIO(), force_terminal=True, width=width, color_system=None, highlight=False)
    original = command.print_list
    monkeypatch.setattr(command, "print_list", lambda headers, rows: original(headers, rows, console=out))
    assert CliRunner().invoke(make_app("settings"), ["settings"]).exit_code == 0
    assert isinstance(out.file, io.StringIO)
    first = {line.split()[0] for line in out.file.getvalue().splitlines() if line.split()}
    assert set(NAMES) <= first
