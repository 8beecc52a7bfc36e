"""Sentences about what a published report does not give exactly. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from moderation.outward.report.words import KINDS
from moderation.wording import counted, listed

_LESS = re.compile(r"<[\d,]+")
_RANGE = re.compile(r"[\d,]+ to [\d,]+")


def rounded_words(facts: Mapping[str, Any]) -> list[str]:
    """Describe the counts that are rounded and those that are left out.

    Args:
        facts: plain JSON of a `PublishedReport`.
    """
    values = list(_texts(facts))
    less = sum(_LESS.fullmatch(text) is not None for text in values)
    ranges = sum(_RANGE.fullmatch(text) is not None for text in values)
    notes = []
    if less:
        notes.append(f"{counted(less, 'count')} would be small, and {_is(less)} given as fewer than a round number.")
    if ranges:
        notes.append(f"{counted(ranges, 'count')} {_is(ranges)} a range, because the total would reveal a small one.")
    if hidden := [KINDS[kind] for kind in KINDS if kind in facts["targets"] and kind not in facts["requested"]]:
        notes.append(f"Of the orders' {listed(hidden)}, only totals are given: one order would show a small count.")
    for group, medians, what in (
        ("hashtags_suppressed_by_category", "median_suppression_ms_by_category", "suppressions"),
        ("hashtags_discounted_by_category", "median_discount_ms_by_category", "contested hashtags"),
    ):
        if missing := len(facts[group].keys() - facts[medians].keys()):
            notes.append(f"The median duration of {what} is left out for {_categories(missing)} with few of them.")
    quality = facts["quality"]
    if facts["country"] != "*":
        notes.append("Second looks, appeals and languages are given for all countries together only.")
    elif quality is not None and quality["second_looks"] and quality["false_positive_rate"] is None:
        notes.append("The share of wrong suppressions is left out: too few second looks.")
    if facts["confidential_orders"]:
        notes.append(f"{counted(facts['confidential_orders'], 'confidential order')} only add to the totals.")
    return notes or ["Every count is exact: none is small."]


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _categories(count: int) -> str:
    return "one category" if count == 1 else f"{count} categories"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, Sequence):
        for part in value:
            yield from _texts(part)
