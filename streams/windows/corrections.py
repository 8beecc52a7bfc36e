"""Corrections: what stage 2 says of a text beyond stage 1, as rows of a set.

A row is about one tweet under one hashtag: by how much the second scorer's probabilities differ from the first's. It
rests on the text and on the two models alone, so that a row told twice, late or by a worker that should be dead says
nothing new: of rows about the same tweet and hashtag the first in the shard's log stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import msgspec
import numpy as np
import numpy.typing as npt

from streams.counting.keys import Tags

Ints = npt.NDArray[np.int64]
Differences = npt.NDArray[np.float32]
_ROW_BYTES = 24


class Corrections(msgspec.Struct, array_like=True, frozen=True):
    """Rows (n,) as columns, little-endian: a record of `hashtag-partials`, and one of `hashtag-panes`."""

    revision: str
    """Of stage 2."""
    model_revision: str
    """Of stage 1, from whose probabilities they differ."""
    hashtags: list[str]
    """(n,) normalised."""
    tweets: bytes
    """int64 (n,): tweet id."""
    differences: bytes
    """float32 (n, columns): probability by stage 2 less that by stage 1, in [-1, 1]; any category, then each."""
    heard: bytes = b""
    """int64 (n,), in `hashtag-panes` only: pane from whose end on a row counts."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The same with hashtags as numbers. Shapes (n,), differences (n, columns)."""

    tags: Ints
    tweets: Ints
    heard: Ints
    revisions: Ints
    """Numbers that their owner gave to the revisions."""
    differences: Differences

    def __len__(self) -> int:
        return len(self.tags)

    def take(self, rows: npt.NDArray[np.bool_] | Ints) -> Rows:
        """Some of them."""
        return Rows(
            self.tags[rows], self.tweets[rows], self.heard[rows], self.revisions[rows], self.differences[rows]
        )  # fmt: skip


def no_rows(columns: int) -> Rows:
    """None at all."""
    none = np.zeros(0, np.int64)
    return Rows(none, none, none, none, np.zeros((0, columns), np.float32))


def together(parts: Sequence[Rows], columns: int) -> Rows:
    """One after the other."""
    whole = [no_rows(columns), *parts]
    names = ("tags", "tweets", "heard", "revisions", "differences")
    return Rows(*(np.concatenate([getattr(part, name) for part in whole]) for name in names))


def inserted(rows: Rows, places: Ints, more: Rows) -> Rows:
    """With more rows, each before the one that is at its place, as `numpy.insert` has it."""
    return Rows(
        np.insert(rows.tags, places, more.tags),
        np.insert(rows.tweets, places, more.tweets),
        np.insert(rows.heard, places, more.heard),
        np.insert(rows.revisions, places, more.revisions),
        np.insert(rows.differences, places, more.differences, axis=0),
    )


def rows_of(record: Corrections, tags: Tags, revision: int, heard: int | None = None) -> Rows:
    """Columns of a record, keyed by `tags`.

    Args:
        revision: number of the record's stage 2.
        heard: of all rows; None: the record says it of each.
    """
    n = len(record.hashtags)
    return Rows(
        tags.of(record.hashtags),
        np.frombuffer(record.tweets, "<i8"),
        np.frombuffer(record.heard, "<i8") if heard is None else np.full(n, heard, np.int64),
        np.full(n, revision, np.int64),
        np.frombuffer(record.differences, "<f4").reshape(n, -1),
    )


def pack(
    revision: str,
    model_revision: str,
    hashtags: Sequence[str],
    tweets: Ints,
    differences: Differences,
    heard: Ints | None,
    most_bytes: int,
) -> Iterator[Corrections]:
    """Rows of one stage 2 in pieces of about `most_bytes`, in their order."""
    sizes = np.fromiter((_ROW_BYTES + 4 * len(one) for one in hashtags), np.int64, len(hashtags))
    piece = np.cumsum(sizes + 4 * differences.shape[1]) // most_bytes
    cuts = [0, *(np.flatnonzero(np.diff(piece)) + 1).tolist(), len(hashtags)]
    for first, last in pairwise(cuts):
        if first < last:
            yield Corrections(
                revision,
                model_revision,
                list(hashtags[first:last]),
                tweets[first:last].astype("<i8").tobytes(),
                differences[first:last].astype("<f4").tobytes(),
                b"" if heard is None else heard[first:last].astype("<i8").tobytes(),
            )
