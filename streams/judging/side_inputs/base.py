"""The protocol of a side input: records besides the tweet counts that change what a window shows.

Retractions, stage 2's corrections, account facts and author sketches are side inputs. `ShardJudge` loops over a list of
them, and so does `EvidenceBuilder`. A further one is a file with a subclass of `SideInput` and an entry in that list.

    apply(record) ──► settle(pane) ──► records in `hashtag-panes` ──► recover(state), by the next owner
                          │
                          └──► count_removed, filter, annotate: the evidence of a window [start, end)

Each answer about a window depends on the shard's log alone, up to a watermark that the window's end has passed. So a
judge that replays, or recovers, gives the same answer as the one before it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable
from typing import Any

from streams.counting.block_counts import Ints
from streams.judging.log_position import LogPosition
from streams.judging.recovered_state import RecoveredState
from streams.log.partials import Partial
from streams.policy import Policy
from streams.windows.window import AuthorSample
from streams.windows.window_store import WindowSpan, WindowStore


class SideInput(ABC):
    """One kind of side records in one shard. Every method but `apply` has a default that changes nothing."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        """Events since the last `take_counts`, by attribute of `streams.metrics.Metrics`."""

    @abstractmethod
    def apply(self, record: Partial, position: LogPosition) -> Iterable[int]:
        """Apply a record of the shard's log; ignore the records of other kinds.

        Args:
            record: record of the shard's log, of any kind.
            position: of the record; its watermarks are those of the records before it.

        Returns:
            The panes whose ticks publish it. Until they settle, the replay point stays at or before this record.
        """

    def settle(self, pane: int, store: WindowStore) -> Iterable[bytes]:
        """Settle a pane, and return the records to publish in `hashtag-panes`; they are encoded as they are read."""
        return ()

    def recover(self, state: RecoveredState) -> None:
        """Recover from the previous owner's progress record and side records, of which there is at least the first."""

    def prune(self, tick_ms: int, kept_from_ms: int) -> None:
        """Drop what no window can need that ends at `tick_ms` or later and begins at `kept_from_ms` or later."""

    def take_counts(self) -> Counter[str]:
        """Return `counts`, and reset them."""
        counts, self.counts = self.counts, Counter()
        return counts

    def follow_policy(self, policy: Policy) -> None:
        """Follow the policy of the next tick."""

    def follow_model(self, model_revision: str, from_ms: int) -> None:
        """Follow another model, which scores the panes that start at `from_ms` or later."""

    def progress(self) -> dict[str, Any]:
        """Return the fields of the progress record that this side input recovers from."""
        return {}

    def tag_numbers(self) -> Iterable[int]:
        """Return the numbers of hashtags that records name: they may not be given to other hashtags."""
        return ()

    def count_removed(self, keys: Ints, start_ms: int, end_ms: int) -> Ints | int:
        """Return (m,) how many tweets to subtract from the counts of ascending keys (m,); 0: none of any key."""
        return 0

    def filter(self, sample: AuthorSample, keys: Ints, span: WindowSpan) -> AuthorSample:
        """Return the sample of keys (m,) without what may not count; the sample itself where nothing changes."""
        return sample

    def annotate(self, sample: AuthorSample, keys: Ints, span: WindowSpan) -> Any:
        """Return columns that signals need besides the filtered sample of keys (m,); None: there are none."""
        return None
