"""The parts of a signal: its kind, its words, its evidence column, its measurement, and what it needs of a policy."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from math import isnan
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from streams.signals.views import ConditionsView, MeasuredTable, PolicyView, RuleView

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Doubles = npt.NDArray[np.float64]
Numbers = npt.NDArray[Any]

DIGITS = 6
"""Decimals of a value in a record: enough for every reader, and the same text on every machine."""


def rounded(value: float) -> float:
    """Round a value as records carry it."""
    return round(value, DIGITS)


@dataclass(frozen=True, slots=True)
class Kind:
    """Unit of a signal: the range of its threshold, and how records carry its value."""

    name: str
    threshold_type: type[float] | type[int] | type[bool]
    least: int
    most: int
    record_type: Any
    """Type of the value in a decision record."""
    absent: float | bool | None
    """Value in a decision record where nothing was measured."""
    above_least: bool = False
    """Whether a threshold must be above `least`, not equal to it."""

    def recorded(self, value: float) -> Any:
        """Convert a measured value, NaN where it cannot be measured, to the value in a decision record."""
        if isnan(value):
            return self.absent
        return rounded(value) if self.threshold_type is float else self.threshold_type(value)

    def in_words(self, value: float) -> str:
        """Render a value or a threshold for a reader.

        >>> SHARE.in_words(0.314), RATIO.in_words(4), COUNT.in_words(1200), YES_NO.in_words(1)
        ('31%', '×4.0', '1,200', 'yes')
        """
        match self.name:
            case "share":
                return f"{value:.0%}"
            case "ratio":
                return f"×{value:.1f}"
            case "yes_no":
                return "yes" if value else "no"
            case _:
                return f"{value:,.0f}"


SHARE = Kind("share", float, 0, 1, float, 0.0, above_least=True)
RATIO = Kind("ratio", float, 1, 1_000_000, float | None, None)
COUNT = Kind("count", int, 1, 100_000_000, int, 0)
YES_NO = Kind("yes_no", bool, 0, 1, bool, False)
"""A signal of this kind has no measuring error: its threshold is 1, also for early decisions."""


@dataclass(frozen=True, slots=True)
class Past:
    """Tweets of m tags before a window, in the longest window of the policy."""

    tweets: Ints
    """Number of tweets (m,), never below 0."""
    may_miss: int
    """Upper bound on the tweets of one tag that the longest window lost to tail trimming."""
    span_ms: int
    """Length of the past, at least that of the window."""


@dataclass(frozen=True, slots=True, eq=False)
class Observations:
    """Counts of m tags over one window, and n sampled authors of them, one row each, ascending by tag.

    Args:
        tweets: (m,)
        tag: (n,) index of the author's tag, in [0, m).
        age_days: (n,) age of the account; -1 where unknown.
        copy: (n,) fingerprint of the author's text; 0 for a text without words.
        retweet: (n,) whether the author's tweet is a native retweet.
        linked: (n,) whether the author's tweet links to one of the policy's `link_domains`.
        scored: (n,) whether the author's text has a score that counts.
        young_days: age below which the policy calls an account young.
        burst_min_past: tweets before the window from which a tag has a past, at least 1.
        past: None where no longer window reaches back far enough.
        migrated: (m,) lower bounds of the share of authors that come from one hidden tag; None where no rule asks.
    """

    window_ms: int
    tweets: Ints
    tag: Ints
    age_days: npt.NDArray[np.signedinteger[Any]]
    copy: npt.NDArray[np.uint32]
    retweet: Bools
    linked: Bools
    scored: Bools
    young_days: int
    burst_min_past: int
    past: Past | None = None
    migrated: Doubles | None = None

    def share(self, of: Bools, hit: Bools) -> Doubles:
        """Divide by tag the sampled authors that are `of` and `hit` (n,) by those that are `of` (n,); 0 of none."""
        from streams.signals.kernels.shares import part_by_tag  # a reader of policies need not wait for numba

        share: Doubles = part_by_tag(self.tag, of, hit, len(self.tweets))
        return share


class Signal(ABC):
    """One signal: a value of every tag and window, which a rule may ask to reach a threshold."""

    name: ClassVar[str]
    """Key in policies and records, and the word in reasons. Never changed."""
    order: ClassVar[int]
    """Place among the signals, in policies and records. Distinct, never changed, and greater in a new signal."""
    kind: ClassVar[Kind]
    description: ClassVar[str]
    """Meaning of the policy key: for `docs/policy.md` and the JSON Schema."""
    label: ClassVar[str]
    """Name on pages and in the output of `explain`."""
    statement: ClassVar[str]
    """Item of "Besides the texts, these signals supported it: ..." in a statement of reasons; translated there."""
    default: ClassVar[bool | None] = None
    """Value of the policy key where it is left out. None keeps it out of the canonical text, so revisions stay."""
    recorded: ClassVar[bool] = True
    """Whether a decision's evidence has a field for it."""

    @abstractmethod
    def values(self, table: MeasuredTable, listed: Bools) -> Numbers:
        """Return (m,) values; NaN where the signal cannot be measured.

        Args:
            table: evidence of m tags over one window.
            listed: (m,) whether the tag is, or looks like, a curated term of the policy.
        """

    def unreachable(self, policy: PolicyView, rule: RuleView) -> str:
        """Return why a rule that asks for the signal can never get it, and what it needs; "" where it can."""
        return ""

    def uncovered(self, policy: PolicyView, kept: ConditionsView) -> Iterator[str]:
        """Yield why evidence that was measured under `kept` does not have the signal as the policy asks for it."""
        yield from ()


class MeasuredSignal(Signal):
    """A signal that a judge measures from counts and samples and keeps as a column of its evidence."""

    zeros_left_out: ClassVar[bool] = False
    """Whether a column of zeros is sent as no bytes; else no bytes mean that the signal was not measured (NaN)."""

    @abstractmethod
    def measure(self, seen: Observations) -> Doubles:
        """Measure the signal of m tags. Returns (m,); NaN where it cannot be measured."""

    def values(self, table: MeasuredTable, listed: Bools) -> Numbers:
        """Read the values from the signal's own column of the evidence."""
        return table.signals[self.name]
