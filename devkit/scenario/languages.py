"""Sampled texts by language that the story's judges have counted, hour by hour. Pure."""

from __future__ import annotations

from streams.constants import HOUR_MS
from streams.log.decisions import LanguageCoverage, LanguageTexts

SHARDS, HOURS = 2, 3
_TEXTS = (("en", 310, 310), ("hi", 96, 96), ("hi-Latn", 120, 120), ("ta", 41, 0), ("ur", 2, 0))
"""Language, texts of the first shard and hour, and those that were read."""


def coverage(at_ms: int) -> list[LanguageCoverage]:
    """Make the records of the last whole hours before a moment; one repeats, as after a restart."""
    end_ms = at_ms // HOUR_MS * HOUR_MS
    records = [
        LanguageCoverage(
            shard=shard,
            from_ms=end_ms - hour * HOUR_MS,
            to_ms=end_ms - (hour - 1) * HOUR_MS,
            languages=tuple(
                LanguageTexts(name, texts + shard + hour, read and read + shard + hour)
                for name, texts, read in _TEXTS
                if name != "ur" or (shard, hour) == (0, 1)
            ),
        )
        for hour in range(1, HOURS + 1)
        for shard in range(SHARDS)
    ]
    return [*records, records[0]]
