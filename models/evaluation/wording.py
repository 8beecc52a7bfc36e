"""Look up figures, and write them in tables and sentences."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from models import data
from models.evaluation.figures import ALL_LANGUAGES, MEAN_OF_LANGUAGES, Figure

NAMES = {
    "en": "English",
    "hi": "Devanagari",
    "hi-Latn": "Roman Hindi",
    ALL_LANGUAGES: "all in one ranking",
    MEAN_OF_LANGUAGES: "the mean of the languages",
}


class Figures:
    """Figures of one evaluation, indexed by their key."""

    def __init__(self, figures: Iterable[Figure]) -> None:
        self._by_key = {f.key: f for f in figures}

    @classmethod
    def read(cls, path: Path) -> Figures:
        """Read a file written by `hushtag evaluate --json`."""
        lines = path.read_text("utf-8").splitlines()
        return cls(Figure(**json.loads(line)) for line in lines if line.startswith("{"))

    def get(
        self, measure: str, texts: str, subject: str, language: str, column: str = data.COLUMNS[0]
    ) -> Figure | None:
        """Return a figure; None if there were too few texts to measure it."""
        return self._by_key.get(" / ".join((measure, texts, subject, language, column)))

    def select(self, measure: str, texts: str | None = None) -> list[Figure]:
        """Return the figures of a measure, for one set of texts or all, in the order of measuring."""
        return [f for f in self._by_key.values() if f.measure == measure and texts in (None, f.texts)]


def format_figure(figure: Figure | None, digits: int = 3) -> str:
    """Format a figure as `.853 [.842, .864]`, and None as an empty text."""
    return "" if figure is None else f"{_short(figure.value, digits)} {format_interval(figure, digits)}"


def format_interval(figure: Figure, digits: int = 3) -> str:
    """Format the interval of a figure as `[.842, .864]`."""
    return f"[{_short(figure.low, digits)}, {_short(figure.high, digits)}]"


def _short(number: float, digits: int) -> str:
    return re.sub(r"^(-?)0\.", r"\1.", f"{number + 0.0:.{digits}f}")


def significance(figure: Figure) -> int:
    """Return 1 if the whole interval is above 0, -1 if it is below 0, else 0."""
    return int(figure.low > 0) - int(figure.high < 0)


def describe_differences(differences: Mapping[str, Figure | None]) -> str:
    """List the languages in which a difference is better, insignificant or worse, with the numbers."""
    words = {1: "better beyond noise", 0: "no difference beyond noise", -1: "worse beyond noise"}
    return "; ".join(
        f"{words[direction]} in {', '.join(f'{NAMES[language]} ({format_figure(f)})' for language, f in group.items())}"
        for direction in words
        if (group := {lang: f for lang, f in differences.items() if f is not None and significance(f) == direction})
    )
