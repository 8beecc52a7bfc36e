"""Lists: whole names at every width, tab-separated lines when piped."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from streams.cli.lists import print_list

LONG = "#NoOneShallEverCutThisNameInAnyListOfAnyCommand"
HEADERS = ("hashtag", "where", "why")
ROWS = [
    ("#किसान_आंदोलन_जिंदाबाद", "IN: search, trends", Text("a reason of several words that wraps", style="red")),
    ("#a", "everywhere", ""),
    (LONG, "everywhere", "because"),
]


def printed(rows: list[tuple[str | Text, ...]], width: int | None, *, names: int = 1) -> str:
    console = Console(file=io.StringIO(), force_terminal=width is not None, width=width, markup=False, highlight=False)
    print_list(HEADERS, rows, names=names, console=console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_piped_list_is_tab_separated_without_header_and_colour() -> None:
    first, second, _ = printed(ROWS, None).splitlines()
    assert first == "#किसान_आंदोलन_जिंदाबाद\tIN: search, trends\ta reason of several words that wraps"
    assert second == "#a\teverywhere\t"


def test_piped_cell_with_tab_or_newline_stays_one_cell() -> None:
    [line] = printed([("#a", "b\tc\nd", "e\x1b[31m\u202ef")], None).splitlines()
    assert line == "#a\tb c d\te\ufffd[31m\ufffdf"


def test_names_of_emoji_stay_as_people_wrote_them(capsys: pytest.CaptureFixture[str]) -> None:
    print_list(HEADERS, [("#a", "IN", ":heart: [red]it[/red]")])
    assert ":heart: [red]it[/red]" in capsys.readouterr().out


@pytest.mark.parametrize("width", [200, 80, 60, 40, 25, 12])
def test_terminal_list_shows_each_name_whole_on_one_line(width: int) -> None:
    lines = printed(ROWS, width).splitlines()
    for name in ("#किसान_आंदोलन_जिंदाबाद", "#a", LONG):
        assert sum(name in line.split() for line in lines) == 1
    assert all(cell_len(line) <= width or line in (ROWS[0][0], LONG) for line in map(_plain, lines))


def test_wide_terminal_list_takes_one_line_per_entry() -> None:
    assert len(printed(ROWS, 200).splitlines()) == 1 + len(ROWS)


@given(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=60), st.integers(10, 120))
def test_any_name_survives_any_width(name: str, width: int) -> None:
    assert name in printed([(name, "everywhere", "because of many words")], width)


def _plain(line: str) -> str:
    return Text.from_ansi(line).plain.rstrip()
