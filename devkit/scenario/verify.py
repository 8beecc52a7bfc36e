"""Counts the log again, the plain way, and compares what was told to the public and to the authority with it. Pure.

Nothing of the folds, the report or the letter is used here: the records are read as JSON, targets are numbered as they
come, and the last accepted word on each counts. An order of one story, without refused records, is all that it knows.
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
    """The log's own numbers."""

    def __init__(self, values: Iterable[bytes]) -> None:
        targets: list[tuple[str, str]] = []
        registry: dict[str, str] = {}
        word: dict[int, str] = {}
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
                        word[number] = outcome
                        proposed.pop(number, None)
        self.outcomes: Counts = Counter((targets[number][0], outcome) for number, outcome in word.items())
        self.accounts = sum(kind == "account" for kind, _ in targets)
        self.hashtags = sum(kind == "hashtag" for kind, _ in targets)
        self.speakers = Counter(
            registry[targets[number][1]]
            for number, outcome in word.items()
            if outcome == "declined" and targets[number][1] in registry
        )
        self.undecided = len(targets) - len(word)


def disagreements(count: PlainCount, update: str, letter: str, facts: Mapping[str, Any]) -> list[str]:
    """Every number of the update, the letter and the report that is not the log's; [] if all agree."""
    found: list[str] = []
    update, letter = (" ".join(text.split()) for text in (update, letter))  # lines end where a mail needs it

    def compare(where: str, what: str, told: object, counted: int) -> None:
        if told != counted:
            found.append(f"{where}: {what}: {told}, but the log has {counted}")

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
        for outcome, told in outcomes.items():
            compare("the report", f"{kind} {outcome}", told, count.outcomes[kind, outcome])
    return found


def _number(pattern: str, text: str) -> int | None:
    match = re.search(pattern, text)
    return int(match[1].replace(",", "")) if match else None
