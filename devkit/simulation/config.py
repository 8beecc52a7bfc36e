"""What a run is made of. `scenario` and `demo` make one."""

from __future__ import annotations

from dataclasses import dataclass, field

from devkit.simulation.faults import Faults
from devkit.simulation.stories import Story

DEFAULT_START_MS = 1_767_960_000_000
"""2026-01-09 12:00 UTC: early evening in India. Fixed, so that a file depends on its arguments alone."""

MAX_START_MS = 3_400_000_000_000
"""Ids hold 41 bits of milliseconds since 2010."""

DEFAULT_SHAPES = (("native", 0.6), ("v1.1", 0.25), ("v2", 0.15))


@dataclass(frozen=True, slots=True)
class Config:
    """A run. The same config and texts give the same bytes, in every process."""

    seed: int = 0
    start_ms: int = DEFAULT_START_MS
    """Milliseconds since the epoch, in [0, MAX_START_MS]."""
    duration_ms: int = 15 * 60_000
    rate: float = 40.0
    """Tweets a second, stories included, on average over the run."""
    partitions: int = 4
    stories: tuple[Story, ...] = ()
    faults: Faults = field(default_factory=Faults)
    shapes: tuple[tuple[str, float], ...] = DEFAULT_SHAPES
    """Payload shapes (native, v1.1, v2) by weight."""
    tagged_share: float = 0.65
    """Of everyday tweets that have a hashtag at all."""
    one_use_share: float = 0.25
    """Of everyday hashtags that nobody uses twice: the long tail."""
    tags_per_country: int = 300
    zipf_exponent: float = 1.05
    retweet_share: float = 0.18
    quote_share: float = 0.04
    background_harmful_share: float = 0.01
    """Of everyday tweets that are abusive all the same."""
    deleted_share: float = 0.0
    """Of tweets that their authors delete again, mostly within minutes."""
