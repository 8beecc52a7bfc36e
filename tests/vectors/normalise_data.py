"""Data of the normalisation for readers in any language, from the Python reference."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable, Iterable
from typing import Any

from hushtag_client import normalise as reference

ABOUT = (
    "Data of the rule 'Normalising a hashtag', of one Unicode version. Numbers are code points. `ignorable`: ranges, "
    "first and last, to remove. `unassigned`: ranges of code points that this version does not assign: cut the text "
    "there, and leave them as they are. `fold`: case folding of the code points for which it is not the simple "
    "lower-case mapping. `most_steps`: greatest number of steps."
)


def normalise_data() -> dict[str, Any]:
    """Compute the data from the tables of this Python.

    Raises:
        RuntimeError: this Python has another Unicode version.
    """
    if unicodedata.unidata_version != reference.UNICODE:
        raise RuntimeError(f"Python with Unicode {unicodedata.unidata_version}: use one with {reference.UNICODE}")
    points = [chr(point) for point in range(sys.maxunicode + 1) if not 0xD800 <= point <= 0xDFFF]
    ignorable = {char for char in points if reference._IGNORABLE.match(char)}
    return {
        "about": ABOUT,
        "unicode": reference.UNICODE,
        "most_steps": reference.MOST_STEPS,
        "ignorable": _ranges(points, ignorable.__contains__),
        "unassigned": _ranges(points, lambda char: unicodedata.category(char) == "Cn" and char not in ignorable),
        "fold": {str(ord(char)): char.casefold() for char in points if char.casefold() != _simple_lower(char)},
    }


def _simple_lower(char: str) -> str | None:
    """Return the simple lower case; None for U+0130, whose lower case in Python is two code points."""
    lower = char.lower()
    return lower if len(lower) == 1 else None


def _ranges(points: Iterable[str], chosen: Callable[[str], bool]) -> list[list[int]]:
    ranges: list[list[int]] = []
    for char in points:
        if not chosen(char):
            continue
        if ranges and ranges[-1][1] == ord(char) - 1:
            ranges[-1][1] = ord(char)
        else:
            ranges.append([ord(char), ord(char)])
    return ranges
