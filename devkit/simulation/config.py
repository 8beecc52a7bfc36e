"""Configuration of a simulated run. `scenario`, `demo`, `moving` and `hard` build one."""

from __future__ import annotations

from dataclasses import dataclass, field

from devkit.simulation.faults import FaultRates
from devkit.simulation.stories import Story

DEFAULT_START_MS = 1_767_960_000_000
"""2026-01-09 12:00 UTC, early evening in India. Fixed, so that a file depends on its arguments alone."""

MAX_START_MS = 3_400_000_000_000
"""Latest start: ids hold 41 bits of milliseconds since 2010."""

DEFAULT_SHAPES = (("native", 0.6), ("v1.1", 0.25), ("v2", 0.15))


@dataclass(frozen=True, slots=True)
class SimulationConfig:
    """Configuration of a run. The same configuration and texts give the same bytes in every process."""

    seed: int = 0
    start_ms: int = DEFAULT_START_MS
    """Milliseconds since the epoch, in [0, MAX_START_MS]."""
    duration_ms: int = 15 * 60_000
    rate: float = 40.0
    """Average tweets a second over the run, stories included."""
    partitions: int = 4
    stories: tuple[Story, ...] = ()
    faults: FaultRates = field(default_factory=FaultRates)
    shapes: tuple[tuple[str, float], ...] = DEFAULT_SHAPES
    """Weights of the payload shapes (native, v1.1, v2)."""
    tagged_share: float = 0.65
    """Share of background tweets with a hashtag."""
    one_use_share: float = 0.25
    """Share of background hashtags that are used once, the long tail."""
    tags_per_country: int = 300
    zipf_exponent: float = 1.05
    retweet_share: float = 0.18
    quote_share: float = 0.04
    background_harmful_share: float = 0.01
    """Share of background tweets that are abusive."""
    deleted_share: float = 0.0
    """Share of tweets that their authors delete, mostly within minutes."""
