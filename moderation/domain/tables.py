"""CSV import and export of lists that people keep in a spreadsheet.

Import detects the encoding and the delimiter and checks the columns by name. Each problem names its line, field, value
(cut) and fix, so that one bad row does not stop the others.

Export puts an apostrophe before a cell that a spreadsheet would run as a formula (OWASP, "CSV Injection"). Import
removes it again.
"""

from __future__ import annotations

import csv
import difflib
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from streams.errors import CallerMistake

MOST_BYTES = 64 * 1024 * 1024
_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_DELIMITERS = ",;\t"


@dataclass(frozen=True, slots=True)
class RowProblem:
    """Problem of one row that is not imported."""

    where: str
    """Place of the row, such as `line 12`."""
    field: str
    value: str
    problem: str
    fix: str

    def __str__(self) -> str:
        value = f" {self.value!r}" if self.value else ""
        return f"{self.where}: {self.field}{value}: {self.problem}; {self.fix}"


class BadCell(ValueError):
    """Unusable value of one cell."""

    def __init__(self, field: str, value: object, problem: str, fix: str) -> None:
        super().__init__(problem)
        self.field, self.value, self.problem, self.fix = field, _cut(value), problem, fix

    def at(self, where: str) -> RowProblem:
        """Add the place of the cell."""
        return RowProblem(where, self.field, self.value, self.problem, self.fix)


@dataclass(frozen=True, slots=True)
class TableLine:
    """One row: its place, and its cells by column; a missing cell is ""."""

    where: str
    cells: Mapping[str, str]


def read_table(
    data: bytes, name: str, *, columns: Sequence[str], required: Sequence[str], most_rows: int
) -> Iterator[TableLine | RowProblem]:
    """Yield the rows of a CSV file in order; a row with the wrong number of cells gives a problem.

    Args:
        data: content of the file.
        name: name of the file, for errors.
        columns: allowed columns, in any order.
        required: mandatory columns.
        most_rows: number of rows above which the file is refused.

    Raises:
        CallerMistake: the encoding, the columns or the size of the file cannot be used.
    """
    text = decoded(data, name)
    head = text.lstrip("\r\n").partition("\n")[0]
    delimiter = max(_DELIMITERS, key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    names: list[str] = []
    rows = 0
    try:
        for cells in reader:
            is_blank = not any(cell.strip() for cell in cells)
            if is_blank and len(cells) < 2:
                continue
            if not names and not is_blank:
                names = _columns(cells, name, columns, required)
                continue
            rows += 1
            if rows > most_rows:
                raise CallerMistake(f"{name} has more than {most_rows:,} rows", fix="split it, one file for each part")
            where = f"line {reader.line_num}"
            if is_blank:
                yield RowProblem(where, "row", "", "it has separators only", "fill it in, or delete the line")
                continue
            if len(cells) != len(names):
                problem = f"{len(cells)} cells, but {len(names)} columns"
                fix = "quote a cell that contains a delimiter"
                yield RowProblem(where, "row", _cut(delimiter.join(cells)), problem, fix)
                continue
            yield TableLine(where, {column: _unarmed(cell) for column, cell in zip(names, cells, strict=True)})
    except csv.Error as error:
        raise CallerMistake(
            f"{name}, line {reader.line_num}: not CSV: {error}", fix="save it as CSV UTF-8 from the spreadsheet"
        ) from None
    if not names:
        raise CallerMistake(f"{name} is empty", fix=f"name the columns in the first line: {', '.join(columns)}")


def write_table(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """Format rows as CSV with a header line; no cell is a formula."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([harmless(str(row.get(column, ""))) for column in columns])
    return out.getvalue()


def harmless(cell: str) -> str:
    r"""Escape a cell that a spreadsheet would run.

    >>> harmless('=HYPERLINK("http://x")'), harmless("plain"), harmless("'=1")
    ('\'=HYPERLINK("http://x")', 'plain', "''=1")
    """
    return "'" + cell if _FORMULA.match(cell) else cell


def words(field: str, written: str, *, most: int = 400, empty: bool = False) -> str:
    """Trim and check the text of one cell.

    Raises:
        BadCell: it is empty, too long, or has control characters.
    """
    text = unicodedata.normalize("NFC", written.strip())
    if not text and not empty:
        raise BadCell(field, written, "it is empty", "fill it in")
    if len(text) > most:
        raise BadCell(field, text, f"longer than {most} characters", "shorten it")
    if any(unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t" for c in text):
        raise BadCell(field, text, "it has control characters", "plain text in UTF-8")
    return text


def one_of(field: str, written: str, allowed: Sequence[str]) -> str:
    """Match one of the known words, in any case, with spaces or hyphens for underscores.

    Raises:
        BadCell: the word is unknown; the fix names the nearest one.
    """
    word = re.sub(r"[\s-]+", "_", written.strip().lower())
    if word in allowed:
        return word
    near = difflib.get_close_matches(word, allowed, 1, 0.5)
    raise BadCell(field, written, "unknown", f"did you mean {near[0]}?" if near else f"one of {', '.join(allowed)}")


def account_of(field: str, written: str) -> str:
    """Parse an account id from digits or from an address such as https://x.com/i/user/123.

    Raises:
        BadCell: the value is not an account id; a handle is refused, because its owner can change.
    """
    text = written.strip()
    match = re.fullmatch(r"(?:https?://(?:www\.|mobile\.|m\.)?(?:twitter|x)\.com/i/user/)?([0-9]{1,20})/?", text)
    if match:
        return match[1]
    if text.startswith(("@", "http")):
        raise BadCell(
            field, text, "a handle, not an account id", "give the account id: the owner of a handle can change"
        )
    raise BadCell(field, text, "not an account id", "digits only, such as 1234567890")


def decoded(data: bytes, name: str) -> str:
    """Decode a file that a spreadsheet saved: UTF-8 or UTF-16.

    Raises:
        CallerMistake: it is too large, or in another encoding.
    """
    if len(data) > MOST_BYTES:
        raise CallerMistake(f"{name} is larger than {MOST_BYTES // 2**20} MiB", fix="split it")
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CallerMistake(
            f"{name}, line {line}: byte {data[error.start]:#04x} is not {encoding.removesuffix('-sig').upper()}",
            fix='save it as "CSV UTF-8" from the spreadsheet',
        ) from None


def _columns(cells: Sequence[str], name: str, allowed: Sequence[str], required: Sequence[str]) -> list[str]:
    names = [re.sub(r"[\s-]+", "_", cell.strip().lower()) for cell in cells]
    for column in names:
        if column not in allowed:
            near = difflib.get_close_matches(column, allowed, 1, 0.6)
            raise CallerMistake(
                f"{name}: unknown column {_cut(column)!r}",
                fix=f"did you mean {near[0]}?" if near else f"the columns are {', '.join(allowed)}",
            )
    if repeated := [column for column in names if names.count(column) > 1]:
        raise CallerMistake(f"{name}: the column {repeated[0]} occurs twice", fix="remove one of them")
    if missing := [column for column in required if column not in names]:
        raise CallerMistake(
            f"{name}: the column {missing[0]} is missing",
            fix=f"name the columns in the first line: {', '.join(allowed)}",
        )
    return names


def _unarmed(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _cut(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."
