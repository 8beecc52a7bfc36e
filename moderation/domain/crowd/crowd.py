"""Crowd of a hashtag over time: its tweets and authors minute by minute, from the settled evidence. Pure.

A point has the counts of the policy's shortest window that ends at its minute. The evidence has a hashtag only where it
has `evidence_floor` tweets in the window. It counts established authors apart from the others, called coordinated here;
it does not name protected speakers. Young accounts and authors of copied texts are shares of a sample, so their numbers
are estimates. Of sampled authors whose texts the model does not read it has the number, by language. No share of harm
and no score is kept.

Everything of the last `RECENT_MS` is kept, because a case may begin at any time. Of what is older only the hashtags of
open cases are kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.languages import READ, group_name, has_our_groups
from models.share import Scale, from_bytes
from moderation.domain.crowd.answers import CrowdPointAnswer
from streams.constants import HOUR_MS, MINUTE_MS
from streams.counting.block_counts import MAX_GROUPS
from streams.log.evidence import EvidenceConditions, EvidenceRecord

BEFORE_MS = HOUR_MS
"""Time before a case that its crowd shows."""
LONGEST_MS = 6 * HOUR_MS
"""Longest time that a crowd covers, and for which minutes are kept."""
RECENT_MS = BEFORE_MS + 15 * MINUTE_MS
"""Age up to which minutes are kept of every hashtag."""
FINE_MS = 2 * HOUR_MS
"""Longest time with a point for every minute; a longer one has every fifth."""
Ints = npt.NDArray[np.int64]
_UNKNOWN = -1


class _Rows(NamedTuple):
    """Rows of one record, ascending by hashtag."""

    tags: Ints
    """(n,) hash of the hashtag; it differs between processes."""
    countries: npt.NDArray[np.bytes_]
    counts: npt.NDArray[np.int32]
    """(n, 5) tweets, authors, established, young accounts and copies; -1 where not measured."""
    looked: npt.NDArray[np.uint8] | None
    """(n, 1 + MAX_GROUPS) sampled authors whose text was read, and those unread by group; None: all were read."""

    def find(self, tag: int, country: str) -> int | None:
        first, end = self.tags.searchsorted(tag, "left"), self.tags.searchsorted(tag, "right")
        at = np.flatnonzero(self.countries[first:end] == country.encode())
        return int(first + at[0]) if len(at) else None

    def only(self, tags: Ints) -> _Rows:
        kept = np.isin(self.tags, tags)
        looked = None if self.looked is None else self.looked[kept]
        return _Rows(self.tags[kept], self.countries[kept], self.counts[kept], looked)

    def point(self, at_ms: int, row: int) -> CrowdPointAnswer:
        tweets, authors, established, *others = self.counts[row].tolist()
        young, copies = (None if count == _UNKNOWN else count for count in others)
        read, unread = 0, dict[str, int]()
        if self.looked is not None and self.looked[row, 1:].any():
            read, unread = int(self.looked[row, 0]), _by_language(self.looked[row, 1:].tolist())
        return CrowdPointAnswer(
            at_ms=at_ms,
            tweets=tweets,
            authors=authors,
            established=established,
            coordinated=authors - established,
            young=young,
            copies=copies,
            sampled=read + sum(unread.values()),
            unread=unread,
        )


class CrowdFold:
    """Minutes of the evidence, in the form in which crowds are read."""

    def __init__(self) -> None:
        self.window_ms = 0
        """Length of the window of the newest minute; 0 before the first."""
        self.is_calibrated: bool | None = None
        """Whether the scale of the newest minute was fitted to the platform's labels; None before the first."""
        self.floor = 0
        """Least tweets in the window from which the newest minute has a hashtag."""
        self._minutes: dict[int, dict[tuple[int, int], _Rows]] = {}
        """Rows by end of the minute, then by shard and part."""
        self._thin_before_ms = 0
        """Time before which minutes have only some hashtags."""
        self._kept: Ints = np.zeros(0, np.int64)
        """Hashes of those hashtags."""

    @property
    def newest_ms(self) -> int:
        """End of the newest minute; 0 before the first."""
        return max(self._minutes, default=0)

    @property
    def nbytes(self) -> int:
        """Memory of the rows in bytes."""
        tables = [rows for minute in self._minutes.values() for rows in minute.values()]
        return sum(column.nbytes for rows in tables for column in rows if column is not None)

    def wants(self, tick_ms: int, window_ms: int, windows_ms: Iterable[int]) -> bool:
        """Return whether the fold reads the records of a tick and window."""
        return tick_ms % MINUTE_MS == 0 and window_ms == min(windows_ms)

    def apply(self, record: EvidenceRecord) -> None:
        """Apply a record that the fold wants; a repeated one changes nothing."""
        minute = self._minutes.setdefault(record.tick_ms, {})
        if (record.shard, record.part) in minute:
            return
        if record.tick_ms >= self.newest_ms:
            self.window_ms, self.floor = record.window_ms, record.conditions.evidence_floor
            scale = scale_of(record.conditions)
            self.is_calibrated = scale is None or bool(scale.is_calibrated.all())
        rows = _rows_of(record)
        minute[record.shard, record.part] = rows.only(self._kept) if record.tick_ms < self._thin_before_ms else rows

    def thin(self, before_ms: int, hashtags: Iterable[str]) -> None:
        """Keep only some hashtags of the minutes before a time, also of those that are applied later.

        A minute that was thinned before stays as it is.
        """
        self._kept = np.array([hash(hashtag) for hashtag in hashtags], np.int64)
        for at_ms in [minute_ms for minute_ms in self._minutes if self._thin_before_ms <= minute_ms < before_ms]:
            self._minutes[at_ms] = {key: rows.only(self._kept) for key, rows in self._minutes[at_ms].items()}
        self._thin_before_ms = max(self._thin_before_ms, before_ms)

    def expire(self, before_ms: int) -> None:
        """Forget the minutes before a time."""
        for at_ms in [minute_ms for minute_ms in self._minutes if minute_ms < before_ms]:
            del self._minutes[at_ms]

    def series(self, hashtag: str, country: str, since_ms: int, until_ms: int) -> list[CrowdPointAnswer]:
        """Return the points of a hashtag in a country, oldest first.

        A minute at which it had fewer tweets than the floor has no point.

        Args:
            hashtag: normalised.
            country: ISO 3166-1 alpha-2, or `*` for the world.
            since_ms: first minute, inclusive.
            until_ms: last minute, inclusive.
        """
        step_ms = step_of(since_ms, until_ms)
        tag, points = hash(hashtag), list[CrowdPointAnswer]()
        place = (0, 0)
        for at_ms in sorted(self._minutes):
            if not since_ms <= at_ms <= until_ms or at_ms % step_ms:
                continue
            minute = self._minutes[at_ms]
            for candidate in (place, *minute):  # a hashtag stays in its shard
                rows = minute.get(candidate)
                if rows is not None and (row := rows.find(tag, country)) is not None:
                    points.append(rows.point(at_ms, row))
                    place = candidate
                    break
        return points


def span_of(began_ms: int, until_ms: int) -> int:
    """Return the beginning of a crowd that ends at a time, for a case that began at another.

    >>> span_of(5 * HOUR_MS, 6 * HOUR_MS) == 4 * HOUR_MS, span_of(0, 9 * HOUR_MS) == 3 * HOUR_MS
    (True, True)
    """
    return max(began_ms - BEFORE_MS, until_ms - LONGEST_MS)


def step_of(since_ms: int, until_ms: int) -> int:
    """Return the distance of two points of a crowd that covers some time.

    >>> step_of(0, 2 * HOUR_MS), step_of(0, 3 * HOUR_MS)
    (60000, 300000)
    """
    return MINUTE_MS if until_ms - since_ms <= FINE_MS else 5 * MINUTE_MS


def _rows_of(record: EvidenceRecord) -> _Rows:
    tags = np.array([hash(hashtag) for hashtag in record.hashtags], np.int64)
    order = tags.argsort(kind="stable")
    tweets = np.frombuffer(record.tweets, "<i8")
    authors = np.frombuffer(record.everyone.authors, "<i8")
    established = np.minimum(np.frombuffer(record.established.authors, "<i8"), authors)
    columns = [tweets, authors, established, _estimate(record, "young", authors), _estimate(record, "copies", authors)]
    counts = np.minimum(np.stack(columns, axis=1), np.iinfo(np.int32).max).astype(np.int32)
    return _Rows(tags[order], np.array(record.countries, "S2")[order], counts[order], _looked(record, order))


def _looked(record: EvidenceRecord, order: Ints) -> npt.NDArray[np.uint8] | None:
    if not record.everyone.unread:
        return None
    scored = np.minimum(np.frombuffer(record.everyone.scored, "<u2"), 255).astype(np.uint8)
    unread = np.frombuffer(record.everyone.unread, "u1").reshape(-1, MAX_GROUPS)
    scale = scale_of(record.conditions)
    if scale is None or not has_our_groups(scale.n_groups):
        unread = np.pad(unread.sum(axis=1, dtype=np.uint8)[:, None], ((0, 0), (MAX_GROUPS - 1, 0)))
    return np.column_stack([scored, unread])[order]


def scale_of(conditions: EvidenceConditions) -> Scale | None:
    """Return the scale of an evidence; None where shares are harmful shares."""
    return from_bytes(conditions.scale, 1 + len(conditions.categories)) if conditions.scale else None


def _by_language(counts: list[int]) -> dict[str, int]:
    """Name the counts of storage groups."""
    languages: dict[str, int] = {}
    for group, count in enumerate(counts):
        if count:
            name = group_name(group, len(READ))
            languages[name] = languages.get(name, 0) + count
    return languages


def _estimate(record: EvidenceRecord, signal: str, authors: Ints) -> Ints:
    """Estimate the number of authors from the share of the sampled ones; -1 where it was not measured."""
    if not (column := record.signals.get(signal)):
        return np.full(record.rows, _UNKNOWN)
    share = np.frombuffer(column, "<f8")
    estimate: Ints = np.where(np.isnan(share), _UNKNOWN, np.rint(np.nan_to_num(share) * authors)).astype(np.int64)
    return estimate
