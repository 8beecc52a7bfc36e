"""What is wrong with a policy file, said so that its author can mend it without asking anyone."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from streams.errors import PolicyError

SHOWN_MAX = 100
_WIDTH = 100


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong, and where. Lines and columns count from 1, columns in code points."""

    line: int
    column: int
    file: str
    message: str
    expected: str = ""
    hint: str = ""
    """What to write instead, or the nearest valid name; "" where there is no telling."""
    path: str = ""
    """The key at fault, such as `categories.abuse.clear_at`; "" where it is the whole file."""
    source: str = ""
    """The line as it stands."""
    length: int = 1
    """Code points at fault, for the carets."""

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        whole = asdict(self)
        return {"file": whole.pop("file"), **whole}

    def render(self) -> str:
        """A few lines of text: place and message, the line with carets under it, what was expected, the hint."""
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
    """A policy file cannot be used; `problems` are all of them, in the file's order."""

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
        """One line, for a log."""
        first = self.problems[0]
        more = f" (and {len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
        return f"{first.place}: {first.message}{more}"


def _point(source: str, at: int, length: int) -> tuple[str, str]:
    """The part of a line round a place, and the carets that stand under it on a terminal."""
    first = max(0, min(at - _WIDTH // 2, len(source) - _WIDTH)) if len(source) > _WIDTH else 0
    shown = "".join(one if one.isprintable() else " " for one in source[first : first + _WIDTH])
    before, under = shown[: at - first], shown[at - first : at - first + length]
    return shown.rstrip(), " " * _cells(before) + "^" * max(1, _cells(under))


def _cells(text: str) -> int:
    """Columns of a terminal: marks take none, East Asian wide characters two."""
    return sum(
        0 if unicodedata.category(one) in ("Mn", "Me", "Cf") else 2 if unicodedata.east_asian_width(one) in "WF" else 1
        for one in text
    )
