"""State of the demo's view, filled by the watcher and drawn by the view."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from hushtag_client.registers import Register

from devkit.demo.timeline import TimelineEvent
from devkit.demo.truth import PlannedTag

EVENTS_KEPT = 500
COUNTRY = "IN"
"""Country of the viewer in the view."""


@dataclass(frozen=True, slots=True)
class TrendRow:
    """Row of the trends API."""

    rank: int
    hashtag: str
    display: str
    tweets: int
    sparkline: list[int]


@dataclass(slots=True)
class PipelineHealth:
    """Counts, lag and revisions of the pipeline."""

    sent: int = 0
    """Records produced to `tweets`, broken ones and control messages included."""
    late_seconds: float = 0.0
    """Greatest delay of a sent record against its planned time."""
    counted: int = 0
    dead_letters: int = 0
    duplicates: int = 0
    controls: int = 0
    lag_seconds: float = 0.0
    flags_current: bool = False
    policy_revision: str = ""
    model_revision: str = ""

    @property
    def in_flight(self) -> int:
        """Records sent that the worker's last metrics do not show yet."""
        return max(0, self.sent - self.counted - self.dead_letters - self.duplicates - self.controls)


@dataclass(slots=True)
class DemoState:
    """All values on the screen."""

    trends_url: str
    search_url: str
    policy_path: str
    """Policy file of the run; "" after its end."""
    exports: str
    """Shell line that points other commands at this stack; "" if their defaults do."""
    ends_after_seconds: float | None
    reviewer_link: str = ""
    """Link that logs the reviewer into the console; "" without one."""
    prepared: tuple[str, ...] = ()
    """Records that were written before the first tweet, in words."""
    check_script: str = ""
    """Script that checks the published log; "" once the run has ended."""
    stories: dict[str, PlannedTag] = field(default_factory=dict)
    began_ms: int = 0
    now_ms: int = 0
    rows: list[TrendRow] = field(default_factory=list)
    held: list[Register] = field(default_factory=list)
    """Flags that are in force."""
    by_people: list[Register] = field(default_factory=list)
    """Decisions of people in force, pauses of automation included."""
    events: deque[TimelineEvent] = field(default_factory=lambda: deque(maxlen=EVENTS_KEPT))
    health: PipelineHealth = field(default_factory=PipelineHealth)

    @property
    def elapsed_seconds(self) -> float:
        """Seconds since the first tweet; 0 before it."""
        return max(self.now_ms - self.began_ms, 0) / 1000 if self.began_ms else 0.0
