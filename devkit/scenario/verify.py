"""Comparison of every published number with the independent count of the log. Pure.

This module and `log_count` use no code of the folds, the report or the letter. A number in a text that no sentence
below accounts for is a problem too, so that none is published unchecked.
"""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_COUNT = r"(fewer than [\d,]+|[\d,]+ to [\d,]+|[\d,]+|one)"
_SMALL = range(1, 5)
"""Counts that are not published exactly."""
_UNCOUNTED = (
    r"\d{1,2} (?:January|February|March|April|May|June|July|August|September|October|November|December) \d{4}",
    r"\d{4}-\d\d-\d\d \d\d:\d\d UTC",
    r"EX/69A/2021/\d|section 69A|IT Act 2000|Our reference: \S+",
    r"Counts from 1 to 4 are (?:not given exactly|given as “fewer than 5”)|a count below 5 would show",
    r"(?:under an hour|1 to 6 hours|6 to 24 hours) \|",
    r"(?:order to our decision|Median time to act \|): ?[\d.]+ \w+|[\d.]+ (?:ms|s|min|h|d)\b",
)  # fmt: skip
"""Dates, references, limits and durations in the texts; durations are compared in the JSON."""
Expected = Mapping[str, int]


@dataclass(slots=True)
class NumberCheck:
    """Number of compared values, and those that differ from the log."""

    checked: int = 0
    problems: list[str] = field(default_factory=list)

    def compare(self, where: str, what: str, published: object, counted: object) -> None:
        """Compare one published value with the count; a hidden small count must contain it."""
        self.checked += 1
        if not _agrees(published, counted):
            self.problems.append(f"{where}: {what}: {published}, but the log has {counted}")

    def facts(self, where: str, published: Mapping[str, Any], counted: Mapping[str, Any]) -> None:
        """Compare every value of the report's JSON."""
        withheld = {kind for kind in counted["targets"] if _small_by_order(counted, kind)}
        expected = dict(counted)
        expected["requested"] = {kind: n for kind, n in counted["requested"].items() if kind not in withheld}
        expected["by_order"] = [_without(order, withheld) for order in counted["by_order"]]
        for share in ("suppressions_overruled_share", "automated_decisions_lacking", "counts_below_are_rounded", "log"):
            expected[share] = published[share]  # shares, gaps, the limit; a third party recounts the log
        self._values(where, "", published, expected)

    def table(self, where: str, text: str, published: Mapping[str, Any]) -> None:
        """Compare every row of the CSV with the JSON, which was compared with the log."""
        rows = {row["number"]: row["value"] for row in csv.DictReader(io.StringIO(text))}
        values = dict(_leaves("", published))
        for path in {*rows, *values}:
            value = values.get(path, "no value")
            self.compare(where, path, rows.get(path), "" if value is None else str(value))

    def text(self, where: str, text: str, sentences: Mapping[str, Expected]) -> None:
        """Compare the numbers of a text; each sentence must be there, and no other number.

        Args:
            where: name of the text.
            text: the text, with or without line breaks.
            sentences: sentence with `{name}` in place of each number → the counts by name; one whose counts are all 0
                must be absent.
        """
        text = " ".join(text.split())
        covered = [match.span() for pattern in _UNCOUNTED for match in re.finditer(pattern, text)]
        for sentence, counts in sentences.items():
            pattern = re.sub(r"\\\{(\w+)\\\}", lambda match: f"(?P<{match[1]}>{_COUNT[1:-1]})", re.escape(sentence))
            pattern = pattern.replace(r"\{\*\}", r"[^|]*")
            matches = list(re.finditer(r"(?<![\w,])" + pattern, text))
            covered += [match.span() for match in matches]
            if not matches and any(counts.values()):
                self.compare(where, sentence, "no such sentence", dict(counts))
            for match in matches:
                for name, count in counts.items():
                    self.compare(where, sentence.replace("{" + name + "}", name.upper()), match[name], count)
        for match in re.finditer(r"\d+(?:,\d{3})*", text):
            if not any(first <= match.start() and match.end() <= last for first, last in covered):
                near = text[max(0, match.start() - 40) : match.end() + 40]
                self.compare(where, f"a number that no sentence accounts for, in '…{near}…'", match[0], "nothing")

    def _values(self, where: str, path: str, published: Any, counted: Any) -> None:
        if isinstance(counted, Mapping) and isinstance(published, Mapping):
            for name in {*published, *counted}:
                inner = f"{path}.{name}".lstrip(".")
                if name not in published and inner.startswith("median_") and "_by_category." in inner:
                    continue  # the category's count is small
                if name in ("kappa", "false_positive_rate", "reviewers_kappa"):
                    continue  # shares of counts that are compared
                self._values(where, inner, published.get(name), counted.get(name))
        elif isinstance(counted, Sequence) and not isinstance(counted, str) and isinstance(published, Sequence):
            self.compare(where, f"number of {path}", len(published), len(counted))
            for number, (entry, other) in enumerate(zip(published, counted, strict=False)):
                self._values(where, f"{path}.{number}", entry, other)
        else:
            self.compare(where, path, published, counted)


def page_text(page: str) -> str:
    """Return the text of a page, with a bar between the cells of a table."""
    body = re.sub(r"<(style|title|svg|caption).*?</\1>", " ", page, flags=re.DOTALL)
    body = re.sub(r"</(th|td|dt)>", " | ", body)
    return html.unescape(re.sub(r"<[^>]*>", " ", body))


def _agrees(published: object, counted: object) -> bool:
    if isinstance(counted, int) and isinstance(published, str):
        exact = published.replace(",", "").replace("one", "1")
        if exact.startswith(("<", "fewer than ")):
            return 0 < counted < int(exact.removeprefix("fewer than ").removeprefix("<"))
        if " to " in exact:
            least, most = exact.split(" to ")
            return int(least) <= counted <= int(most)
        return exact.isdigit() and int(exact) == counted
    return published == counted or (published in (None, 0, {}, []) and counted in (None, 0, {}, []))


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    parts: Iterable[tuple[Any, Any]]
    if isinstance(value, Mapping):
        parts = value.items()
    elif isinstance(value, list):
        parts = enumerate(value)
    else:
        yield path, value
        return
    for name, part in parts:
        yield from _leaves(f"{path}.{name}".lstrip("."), part)


def _small_by_order(counted: Mapping[str, Any], kind: str) -> bool:
    """Return whether the outcomes by order would reveal a small count of this kind of target."""
    got: dict[str, int] = {}
    cells: list[int] = list(counted["states"][kind].values())
    for order in counted["by_order"]:
        for outcome, count in order["outcomes"].get(kind, {}).items():
            got[outcome] = got.get(outcome, 0) + count
            cells.append(count)
    for state, count in counted["states"][kind].items():
        got[state.split("_")[0]] = got.get(state.split("_")[0], 0) - count
    cells += [*map(abs, got.values()), counted["requested"][kind] - counted["targets"][kind]]
    return any(count in _SMALL for count in cells)


def _without(order: Mapping[str, Any], kinds: set[str]) -> Mapping[str, Any]:
    parts = {
        part: {kind: n for kind, n in order[part].items() if kind not in kinds} for part in ("targets", "outcomes")
    }
    return {**order, **parts}
