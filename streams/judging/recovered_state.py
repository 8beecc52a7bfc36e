"""State of a shard as read from the previous owner's records."""

from __future__ import annotations

from dataclasses import dataclass, field

from streams.log.decisions import Decision, Progress
from streams.windows.pane import Pane


@dataclass(slots=True)
class RecoveredState:
    """Records of one shard that a judge recovers from, before it applies the first record of the log."""

    decisions: list[Decision] = field(default_factory=list)
    """Every decision in the shard's partition of `suppression-decisions`, repeats included, but for renewals."""
    progress: Progress | None = None
    """The last progress record, with the bodies of its policies; None: the shard was never judged."""
    panes: list[Pane] = field(default_factory=list)
    """Settled panes that some window can still hold, ascending, keyed by the judge's `tags`."""
    rollups: list[Pane] = field(default_factory=list)
    """Minute and 15-minute panes, ascending, keyed alike."""
    side_records: list[bytes] = field(default_factory=list)
    """Records of side inputs in `hashtag-panes`, in any order, repeats included."""

    renewals: list[Decision] = field(default_factory=list)
    """Renewals by a stopped shard. A judge does not recover from them."""
    lost_decisions: list[tuple[str, str]] = field(default_factory=list)
    """Hashtag and country of the skipped records of decisions."""
    lost_pane_ms: int | None = None
    """Latest log time of a skipped record of a topic of panes; None: there is none."""

    @property
    def settled_ms(self) -> int:
        """End of the last settled pane; 0 before the first."""
        return 0 if self.progress is None else self.progress.settled_ms
