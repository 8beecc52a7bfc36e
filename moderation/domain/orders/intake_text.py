"""Parse the text of an order as a person pastes it: a list of targets, CSV or JSON. Pure.

A text that begins with a bracket is JSON, and one whose first line names the column `target` is CSV. In any other text
each line is a target.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator

from moderation.domain.orders.intake import COLUMNS, csv_lines, json_lines
from moderation.domain.tables import RowProblem, TableLine, decoded
from streams.errors import CallerMistake
from streams.orders.records import MOST_TARGETS


def text_lines(text: str, name: str = "the text") -> Iterator[TableLine | RowProblem]:
    """Yield the rows of a text.

    Raises:
        CallerMistake: the text as a whole cannot be used.
    """
    text = text.removeprefix("\ufeff")
    data = text.encode("utf-8", "surrogatepass")
    if text.lstrip()[:1] in ("{", "["):
        return json_lines(data, name)
    if has_columns(text):
        return csv_lines(data, name)
    return _listed(text, name)


def file_lines(data: bytes, name: str) -> Iterator[TableLine | RowProblem]:
    """Yield the rows of a file: a list of targets, CSV, or JSON by its name.

    Raises:
        CallerMistake: the file as a whole cannot be used.
    """
    return json_lines(data, name) if name.lower().endswith(".json") else text_lines(decoded(data, name), name)


def targets_written(lines: Iterable[TableLine | RowProblem]) -> list[str]:
    """List the targets of rows as a selection of targets names them.

    Raises:
        CallerMistake: a row cannot be used.
    """
    targets = []
    for line in lines:
        if isinstance(line, RowProblem):
            raise CallerMistake(str(line), fix=line.fix)
        written, kind = line.cells.get("target", "").strip(), line.cells.get("kind", "").strip().lower()
        targets.append(f"#{written}" if kind == "hashtag" and not written.startswith(("#", "＃")) else written)
    return targets


def has_columns(text: str) -> bool:
    r"""Tell whether the first line names the column `target`.

    >>> has_columns("kind;Target\naccount;7"), has_columns("#target\n@ann")
    (True, False)
    """
    head = text.lstrip("\ufeff\r\n").partition("\n")[0][:2_000].strip()
    cells = next(csv.reader([head], delimiter=max(",;\t", key=head.count)), [])
    names = [re.sub(r"[\s-]+", "_", cell.strip().lower()) for cell in cells]
    return "target" in names or (len(names) > 1 and all(name in COLUMNS for name in names))


def _listed(text: str, name: str) -> Iterator[TableLine | RowProblem]:
    lines = [(number, line.strip()) for number, line in enumerate(text.split("\n"), 1)]
    filled = [(number, line) for number, line in lines if line]
    if not filled:
        raise CallerMistake(f"{name} is empty", fix="one target a line: an account id, @handle, #hashtag or address")
    if len(filled) > MOST_TARGETS:
        raise CallerMistake(f"{name} has more than {MOST_TARGETS:,} targets", fix="split the order")
    return (TableLine(f"line {number}", {"target": line}) for number, line in filled)
