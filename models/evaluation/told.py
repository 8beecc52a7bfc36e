"""Figures by what they are of, and how tables and sentences write them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from models import data
from models.evaluation.figures import EACH, TOGETHER, Figure

NAMES = {
    "en": "English",
    "hi": "Devanagari",
    "hi-Latn": "Roman Hindi",
    TOGETHER: "all in one ranking",
    EACH: "the mean of the languages",
}


class Figures:
    """Figures of one evaluation, by what they are of."""

    def __init__(self, found: Iterable[Figure]) -> None:
        self._found = {f.key: f for f in found}

    @classmethod
    def read(cls, path: Path) -> Figures:
        """From a file of `hushtag evaluate --json`."""
        lines = path.read_text("utf-8").splitlines()
        return cls(Figure(**json.loads(line)) for line in lines if line.startswith("{"))

    def get(
        self, measure: str, texts: str, subject: str, language: str, column: str = data.COLUMNS[0]
    ) -> Figure | None:
        """None where there are too few texts to tell."""
        return self._found.get(" / ".join((measure, texts, subject, language, column)))

    def of(self, measure: str, texts: str | None = None) -> list[Figure]:
        """In the order of measuring."""
        return [f for f in self._found.values() if f.measure == measure and texts in (None, f.texts)]


def shown(figure: Figure | None, digits: int = 3) -> str:
    """`.853 [.842, .864]`; nothing for None."""
    return "" if figure is None else f"{_short(figure.value, digits)} {between(figure, digits)}"


def between(figure: Figure, digits: int = 3) -> str:
    """`[.842, .864]`."""
    return f"[{_short(figure.low, digits)}, {_short(figure.high, digits)}]"


def _short(number: float, digits: int) -> str:
    return re.sub(r"^(-?)0\.", r"\1.", f"{number + 0.0:.{digits}f}")


def side(figure: Figure) -> int:
    """1 where all of the interval lies above 0, -1 where below, else 0."""
    return int(figure.low > 0) - int(figure.high < 0)


def in_words(differences: Mapping[str, Figure | None]) -> str:
    """By language, in which of NAMES a difference is beyond noise, with the numbers."""
    return "; ".join(
        f"{words} in {', '.join(f'{NAMES[language]} ({shown(f)})' for language, f in one.items())}"
        for wanted, words in ((1, "better beyond noise"), (0, "not told apart"), (-1, "worse beyond noise"))
        if (one := {language: f for language, f in differences.items() if f is not None and side(f) == wanted})
    )
