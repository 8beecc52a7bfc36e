"""Independent count of the log, compared with the numbers in the public update, the letter and the report. Pure.

This module uses no code of the folds, the report or the letter. It reads records as JSON, numbers targets in order, and
takes the last accepted outcome of each. It supports one order without refused records.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

_LETTER = {
    ("hashtag", "reduced"): r"([\d,]+) hashtags no longer shown in trends",
    ("account", "withheld"): r"([\d,]+) accounts withheld from viewers in India",
    ("account", "suspended"): r"([\d,]+) accounts suspended for breaking our own rules",
}
_UPDATE = {
    ("hashtag", "reduced"): r"visibility of ([\d,]+) hashtags",
    ("account", "withheld"): r"([\d,]+) accounts are withheld in India only",
    ("account", "suspended"): r"([\d,]+) accounts were suspended",
    ("account", "declined"): r"On ([\d,]+) accounts we took no action",
    ("hashtag", "declined"): r"On ([\d,]+) hashtags we took no action",
}
_SPEAKERS = {
    "news_media": r"([\d,]+) news media",
    "journalist": r"([\d,]+) journalists",
    "activist": r"([\d,]+) activists",
    "politician": r"([\d,]+) politicians",
}
Counts = Mapping[tuple[str, str], int]


class PlainCount:
    """Counts of the log, without the folds."""

    def __init__(self, values: Iterable[bytes]) -> None:
        targets: list[tuple[str, str]] = []
        registry: dict[str, str] = {}
        outcomes: dict[int, str] = {}
        proposed: dict[int, tuple[str, str]] = {}
        for record in map(json.loads, values):
            match record["kind"]:
                case "order_targets":
                    targets += [(target[0], target[1]) for target in record["targets"]]
                case "speaker" if not record["removed"]:
                    registry[record["account"]] = record["category"]
                case "order_ruling":
                    for number in (n for first, last in record["targets"] for n in range(first, last + 1)):
                        outcome, by = record["outcome"], record["actor"]
                        if outcome != "declined" and targets[number][1] in registry:
                            first = proposed.setdefault(number, (outcome, by))
                            if first[0] != outcome or first[1] == by:
                                continue
                        outcomes[number] = outcome
                        proposed.pop(number, None)
        self.outcomes: Counts = Counter((targets[number][0], outcome) for number, outcome in outcomes.items())
        self.accounts = sum(kind == "account" for kind, _ in targets)
        self.hashtags = sum(kind == "hashtag" for kind, _ in targets)
        self.speakers = Counter(
            registry[targets[number][1]]
            for number, outcome in outcomes.items()
            if outcome == "declined" and targets[number][1] in registry
        )
        self.undecided = len(targets) - len(outcomes)


def disagreements(count: PlainCount, update: str, letter: str, facts: Mapping[str, Any]) -> list[str]:
    """List the numbers in the update, the letter and the report that differ from the log; [] if all agree."""
    found: list[str] = []
    update, letter = (" ".join(text.split()) for text in (update, letter))  # undo line wrapping

    def compare(where: str, what: str, published: object, counted: int) -> None:
        if published != counted:
            found.append(f"{where}: {what}: {published}, but the log has {counted}")

    for where, text, patterns in (("the update", update, _UPDATE), ("the letter", letter, _LETTER)):
        for key, pattern in patterns.items():
            compare(where, " ".join(key), _number(pattern, text), count.outcomes[key])
    for category, pattern in _SPEAKERS.items():
        compare("the update", category, _number(pattern, update), count.speakers[category])
    compare("the update", "accounts named", _number(r"naming ([\d,]+) accounts", update), count.accounts)
    compare("the letter", "accounts named", _number(r"names ([\d,]+) accounts", letter), count.accounts)
    compare("the letter", "hashtags named", _number(r"and ([\d,]+) hashtags\.", letter), count.hashtags)
    declined = sum(int(n.replace(",", "")) for n in re.findall(r"- ([\d,]+) accounts: ", letter))
    compare("the letter", "accounts declined", declined, count.outcomes["account", "declined"])
    compare("the log", "targets without an outcome", 0, count.undecided)
    for kind, outcomes in facts["outcomes"].items():
        for outcome, published in outcomes.items():
            compare("the report", f"{kind} {outcome}", published, count.outcomes[kind, outcome])
    return found


def _number(pattern: str, text: str) -> int | None:
    match = re.search(pattern, text)
    return int(match[1].replace(",", "")) if match else None
