"""What the demo's view shows at one moment. Filled by the watcher, drawn by the view."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from hushtag_client.registers import Register

from devkit.demo.timeline import Event
from devkit.demo.truth import Story

EVENTS_KEPT = 500
COUNTRY = "IN"
"""The viewer's country that the view shows."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the trends API."""

    rank: int
    hashtag: str
    display: str
    tweets: int
    sparkline: list[int]


@dataclass(slots=True)
class Health:
    """How the pipeline does."""

    sent: int = 0
    counted: int = 0
    dead_letters: int = 0
    duplicates: int = 0
    lag_seconds: float = 0.0
    fresh: bool = False
    policy_revision: str = ""
    model_revision: str = ""


@dataclass(slots=True)
class DemoState:
    """Everything on the screen."""

    trends_url: str
    search_url: str
    policy_path: str
    exports: str
    """Shell line that points other commands at this stack; "" where their defaults do."""
    ends_after_seconds: float | None
    stories: dict[str, Story] = field(default_factory=dict)
    began_ms: int = 0
    now_ms: int = 0
    rows: list[Row] = field(default_factory=list)
    held: list[Register] = field(default_factory=list)
    events: deque[Event] = field(default_factory=lambda: deque(maxlen=EVENTS_KEPT))
    health: Health = field(default_factory=Health)

    @property
    def elapsed_seconds(self) -> float:
        """Since the first tweet; 0 before it."""
        return max(self.now_ms - self.began_ms, 0) / 1000 if self.began_ms else 0.0
