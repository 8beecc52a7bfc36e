"""Values of options that several commands share."""

from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner

from streams.cli.options import parse_share


@pytest.mark.parametrize(("text", "share"), [("0.05", 0.05), ("0", 0.0), ("1", 1.0), (0.05, 0.05)])
def test_share_from_0_to_1_is_taken(text: str | float, share: float) -> None:
    assert parse_share(text) == share


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("5%", "'5%' is not a share from 0 to 1: write 0.05"),
        ("5", "write 0.05"),
        ("2,5 %", "write 0.025"),
        ("1%", "write 0.01"),
        ("nan", "'nan' is not a share from 0 to 1"),
        ("-0.1", "'-0.1' is not a share from 0 to 1"),
        ("half", "'half' is not a share from 0 to 1"),
    ],
)
def test_percentage_is_refused_with_the_share_to_write(text: str, words: str) -> None:
    with pytest.raises(typer.BadParameter) as refused:
        parse_share(text)
    assert str(refused.value).endswith(words) or words in str(refused.value)


def test_share_of_second_looks_names_variable_and_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    from streams.cli.main import make_app

    monkeypatch.setenv("HUSHTAG_SECOND_LOOK_SHARE", "5%")
    done = CliRunner().invoke(make_app(), ["api", "--reviewer", "ann"])
    words = " ".join(done.output.replace("│", " ").split())
    assert done.exit_code == 2 and "HUSHTAG_SECOND_LOOK_SHARE" in words
    assert "'5%' is not a share from 0 to 1: write 0.05" in words
