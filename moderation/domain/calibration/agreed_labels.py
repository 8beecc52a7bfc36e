"""Labels of several people combined to one label a text, with the agreement between people. Pure.

Of people who differ about a text, the majority counts; a text without one is disputed and is left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from models.column_fit import FEWEST
from streams.policy.look_alikes import visual_form

MOST_OF_ONE = 0.8
"""Greatest part of the labels of a mean that one person may have given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonLabel:
    """Label of one person on one text that the live model has scored."""

    subject: str
    actor: str
    harmful: bool
    categories: dict[str, bool] = field(default_factory=dict)
    language: str
    probabilities: tuple[float, ...]
    hashtag: str = ""
    at_ms: int = 0


@dataclass(frozen=True, slots=True)
class AgreedLabel:
    """Label of one text."""

    subject: str
    harmful: bool
    categories: dict[str, bool]
    language: str
    probabilities: tuple[float, ...]
    hashtag: str


class OnePersonPart(NamedTuple):
    """Labels of one kind, language and category of which one person gave most: they set one mean of the scale."""

    person: str
    part: float
    """Part of these labels, in [0, 1]."""
    language: str
    category: str
    """Empty: harm of any category."""
    harmful: bool

    @property
    def words(self) -> str:
        """Say who gave which part of which labels.

        >>> OnePersonPart("asha", 0.9, "hi", "abuse", True).words
        'asha gave 90% of the harmful labels in hi, abuse'
        """
        kind = "harmful" if self.harmful else "clean"
        return (
            f"{self.person} gave {self.part:.0%} of the {kind} labels in {self.language}, {self.category or 'any harm'}"
        )


@dataclass(frozen=True, slots=True)
class CalibrationTexts:
    """Texts with a label, and how people agree about them."""

    texts: tuple[AgreedLabel, ...]
    people: dict[str, int]
    """Texts that each person labelled, most first."""
    shared: int
    """Texts that several people labelled."""
    agreed: int
    """Texts of `shared` that all of them labelled alike."""
    disputed: int
    """Texts without a majority, which are left out."""
    greatest: OnePersonPart | None
    """Greatest part of one person among the means that may be fitted; None without any."""

    @property
    def is_one_person(self) -> bool:
        """Whether one person's labels decide a mean of the scale."""
        return self.greatest is not None and self.greatest.part > MOST_OF_ONE

    def counts(self) -> dict[str, tuple[int, int]]:
        """Count clean and harmful texts by language."""
        counts: dict[str, tuple[int, int]] = {}
        for text in self.texts:
            clean, harmful = counts.get(text.language, (0, 0))
            counts[text.language] = (clean + (not text.harmful), harmful + text.harmful)
        return counts


def combine(labels: Iterable[PersonLabel]) -> CalibrationTexts:
    """Combine labels to one for each text; of a person's labels of a text the newest counts."""
    by_text: dict[str, dict[str, PersonLabel]] = {}
    for label in labels:
        people = by_text.setdefault(label.subject, {})
        earlier = people.get(visual_form(label.actor))
        if earlier is None or label.at_ms >= earlier.at_ms:
            people[visual_form(label.actor)] = label
    texts: list[AgreedLabel] = []
    shared = agreed = disputed = 0
    label_counts = Counter[str]()
    by_mean: dict[tuple[str, str, bool], Counter[str]] = {}
    names: dict[str, str] = {}
    for subject, people in by_text.items():
        for person, label in people.items():
            label_counts[names.setdefault(person, label.actor)] += 1
            for category, harmful_label in (("", label.harmful), *label.categories.items()):
                by_mean.setdefault((label.language, category, harmful_label), Counter())[names[person]] += 1
        votes = [label.harmful for label in people.values()]
        shared += len(votes) > 1
        agreed += len(votes) > 1 and len(set(votes)) == 1
        harmful = _majority(votes)
        if harmful is None:
            disputed += 1
            continue
        first = next(iter(people.values()))
        texts.append(
            AgreedLabel(
                subject, harmful, _categories(list(people.values()), harmful), first.language, first.probabilities,
                next((label.hashtag for label in people.values() if label.hashtag), ""),
            )
        )  # fmt: skip
    return CalibrationTexts(
        tuple(texts), dict(label_counts.most_common()), shared, agreed, disputed, _greatest(by_mean)
    )


def _greatest(by_mean: Mapping[tuple[str, str, bool], Counter[str]]) -> OnePersonPart | None:
    parts = []
    for (language, category, harmful), people in by_mean.items():
        [(person, count)] = people.most_common(1)
        if people.total() >= FEWEST:
            parts.append(OnePersonPart(person, count / people.total(), language, category, harmful))
    return max(parts, key=lambda part: (part.part, not part.category), default=None)


def _majority(votes: Sequence[bool]) -> bool | None:
    yes = sum(votes)
    return None if 2 * yes == len(votes) else 2 * yes > len(votes)


def _categories(people: Sequence[PersonLabel], harmful: bool) -> dict[str, bool]:
    """Combine the labels by category; a clean text has none of them."""
    categories: dict[str, bool] = {}
    for name in dict.fromkeys(name for label in people for name in label.categories):
        vote = _majority([label.categories[name] for label in people if name in label.categories])
        if vote is not None:
            categories[name] = vote and harmful
    return categories
