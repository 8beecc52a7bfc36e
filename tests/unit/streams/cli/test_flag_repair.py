"""`hushtag flags repair` refuses keys that name no register, and asks before it deletes one."""

from __future__ import annotations

from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from streams.cli import flags
from streams.errors import CallerMistake


def cli(*arguments: str, answer: str = "") -> Any:
    app = typer.Typer()
    flags.register(app)
    given = ["flags", "repair", "--actor", "ann", "--reason", "test", *arguments]
    return CliRunner().invoke(app, given, input=answer)


@pytest.mark.parametrize(
    "key", ["sometag", "trends|*|sometag", "trends|*|robot|sometag", "trends||human|tag", "a|b|human|"]
)
def test_key_of_no_register_is_refused(key: str) -> None:
    assert isinstance(cli(key).exception, CallerMistake)


def test_repair_asks_for_confirmation() -> None:
    refused = cli("trends|*|automated|sometag", answer="n\n")
    assert refused.exit_code == 3
    assert "trends|*|automated|sometag" in refused.stderr
