"""Retractions: tweets that leave the live windows, as rows of a set.

A retraction is a pure function of its record. It says which tweet, in what scope, and in which pane of log time it was
heard; rows merge by union, so that one told twice, by a worker that should be dead or in another order says nothing
new. A row with a pane takes the tweet out of the count of its hashtag and country in that pane, and out of the samples
of the hashtag; a row without one only out of samples: everywhere, or in the country that it names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import msgspec
import numpy as np
import numpy.typing as npt

from streams.counting.keys import COUNTRY_BITS, COUNTRY_MASK, Tags, country_code, country_name

Ints = npt.NDArray[np.int64]

NO_PANE = -1
EVERY_TAG = 0
"""Number of the hashtag of a row that names none; `Tags` gives it to nobody."""
_ROW_BYTES = 32
_Row = tuple[str, int, int, int, int]


class Retractions(msgspec.Struct, array_like=True, gc=False):
    """Rows (n,) as columns, little-endian; part of a record of `hashtag-partials`, and of one of `hashtag-panes`."""

    hashtags: list[str]
    """(n,) normalised; "" in a row that is about every hashtag."""
    countries: bytes
    """uint16 (n,): `keys.country_code`. With a pane: of the tweet. Without: where it is withheld; `*` everywhere."""
    panes: bytes
    """int64 (n,): pane in which the tweet was counted; `NO_PANE`: it leaves samples only."""
    tweets: bytes
    """int64 (n,): tweet id."""
    heard: bytes
    """int64 (n,): pane of the log time of the retraction. It is in force from the tick that ends this pane."""

    def uses(self) -> Iterator[tuple[str, str, int, int]]:
        """(hashtag, country, pane, tweet) of the rows that leave counts."""
        countries = map(country_name, np.frombuffer(self.countries, "<u2").tolist())
        numbers = (np.frombuffer(column, "<i8").tolist() for column in (self.panes, self.tweets))
        rows = zip(self.hashtags, countries, *numbers, strict=True)
        return (row for row in rows if row[2] != NO_PANE)


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The same with hashtags as numbers. Shapes (n,)."""

    keys: Ints
    """Hashtag and country, see `keys`."""
    panes: Ints
    tweets: Ints
    heard: Ints

    def __len__(self) -> int:
        return len(self.keys)

    def take(self, rows: npt.NDArray[np.bool_] | Ints) -> Rows:
        """Some of them."""
        return Rows(self.keys[rows], self.panes[rows], self.tweets[rows], self.heard[rows])


NO_ROWS = Rows(*[np.zeros(0, np.int64)] * 4)


def together(parts: Sequence[Rows]) -> Rows:
    """One after the other."""
    if len(parts) == 1:
        return parts[0]
    columns = ([getattr(part, name) for part in parts] for name in ("keys", "panes", "tweets", "heard"))
    return Rows(*(np.concatenate(column) for column in columns)) if parts else NO_ROWS


def rows_of(retractions: Retractions, tags: Tags) -> Rows:
    """Columns of a record, keyed by `tags`."""
    number_of = tags.number
    numbers = np.array([number_of(name) if name else EVERY_TAG for name in retractions.hashtags], np.int64)
    return Rows(
        numbers << COUNTRY_BITS | np.frombuffer(retractions.countries, "<u2"),
        np.frombuffer(retractions.panes, "<i8"),
        np.frombuffer(retractions.tweets, "<i8"),
        np.frombuffer(retractions.heard, "<i8"),
    )


def columns_of(rows: Rows, tags: Tags, most_bytes: int) -> Iterator[Retractions]:
    """The inverse of `rows_of`, in pieces of about `most_bytes`."""
    names = [tags.name(key) if key >> COUNTRY_BITS else "" for key in rows.keys.tolist()]
    yield from pack(names, rows.keys & COUNTRY_MASK, rows.panes, rows.tweets, rows.heard, most_bytes)


def pack(
    hashtags: Sequence[str], countries: Ints, panes: Ints, tweets: Ints, heard: Ints, most_bytes: int
) -> Iterator[Retractions]:
    """Rows in pieces of about `most_bytes`, in their order."""
    sizes = np.fromiter((_ROW_BYTES + 4 * len(hashtag) for hashtag in hashtags), np.int64, len(hashtags))
    piece = np.cumsum(sizes) // most_bytes
    cuts = [0, *(np.flatnonzero(np.diff(piece)) + 1).tolist(), len(hashtags)]
    for first, last in pairwise(cuts):
        if first < last:
            yield Retractions(
                list(hashtags[first:last]),
                countries[first:last].astype("<u2").tobytes(),
                panes[first:last].astype("<i8").tobytes(),
                tweets[first:last].astype("<i8").tobytes(),
                heard[first:last].astype("<i8").tobytes(),
            )


class OpenRetractions:
    """What ingest has read of them since its last flush."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._rows: dict[int | None, list[_Row]] = {}
        """By shard; None: for each of them."""

    def add(self, shard: int | None, hashtag: str, country: str, pane: int, tweet: int, heard: int) -> None:
        """One row; see `Retractions`. `shard` None: it is for every shard."""
        self._rows.setdefault(shard, []).append((hashtag, country_code(country), pane, tweet, heard))

    def flush(self, shards: int) -> dict[int, list[Retractions]]:
        """What came since the last flush: for each shard that it concerns its pieces, in order."""
        if not self._rows:
            return {}
        rows, self._rows = self._rows, {}
        for_all = rows.get(None, [])
        whole = {shard: rows.get(shard, []) + for_all for shard in range(shards)}
        return {shard: self._packed(of_shard) for shard, of_shard in whole.items() if of_shard}

    def _packed(self, rows: list[_Row]) -> list[Retractions]:
        hashtags, *numbers = zip(*rows, strict=True)
        countries, panes, tweets, heard = (np.array(column, np.int64) for column in numbers)
        return list(pack(hashtags, countries, panes, tweets, heard, self._most_bytes))
