"""How large a simulated history is: logs, blocks, records, and how much happens in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from unittest.mock import patch

from streams.counting.block_counts import PANE_MS
from streams.counting.sketch import KeyedHash
from streams.counting.times import TimeRules

START_MS = 1_611_600_000_000
PARTITIONS = 3
SHARDS = 2
BLOCK = 16
DUPLICATE_RANGE = 48
KEY = b"simulated"
HASHES = KeyedHash(KEY)
TIMES = TimeRules()


@dataclass(frozen=True, slots=True)
class Span:
    """How long a history is, and how much happens in it."""

    log_seconds: int
    """Of tweets."""
    closing_seconds: int
    """From the last of them to the record that settles what they say, with most that follows from it."""
    rest: int
    """Rounds of work after the log's end."""
    harm: int
    """How many runs are killed, cut off or left as zombies."""
    quiet_ms: int
    """How long one partition has nothing to say."""
    wave_ms: int
    """How long a tag's tweets are as harmful as they are."""
    asleep: tuple[int, ...]
    """How many rounds a zombie may sleep."""
    reads: tuple[int, ...]
    """How often stage 2 may read."""
    mean_ms: tuple[int, int]
    """Between two tweets."""
    patience: float
    """How likely ingest waits before it flushes, at each step."""

    @property
    def log_end_ms(self) -> int:
        return START_MS + self.log_seconds * 1000

    @property
    def closed_ms(self) -> int:
        """The last record but one of every partition."""
        return self.log_end_ms + self.closing_seconds * 1000

    @property
    def end_ms(self) -> int:
        """The last, when all zombies are gone: what they said early is answered at the next tick."""
        return self.closed_ms + 2 * PANE_MS


LONG = Span(50, 130, 60, 30, 25_000, 10_000, (0, 0, 60, 300), (0, 20, 80, 80), (100, 200), 0.7)
"""Every flag runs out before it ends, three minutes pass."""
SHORT = Span(18, 31, 10, 8, 10_000, 5_000, (0, 0, 20, 80), (0, 6, 20, 20), (120, 200), 0.88)
"""A minute and a few ticks: as many kinds of deaths and losses, seven times in the same time."""


@contextmanager
def small_units() -> Iterator[None]:
    """Blocks of 16 offsets, records of a few registers, panes of several parts, few sketches that count soon."""
    with ExitStack() as patches:
        for where in ("streams.counting.ingest.BLOCK", "streams.counting.uses.BLOCK", "streams.replay.BLOCK"):
            patches.enter_context(patch(where, BLOCK))
        patches.enter_context(patch("streams.counting.ingest.DUPLICATE_RANGE", DUPLICATE_RANGE))
        patches.enter_context(patch("streams.counting.ingest._RECORD_BYTES", 2_500))
        patches.enter_context(patch("streams.log.panes.MAX_BYTES", 400))
        patches.enter_context(patch("streams.judging.two_stage_share.SUBSAMPLE", 8))
        patches.enter_context(patch("streams.judging.two_stage_share.LEAST", 2))
        patches.enter_context(patch("streams.judging.side_inputs.author_sketches.DELAY_MS", PANE_MS))
        patches.enter_context(patch("streams.judging.side_inputs.author_sketches.MOST", 6))
        patches.enter_context(patch("streams.judging.campaigns.MINUTE_MS", PANE_MS))
        yield
