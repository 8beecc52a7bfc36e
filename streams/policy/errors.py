"""Problems of a policy file, printed with line, carets, expected value and hint, so that its author can fix them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from streams.errors import PolicyError

SHOWN_MAX = 100
_WIDTH = 100


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Problem and its position. Lines and columns count from 1, columns in code points."""

    line: int
    column: int
    file: str
    message: str
    expected: str = ""
    hint: str = ""
    """Text to write instead, or the nearest valid name; "" where none is close."""
    path: str = ""
    """Key at fault, such as `categories.abuse.clear_at`; "" for the whole file."""
    source: str = ""
    """Text of the line."""
    length: int = 1
    """Number of code points at fault, for the carets."""

    @property
    def place(self) -> str:
        """Place as file:line:column, as editors open it."""
        return f"{self.file}:{self.line}:{self.column}"

    def as_json(self) -> dict[str, str | int]:
        """Return the problem as plain JSON, the file first."""
        whole = asdict(self)
        return {"file": whole.pop("file"), **whole}

    def render(self) -> str:
        """Render place and message, the line with carets below it, the expected value and the hint."""
        number = str(self.line)
        margin = " " * len(number)
        lines = [f"{self.place}: {self.message}"]
        if self.source.strip():
            shown, carets = _point(self.source, self.column - 1, self.length)
            lines += [f"  {number} | {shown}", f"  {margin} | {carets}"]
        if self.expected:
            lines.append(f"  {margin} = expected: {self.expected}")
        if self.hint:
            lines.append(f"  {margin} = hint: {self.hint}")
        return "\n".join(lines)


class PolicyFileError(PolicyError):
    """A policy file cannot be used; `problems` has every problem, in the file's order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        assert problems
        self.problems = tuple(sorted(problems))
        shown = [problem.render() for problem in self.problems[:SHOWN_MAX]]
        if len(self.problems) > SHOWN_MAX:
            shown.append(f"and {len(self.problems) - SHOWN_MAX} more")
        many = "this" if len(self.problems) == 1 else f"these {len(self.problems)}"
        super().__init__("\n".join(shown), fix=f"correct {many} and check again: hushtag policy check FILE")

    @property
    def summary(self) -> str:
        """First problem in one line, for a log."""
        first = self.problems[0]
        more = f" (and {len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
        return f"{first.place}: {first.message}{more}"


def _point(source: str, at: int, length: int) -> tuple[str, str]:
    """Return the part of a line around a column, and the carets that mark it on a terminal."""
    first = max(0, min(at - _WIDTH // 2, len(source) - _WIDTH)) if len(source) > _WIDTH else 0
    shown = "".join(char if char.isprintable() else " " for char in source[first : first + _WIDTH])
    before, under = shown[: at - first], shown[at - first : at - first + length]
    return shown.rstrip(), " " * _cells(before) + "^" * max(1, _cells(under))


def _cells(text: str) -> int:
    """Return the width on a terminal: 0 columns for a mark, 2 for an East Asian wide character."""
    return sum(
        0 if unicodedata.category(c) in ("Mn", "Me", "Cf") else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )
