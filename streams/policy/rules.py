"""Rules of a policy: the values for one (category, surface, country), with every override applied.

They are plain frozen values. The judge compares, hashes and reads them in its inner loop and never sees the file.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from streams.actions import HIDING_MODES


@dataclass(frozen=True, slots=True)
class Corroboration:
    """Evidence besides the texts that a rule asks for: at least `need` of the signals at their thresholds."""

    need: int
    """Number of signals; 0 asks for no corroboration."""
    thresholds: tuple[tuple[str, float], ...] = ()
    """(signal, threshold), in the order of `streams.signals.registry.WEIGHED`; 1 for a signal that is yes or no."""

    @property
    def named(self) -> tuple[str, ...]:
        """Names of the signals that count, in a fixed order."""
        return tuple(name for name, _ in self.thresholds)


NO_CORROBORATION = Corroboration(0)


@dataclass(frozen=True, slots=True)
class Rule:
    """Conditions under which a tag is over or under, and the action that follows."""

    mode: str
    """Mode, one of `streams.actions.MODES`."""
    windows_ms: tuple[int, ...]
    """Ascending. A tag that is over in any of them is over; it is under when it is under in all."""
    min_tweets: int
    min_authors: int
    suppress_at: float
    """Lower bound of the harmful share from which a tag is over, in (0, 1)."""
    clear_at: float
    """Upper bound of the harmful share below which a tag is under, in (0, 1), below `suppress_at`."""
    confidence: float
    """Confidence of the two-sided interval, in (0.5, 1)."""
    dwell_ms: int
    """Least time between two settled changes."""
    expiry_ms: int
    corroboration: Corroboration = field(metadata={"key": "corroborate"})
    min_established: int = 10
    """Least established authors for a verdict of theirs."""
    innocent_past: int = 100
    """Established authors of a harmless past from which a tag is not hidden without a person."""
    min_scored: float = 0.5
    """Least part of the sampled authors' texts that the model has read, for an automated decision."""
    clear_after_ms: int = 60_000
    """Time after which an action ends whose tag has not been over."""

    @property
    def hides(self) -> bool:
        """Whether the mode hides a tag without a person."""
        return self.mode in HIDING_MODES


RULE_FIELDS = {field.metadata.get("key", field.name.removesuffix("_ms")): field.name for field in fields(Rule)}
"""Field of `Rule` by its key in the file: the same name, without the unit `_ms` where the file has a duration."""
