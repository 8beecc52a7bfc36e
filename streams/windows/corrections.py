"""Corrections: by how much stage 2's probabilities of a text differ from stage 1's, as rows of a set.

A row is about one tweet under one hashtag. It depends on the text and on the two models alone. So of rows about the
same tweet and hashtag the first in the shard's log counts: a repeated or late row, or one from a zombie, has no effect.
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
    """Revision of stage 2's model."""
    model_revision: str
    """Revision of stage 1, from whose probabilities they differ."""
    hashtags: list[str]
    """(n,) hashtags in their normal form."""
    tweets: bytes
    """int64 (n,): tweet id."""
    differences: bytes
    """float32 (n, columns): probability by stage 2 less that by stage 1, in [-1, 1]; any category first, then each."""
    received: bytes = b""
    """int64 (n,), in `hashtag-panes` only: pane from whose end a row counts."""
    scale: bytes = b""
    """Meaning of stage 2's probabilities, as `models.share.Scale.to_bytes` encodes it; empty: that of stage 1's."""


@dataclass(frozen=True, slots=True, eq=False)
class CorrectionRows:
    """Corrections with hashtags as numbers. Shapes (n,), differences (n, columns)."""

    tags: Ints
    tweets: Ints
    received: Ints
    revisions: Ints
    """Numbers of the revisions, assigned by the owner of the rows."""
    differences: Differences

    def __len__(self) -> int:
        return len(self.tags)

    def take(self, rows: npt.NDArray[np.bool_] | Ints | slice) -> CorrectionRows:
        """Select rows by number, mask or slice."""
        return CorrectionRows(*(getattr(self, name)[rows] for name in self.__slots__))


def no_corrections(columns: int) -> CorrectionRows:
    """Return empty rows with these columns."""
    none = np.zeros(0, np.int64)
    return CorrectionRows(none, none, none, none, np.zeros((0, columns), np.float32))


def join_corrections(parts: Sequence[CorrectionRows]) -> CorrectionRows:
    """Concatenate rows in their order."""
    names = CorrectionRows.__slots__
    return CorrectionRows(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def insert_corrections(rows: CorrectionRows, places: Ints, more: CorrectionRows) -> CorrectionRows:
    """Insert more rows at some places, as `numpy.insert` does."""
    names = CorrectionRows.__slots__
    return CorrectionRows(*(np.insert(getattr(rows, name), places, getattr(more, name), axis=0) for name in names))


def correction_rows_of(record: Corrections, tags: Tags, revision: int, received: int | None = None) -> CorrectionRows:
    """Convert a record to rows, with hashtags numbered by `tags`.

    Args:
        record: n corrections, as columns.
        tags: numbers the hashtags of the record.
        revision: number of the record's stage 2.
        received: pane of all rows; None: the record has one for each.
    """
    n = len(record.hashtags)
    return CorrectionRows(
        tags.of(record.hashtags),
        np.frombuffer(record.tweets, "<i8"),
        np.frombuffer(record.received, "<i8") if received is None else np.full(n, received, np.int64),
        np.full(n, revision, np.int64),
        np.frombuffer(record.differences, "<f4").reshape(n, -1),
    )


def pack_corrections(
    rows: CorrectionRows, hashtags: Sequence[str], revisions: tuple[str, str, bytes], most_bytes: int
) -> Iterator[Corrections]:
    """Split rows (n,) of one stage 2 into records of about `most_bytes`, in their order.

    Args:
        rows: corrections to split.
        hashtags: (n,) hashtags of the rows.
        revisions: revisions of stage 2 and of its stage 1, and stage 2's scale.
        most_bytes: size of a record.
    """
    sizes = np.fromiter((_ROW_BYTES + 4 * len(hashtag) for hashtag in hashtags), np.int64, len(hashtags))
    piece = np.cumsum(sizes + 4 * rows.differences.shape[1]) // most_bytes
    revision, model_revision, scale = revisions
    cuts = [0, *(np.flatnonzero(np.diff(piece)) + 1).tolist(), len(hashtags)]
    for first, last in pairwise(cuts):
        if first < last:
            part = rows.take(slice(first, last))
            yield Corrections(
                revision, model_revision, list(hashtags[first:last]), part.tweets.astype("<i8").tobytes(),
                part.differences.astype("<f4").tobytes(), part.received.astype("<i8").tobytes(), scale,
            )  # fmt: skip
