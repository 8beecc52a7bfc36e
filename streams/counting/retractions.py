"""Retractions: tweets that leave the windows, as rows of a set.

A retraction depends on its record alone. It names the tweet, the scope, and the pane of its log time. Rows merge by
union, so a repeated row, a row from a zombie and another order change nothing. A row with a pane removes the tweet from
the count of its hashtag and country in that pane, and from the samples of the hashtag. A row without one removes it
from samples only: everywhere, or in the country that the row names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import msgspec
import numpy as np
import numpy.typing as npt

from streams.counting.keys import COUNTRY_BITS, COUNTRY_MASK, Tags, country_code, country_name

Ints = npt.NDArray[np.int64]

NO_PANE = -1
EVERY_TAG = 0
"""Number of the hashtag in a row without one; `Tags` never assigns it."""
_ROW_BYTES = 32
_Row = tuple[str, int, int, int, int]


class Retractions(msgspec.Struct, array_like=True, gc=False):
    """Rows (n,) as columns, little-endian; part of a record of `hashtag-partials`, and of one of `hashtag-panes`."""

    hashtags: list[str]
    """(n,) normalised hashtags; "" in a row for every hashtag."""
    countries: bytes
    """uint16 (n,): `keys.country_code` of the tweet; in a row without a pane, of the scope, `*` for every country."""
    panes: bytes
    """int64 (n,): pane in which the tweet was counted; `NO_PANE` in a row that changes samples only."""
    tweets: bytes
    """int64 (n,): tweet id."""
    received: bytes
    """int64 (n,): pane of the retraction's log time. It counts from the tick that ends this pane."""

    def uses(self) -> Iterator[tuple[str, str, int, int]]:
        """Iterate over (hashtag, country, pane, tweet) of the rows that change counts."""
        countries = map(country_name, np.frombuffer(self.countries, "<u2").tolist())
        numbers = (np.frombuffer(column, "<i8").tolist() for column in (self.panes, self.tweets))
        rows = zip(self.hashtags, countries, *numbers, strict=True)
        return (row for row in rows if row[2] != NO_PANE)


@dataclass(frozen=True, slots=True, eq=False)
class RetractionRows:
    """Retractions with hashtags as numbers. Shapes (n,)."""

    keys: Ints
    """Hashtag and country; see `streams.counting.keys`."""
    panes: Ints
    tweets: Ints
    received: Ints

    def __len__(self) -> int:
        return len(self.keys)

    def take(self, rows: npt.NDArray[np.bool_] | Ints) -> RetractionRows:
        """Select rows by number or mask."""
        return RetractionRows(self.keys[rows], self.panes[rows], self.tweets[rows], self.received[rows])


NO_RETRACTIONS = RetractionRows(*[np.zeros(0, np.int64)] * 4)


def join_retractions(parts: Sequence[RetractionRows]) -> RetractionRows:
    """Concatenate rows in their order."""
    columns = ([getattr(part, name) for part in (NO_RETRACTIONS, *parts)] for name in RetractionRows.__slots__)
    return RetractionRows(*map(np.concatenate, columns))


def retraction_rows_of(retractions: Retractions, tags: Tags) -> RetractionRows:
    """Convert a record to rows, keyed by `tags`."""
    named = np.array([name != "" for name in retractions.hashtags], bool)
    numbers = np.full(len(named), EVERY_TAG, np.int64)
    numbers[named] = tags.of([name for name in retractions.hashtags if name])
    return RetractionRows(
        numbers << COUNTRY_BITS | np.frombuffer(retractions.countries, "<u2"),
        np.frombuffer(retractions.panes, "<i8"),
        np.frombuffer(retractions.tweets, "<i8"),
        np.frombuffer(retractions.received, "<i8"),
    )


def columns_of(rows: RetractionRows, tags: Tags, most_bytes: int) -> Iterator[Retractions]:
    """Convert rows to records of about `most_bytes`; the inverse of `retraction_rows_of`."""
    named = rows.keys >> COUNTRY_BITS != EVERY_TAG
    tag_names = iter(tags.names(rows.keys[named]))
    names = [next(tag_names) if is_named else "" for is_named in named.tolist()]
    return pack_retractions(names, (rows.keys & COUNTRY_MASK, rows.panes, rows.tweets, rows.received), most_bytes)


def pack_retractions(hashtags: Sequence[str], numbers: Iterable[Ints], most_bytes: int) -> Iterator[Retractions]:
    """Split rows into records of about `most_bytes`, in their order; `numbers` are the other columns of a record."""
    columns = [column.astype(kind) for column, kind in zip(numbers, ("<u2", "<i8", "<i8", "<i8"), strict=True)]
    sizes = np.fromiter((_ROW_BYTES + 4 * len(hashtag) for hashtag in hashtags), np.int64, len(hashtags))
    piece = np.cumsum(sizes) // most_bytes
    cuts = [0, *(np.flatnonzero(np.diff(piece)) + 1).tolist(), len(hashtags)]
    for first, last in pairwise(cuts):
        if first < last:
            yield Retractions(list(hashtags[first:last]), *[column[first:last].tobytes() for column in columns])


class OpenRetractions:
    """Retractions that ingest has read since its last flush."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._rows: dict[int | None, list[_Row]] = {}
        """Rows by shard; None: for every shard."""

    def add(self, shard: int | None, hashtag: str, country: str, pane: int, tweet: int, received: int) -> None:
        """Add one row (see `Retractions`) for a shard; None: for every shard."""
        self._rows.setdefault(shard, []).append((hashtag, country_code(country), pane, tweet, received))

    def flush(self, shards: int) -> dict[int, list[Retractions]]:
        """Return the retractions since the last flush, for each shard that has any, in order."""
        if not self._rows:
            return {}
        rows, self._rows = self._rows, {}
        for_all = rows.get(None, [])
        whole = {shard: rows.get(shard, []) + for_all for shard in range(shards)}
        return {shard: self._packed(of_shard) for shard, of_shard in whole.items() if of_shard}

    def _packed(self, rows: list[_Row]) -> list[Retractions]:
        hashtags, *numbers = zip(*rows, strict=True)
        return list(pack_retractions(hashtags, [np.array(column, np.int64) for column in numbers], self._most_bytes))
