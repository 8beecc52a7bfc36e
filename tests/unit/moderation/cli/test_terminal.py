"""Tests of what the moderation commands print."""

from __future__ import annotations

import json

import pytest
from rich.console import Console

from moderation.cli import terminal
from moderation.cli.terminal import one_of, print_json
from moderation.domain.cases.answers import unread_language
from streams.cli import output
from streams.errors import CallerMistake


def test_json_keeps_emoji_codes_and_further_members(capsys: pytest.CaptureFixture[str]) -> None:
    print_json(unread_language("other", 0.5).model_copy(update={"name": ":heart:"}), dry_run=True)
    assert json.loads(capsys.readouterr().out) == {
        "language": "other", "name": ":heart:", "share": 0.5, "dry_run": True,
    }  # fmt: skip


def test_unknown_word_is_refused_with_the_known_ones() -> None:
    assert one_of("verdict", "hide", ("hide", "show")) == "hide"
    with pytest.raises(CallerMistake, match="unknown verdict 'block'") as refused:
        one_of("verdict", "block", ("hide", "show"))
    assert refused.value.fix == "one of hide, show"


@pytest.mark.parametrize("console", [terminal.out, terminal.errors, output.errors])
def test_words_of_people_are_printed_as_they_are(console: Console):
    with console.capture() as printed:
        console.print("a :heart: of [red]two[/red] words")
    assert printed.get() == "a :heart: of [red]two[/red] words\n"
