"""Sizes of a simulated history: logs, blocks, records, and rates of events."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from unittest.mock import patch

from streams.constants import PANE_MS
from streams.counting.sketch import KeyedHash
from streams.counting.times import TimeRules

START_MS = 1_611_600_000_000
PARTITIONS = 3
SHARDS = 2
AUTHORS = 60
"""Number of accounts that write tweets."""
BLOCK = 16
DUPLICATE_RANGE = 48
KEY = b"simulated"
HASHES = KeyedHash(KEY)
TIMES = TimeRules()


@dataclass(frozen=True, slots=True)
class Span:
    """Length of a history, and rates of its events."""

    log_seconds: int
    """Seconds with tweets, as a range."""
    closing_seconds: int
    """Time from the last tweet to the record that settles it."""
    rest: int
    """Rounds of work after the log's end."""
    harm: int
    """Number of runs that are killed, cut off or left as zombies."""
    quiet_ms: int
    """Length of one partition's silence."""
    wave_ms: int
    """Length of a wave with a constant share of harmful tweets."""
    asleep: tuple[int, ...]
    """Maximum number of rounds that a zombie sleeps."""
    reads: tuple[int, ...]
    """Number of stage 2 readings."""
    mean_ms: tuple[int, int]
    """Gap between two tweets in milliseconds."""
    patience: float
    """Probability that ingest waits at a step before it flushes."""

    @property
    def log_end_ms(self) -> int:
        return START_MS + self.log_seconds * 1000

    @property
    def closed_ms(self) -> int:
        """Log time of the last but one record of every partition."""
        return self.log_end_ms + self.closing_seconds * 1000

    @property
    def end_ms(self) -> int:
        """Log time of the last record, after all zombies; their early decisions are settled at the next tick."""
        return self.closed_ms + 2 * PANE_MS


LONG = Span(50, 130, 60, 30, 25_000, 10_000, (0, 0, 60, 300), (0, 20, 80, 80), (100, 200), 0.7)
"""Span of three minutes, in which every flag expires."""
SHORT = Span(18, 31, 10, 8, 10_000, 5_000, (0, 0, 20, 80), (0, 6, 20, 20), (120, 200), 0.88)
"""Span of a minute and a few ticks, with as many kinds of failures; seven times as fast to run."""


@contextmanager
def small_units() -> Iterator[None]:
    """Patch sizes: blocks of 16 offsets, small records, panes of several parts, sketches that count soon."""
    with ExitStack() as patches:
        for module in ("counting.ingest", "counting.uses", "log.partials", "replay"):
            where = f"streams.{module}.BLOCK"
            patches.enter_context(patch(where, BLOCK))
        patches.enter_context(patch("streams.counting.ingest.DUPLICATE_RANGE", DUPLICATE_RANGE))
        patches.enter_context(patch("streams.counting.ingest._RECORD_BYTES", 2_500))
        patches.enter_context(patch("streams.log.panes.MAX_BYTES", 400))
        patches.enter_context(patch("streams.log.corrections.MAX_BYTES", 200))
        patches.enter_context(patch("streams.judging.ahead_scoring.SLICE_TEXTS", 3))
        patches.enter_context(patch("streams.judging.two_stage_share.SUBSAMPLE", 8))
        patches.enter_context(patch("streams.judging.two_stage_share.LEAST", 2))
        patches.enter_context(patch("streams.judging.side_inputs.author_sketches.DELAY_MS", PANE_MS))
        patches.enter_context(patch("streams.judging.side_inputs.author_sketches.MOST", 6))
        patches.enter_context(patch("streams.judging.campaigns.MINUTE_MS", PANE_MS))
        patches.enter_context(patch("streams.judging.language_coverage.HOUR_MS", 2 * PANE_MS))
        yield
