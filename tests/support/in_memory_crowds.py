"""Evidence records with crowds, and a source of crowds on a fold instead of Kafka."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from models.languages import GROUPS, READ
from models.share import Scale, from_bytes
from moderation.domain.crowd.crowd import CrowdFold
from moderation.domain.crowd.follower import Crowd
from streams.clock import now_ms
from streams.counting.block_counts import MAX_GROUPS
from streams.log.evidence import EvidenceConditions, EvidenceRecord, GroupColumns

WINDOW_MS = 600_000
FLOOR = 10
Counts = tuple[int, int, int]
"""Tweets, authors and established authors."""


def crowd_record(
    tick_ms: int,
    rows: Mapping[tuple[str, str], Counts],
    *,
    shard: int = 0,
    window_ms: int = WINDOW_MS,
    young: Sequence[float] | None = None,
    copies: Sequence[float] | None = None,
    scored: Sequence[int] | None = None,
    unread: Sequence[Mapping[str, int]] | None = None,
    scale: bytes | None = None,
) -> EvidenceRecord:
    """Build the evidence of one shard and tick: counts by hashtag and country, shares of young and copying authors.

    Args:
        scored: sampled authors by row whose texts were read.
        unread: the others, by language.
        scale: None: where there is `unread`, one of three languages.
    """
    if scale is None:
        scale = Scale(np.zeros((len(READ), 2, 4)), np.zeros((len(READ), 2, 3))).to_bytes() if unread else b""
    counts = np.array([*rows.values()], "<i8").reshape(-1, 3)
    shares = {"young": young, "copies": copies}
    return EvidenceRecord(
        shard=shard,
        tick_ms=tick_ms,
        window_ms=window_ms,
        part=0,
        parts=1,
        conditions=EvidenceConditions(
            shards=2, categories=("abuse",), policy_revision="p", model_revision="m", windows_ms=(WINDOW_MS, 3_600_000),
            evidence_floor=FLOOR, score_floor=5, young_days=30, burst_min_past=1, scale=scale,
        ),
        paused=False,
        hashtags=[hashtag for hashtag, _ in rows],
        countries=[country for _, country in rows],
        tweets=counts[:, 0].tobytes(),
        everyone=_group(counts[:, 1], scale, scored, unread),
        established=_group(counts[:, 2], scale),
        signals={name: np.array(share, "<f8").tobytes() for name, share in shares.items() if share is not None},
    )  # fmt: skip


def _group(
    authors: np.ndarray,
    scale: bytes,
    scored: Sequence[int] | None = None,
    unread: Sequence[Mapping[str, int]] | None = None,
) -> GroupColumns:
    m = len(authors)
    groups = np.zeros((m, MAX_GROUPS), np.uint8)
    for row, counts in enumerate(unread or ()):
        for language, count in counts.items():
            groups[row, GROUPS.index(language)] = count
    return GroupColumns(
        authors=authors.tobytes(),
        scored=np.array([0] * m if scored is None else scored, "<u2").tobytes(),
        share=np.zeros((m, 2)).tobytes(),
        groups=bytes(m * from_bytes(scale, 2).n_groups) if scale else b"",
        unread=groups.tobytes() if unread else b"",
    )


class InMemoryCrowds:
    """Source of crowds on records that a test applies to its fold."""

    def __init__(self) -> None:
        self.fold = CrowdFold()

    @property
    def is_calibrated(self) -> bool | None:
        return self.fold.is_calibrated

    async def read(self, hashtag: str, country: str, since_ms: int) -> Crowd:
        """Read the crowd of a hashtag in a country from a time to now."""
        points = self.fold.series(hashtag, country, since_ms, now_ms())
        fold = self.fold
        return Crowd(points, fold.window_ms, fold.floor, fold.newest_ms, fold.is_calibrated, complete=True)
