"""What holds for one (category, surface, country) once every override has been laid over the category.

Plain frozen values: the judge compares, hashes and reads them in its inner loop and never sees the file's shape.
"""

from __future__ import annotations

from dataclasses import dataclass

MODES = ("suppress", "hold_for_review", "review", "shadow")
HIDING_MODES = frozenset({"suppress", "hold_for_review"})
"""Modes that keep a tag from its surfaces without a person."""


@dataclass(frozen=True, slots=True)
class Corroboration:
    """What must speak against a tag beside its texts: at least `need` of the named signals at their thresholds."""

    need: int
    """0: none asked."""
    burst: float | None
    """Rate in the window against the tag's own past; a tag without a past does not pass."""
    copies: float | None
    """Share of sampled authors whose text another one wrote too, native retweets apart, in (0, 1]."""
    young: float | None
    """Share of sampled authors whose account is younger than `young_days`, in (0, 1]."""
    authors: int | None
    """Distinct authors in the window."""
    term: bool
    """The tag is, or looks like, a curated term."""
    links: float | None = None
    """Share of scored authors whose tweet links to a curated domain, in (0, 1]."""
    successor: float | None = None
    """Lower bound of the share of authors who wrote under a hidden tag before, in (0, 1]."""

    @property
    def named(self) -> tuple[str, ...]:
        """Names of the signals that count, in a fixed order."""
        names = ("burst", "copies", "young", "authors", "links", "successor")
        measured = [name for name in names if getattr(self, name) is not None]
        return (*measured, *(["term"] if self.term else []))


NO_CORROBORATION = Corroboration(0, None, None, None, None, False)


@dataclass(frozen=True, slots=True)
class Rule:
    """When a tag is over, when it is under, and what follows."""

    mode: str
    """One of `MODES`."""
    windows_ms: tuple[int, ...]
    """Ascending. Over in any is over, under in all is under."""
    min_tweets: int
    min_authors: int
    suppress_at: float
    """The lower bound of the harmful share that begins the action, in (0, 1)."""
    clear_at: float
    """The upper bound below which it ends, in (0, 1), below `suppress_at`."""
    confidence: float
    """Of the two-sided interval, in (0.5, 1)."""
    dwell_ms: int
    """Least time between two settled changes."""
    expiry_ms: int
    corroboration: Corroboration
