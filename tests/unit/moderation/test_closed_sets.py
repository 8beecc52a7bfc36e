"""Every command that takes a surface, a category or a country refuses an unknown one."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from moderation.cli import terminal
from streams.cli.main import make_app
from streams.errors import CallerMistake
from streams.policy.names import PolicyNames
from streams.settings import Settings

WHY = ("--reason", "r", "--actor", "ann")
SURFACE = [
    ("block", "BookTok", *WHY),
    ("allow", "BookTok", *WHY),
    ("hold", "BookTok", *WHY),
    ("undo", "BookTok", *WHY),
    ("pause", *WHY),
    ("resume", *WHY),
    ("cases", "decide", "BookTok", "hide", *WHY),
    ("orders", "decide", "order-1", "reduced", "--all", *WHY),
]
COUNTRY = [
    *SURFACE[:7],
    ("flags", "list"),
    ("flags", "get", "BookTok"),
    ("explain", "BookTok"),
    ("panes",),
    ("moderation", "list"),
    ("orders", "list"),
    ("cases", "list"),
    ("report", "--from", "2026-01-01", "--to", "2026-01-02"),
    ("statement", "BookTok"),
    ("audit", "export"),
]


@pytest.fixture(autouse=True)
def _policy(monkeypatch: pytest.MonkeyPatch) -> None:
    async def names(settings: Settings) -> PolicyNames:
        return PolicyNames(("trends", "search"), ("abuse", "hateful_conduct"))

    monkeypatch.setattr(terminal, "read_policy_names", names)
    monkeypatch.setenv("HUSHTAG_KAFKA", "127.0.0.1:1")


def refusal(*arguments: str) -> CallerMistake:
    result = CliRunner().invoke(make_app(arguments[0]), arguments)
    assert isinstance(result.exception, CallerMistake), (result.exception, result.output)
    assert (result.exception.exit_code, result.stdout) == (2, "")
    return result.exception


@pytest.mark.parametrize("command", SURFACE, ids=" ".join)
def test_command_refuses_unknown_surface(command: tuple[str, ...]) -> None:
    error = refusal(*command, "--surface", "trend")
    assert (str(error), error.fix) == (
        "unknown surface 'trend'",
        "did you mean trends? use one of search, trends",
    )


@pytest.mark.parametrize("command", [("flags", "list"), ("flags", "get", "BookTok")], ids=" ".join)
def test_reader_command_refuses_unknown_surface(command: tuple[str, ...]) -> None:
    error = refusal(*command, "--surface", "trend")
    assert error.fix == "did you mean trends? use one of account, search, trends, tweet"


@pytest.mark.parametrize("command", COUNTRY, ids=" ".join)
def test_command_refuses_unknown_country(command: tuple[str, ...]) -> None:
    error = refusal(*command, "--country", "UK")
    assert str(error) == "unknown country 'UK'"
    assert "did you mean" in error.fix


def test_pause_refuses_unknown_category() -> None:
    error = refusal("pause", *WHY, "--category", "hate")
    assert str(error) == "unknown category 'hate'"
    assert error.fix == "use one of abuse, hateful_conduct"
