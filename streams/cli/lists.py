"""Lists on standard output: an aligned line per entry on a terminal, tab-separated lines for other programs.

A name is never cut or broken, because people copy it. On a terminal, long texts wrap inside their column; where the
names leave too little room, each entry has its name on a line and its other cells below. Piped lines have neither
header, colours nor boxes, as those of `gh` do: `hushtag flags list | cut -f1`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from unicodedata import category

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from streams.console import PlainConsole

Cell = str | Text

_GAP = 2
_LONGEST_WORD = 20
"""Width of the longest word that a column of text keeps whole."""
_BIDI_CONTROLS = "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


class AlignedList:
    """Entries in columns for a terminal of any width; a rich renderable.

    Args:
        headers: name of each column.
        rows: cells of each entry; a `Text` keeps its style.
        names: number of leading columns with names, which are never broken.
    """

    def __init__(self, headers: Sequence[str], rows: Iterable[Sequence[Cell]], *, names: int = 1) -> None:
        self._headers, self._names = headers, names
        self.rows = [[_safe(cell) for cell in row] for row in rows]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render a table, or each entry below its name."""
        if self.rows:
            table = _table(self._headers, self.rows, self._names, options.max_width)
            yield table if table is not None else Group(*self._stacked())

    def _stacked(self) -> Iterator[RenderableType]:
        at = self._names
        for row in self.rows:
            yield Text("  ", overflow="ignore", no_wrap=True).join(row[:at])
            rest = [
                Text.assemble((f"{header}: ", "dim"), cell)
                for header, cell in zip(self._headers[at:], row[at:], strict=True)
                if cell.plain
            ]
            if rest:
                yield Padding(Text("; ").join(rest), (0, 0, 0, 2))


def print_list(
    headers: Sequence[str], rows: Iterable[Sequence[Cell]], *, names: int = 1, console: Console | None = None
) -> None:
    """Print entries, a line each; for the arguments see `AlignedList`.

    Args:
        headers: name of each column; only a terminal shows them.
        rows: cells of each entry.
        names: number of leading columns with names.
        console: output; standard output by default.
    """
    out = console or PlainConsole()
    aligned = AlignedList(headers, rows, names=names)
    if out.is_terminal:
        out.print(aligned, soft_wrap=False, crop=False)
        return
    for row in aligned.rows:
        out.file.write("\t".join(cell.plain for cell in row) + "\n")
    out.file.flush()


def _table(headers: Sequence[str], rows: list[list[Text]], names: int, width: int) -> Table | None:
    """Lay the rows out in columns; None where the names leave no room for the other cells."""
    columns = [[header, *(row[at].plain for row in rows)] for at, header in enumerate(headers)]
    whole = [max(map(cell_len, texts)) for texts in columns]
    widths = [whole[at] if at < names else max(map(_word_width, texts)) for at, texts in enumerate(columns)]
    spare = width - sum(widths) - _GAP * (len(headers) - 1)
    if spare < 0:
        return None
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for at in sorted(range(len(headers)), key=lambda at: whole[at] - widths[at]):  # short texts stay on one line
        more = min(spare, whole[at] - widths[at])
        widths[at] += more
        spare -= more
    for header, column_width in zip(headers, widths, strict=True):
        table.add_column(header, overflow="fold", width=column_width)
    for row in rows:
        table.add_row(*row)
    return table


def _word_width(text: str) -> int:
    return min(_LONGEST_WORD, max(map(cell_len, text.split()), default=0))


def one_line(text: str) -> str:
    """Return a text as one line, without characters that move the cursor or change the writing direction."""
    return printable(" ".join(text.split()))


def printable(text: str) -> str:
    """Return a text without characters that move the cursor or change the writing direction."""
    return "".join(map(_visible, text))


def _safe(cell: Cell) -> Text:
    return Text(one_line(cell.plain), style=cell.style) if isinstance(cell, Text) else Text(one_line(cell))


def _visible(character: str) -> str:
    return "\ufffd" if category(character) in ("Cc", "Cs") or character in _BIDI_CONTROLS else character
