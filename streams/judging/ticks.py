"""A tick before and after it settles: the pane with the texts to score, and the output to publish."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from streams.constants import PANE_MS
from streams.counting.block_counts import Ints, Trimmed
from streams.judging.evidence_codec import TickEvidence
from streams.judging.shard_decisions import TickChanges
from streams.log.author_sketches import AuthorSketch
from streams.log.decisions import Decision, LanguageCoverage, Progress
from streams.windows.open_pane import OpenPane, Scores, TextBatch
from streams.windows.open_panes import ClosedPane
from streams.windows.pane import Pane

_SPREAD_MS = PANE_MS // 2
"""Time over which the shards' ticks are spread, so that early decisions need not wait for all shards of a worker."""


def delay_of(shard: int, shards: int) -> int:
    """Return how much later than its watermark a shard's ticks settle, in ms.

    >>> [delay_of(shard, 4) for shard in range(4)]
    [0, 1250, 2500, 3750]
    """
    return shard * _SPREAD_MS // shards


@dataclass(frozen=True, slots=True)
class UnscoredTexts:
    """Texts of an unsettled pane that no model has looked at, to be scored at once."""

    pane: OpenPane
    entries: Ints
    """Entries of the pane to score."""
    batch: TextBatch
    """Their texts, and the model that scores them: the one in force at the pane's start."""

    @classmethod
    def of(cls, pane: OpenPane, entries: Ints) -> UnscoredTexts:
        """Take the texts of those entries that no model has looked at."""
        unscored = pane.unscored(entries)
        return cls(pane, unscored, pane.batch(unscored))

    def score(self, scores: Scores) -> None:
        """Set the scores of the entries."""
        self.pane.score(self.entries, scores)


@dataclass(frozen=True, slots=True)
class TickJob:
    """A pane to settle, and the texts to score first."""

    closed: ClosedPane
    trimmed: Trimmed
    """Counts that the pane lost to tail trimming."""
    scored_tags: Ints
    """Numbers of the tags whose entries are scored."""
    texts: UnscoredTexts

    @property
    def tick_ms(self) -> int:
        """End of the pane."""
        return (self.closed.number + 1) * PANE_MS


@dataclass(slots=True)
class SettledTick:
    """The output of a settled tick; `JudgePartition` numbers the steps of its publication, with their reasons."""

    tick_ms: int
    panes: list[Pane] = field(default_factory=list)
    side_records: Iterable[bytes] = ()
    """Records of side inputs for `hashtag-panes`, encoded as they are read: read them once, before the next tick."""
    evidence: TickEvidence | None = None
    sketches: list[AuthorSketch] = field(default_factory=list)
    """Authors of campaigns; see `streams.judging.campaigns`."""
    decisions: list[Decision] = field(default_factory=list)
    coverage: list[LanguageCoverage] = field(default_factory=list)
    """Hours that the tick ends."""
    progress: Progress | None = None
    busy_keys: int = 0
    """Keys with enough tweets to be judged, in the shortest window."""
    changes: TickChanges = field(default_factory=TickChanges)
    """Changes of decisions that `decisions` and `sketches` state."""
