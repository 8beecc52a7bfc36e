"""Records of `hashtag-panes`: settled panes as columns, at most 512 KB each. They may repeat, always the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import msgspec
import numpy as np

from streams.counting.keys import COUNTRY_BITS, Tags, countries_of, country_of
from streams.counting.pane import Pane
from streams.counting.registers import Ints
from streams.counting.sketch import K, estimate_authors

MAX_BYTES = 512 * 1024
_ENTRY_BYTES = 8 + 8 + 4 + 1 + 4


class PaneRecord(msgspec.Struct, array_like=True, frozen=True):
    """A run of rows of one settled pane, ascending by hashtag and country.

    Columns are little-endian arrays. `part` of `parts` says which run of the pane it is.
    """

    shard: int
    start_ms: int
    length_ms: int
    part: int
    parts: int
    columns: int
    """Score columns of a text."""
    hashtags: list[str]
    countries: list[str]
    displays: list[str]
    counts: bytes
    """int64 (rows,)"""
    sizes: bytes
    """uint16 (rows,): entries of each row."""
    author: bytes
    """uint64 (entries,)"""
    tweet: bytes
    """int64 (entries,)"""
    age_days: bytes
    """int32 (entries,)"""
    flags: bytes
    """uint8 (entries,)"""
    copy: bytes
    """uint32 (entries,)"""
    scores: bytes
    """float32 (entries, columns); NaN where a text was not scored."""

    @property
    def key(self) -> tuple[int, int, int, int]:
        """What a repeat has in common with the first: (shard, length, start, part)."""
        return (self.shard, self.length_ms, self.start_ms, self.part)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(PaneRecord)


def encode_pane(pane: Pane, shard: int, tags: Tags) -> list[bytes]:
    """A settled pane as records; the same whoever settled it, so rows go by name and not by number."""
    columns = pane.scores.shape[1]
    rows = _by_name(pane.keys, tags)
    hashtags, countries = tags.names(pane.keys[rows]), countries_of(pane.keys[rows])
    sizes = np.diff(pane.bounds)[rows]
    ends = np.cumsum(sizes)
    entries = np.repeat(pane.bounds[rows] - (ends - sizes), sizes) + np.arange(int(sizes.sum()))
    bounds = np.concatenate(([0], ends))
    row_bytes = np.fromiter(map(len, hashtags), np.int64, len(rows)) * 6 + 16 + sizes * (_ENTRY_BYTES + 4 * columns)
    run = np.cumsum(row_bytes) // MAX_BYTES
    cuts = [0, *(np.flatnonzero(np.diff(run)) + 1).tolist(), len(rows)]
    records = []
    for part, (first, last) in enumerate(pairwise(cuts)):
        of_run = entries[bounds[first] : bounds[last]]
        records.append(
            _encoder.encode(
                PaneRecord(
                    shard=shard,
                    start_ms=pane.start_ms,
                    length_ms=pane.length_ms,
                    part=part,
                    parts=len(cuts) - 1,
                    columns=columns,
                    hashtags=hashtags[first:last],
                    countries=countries[first:last],
                    displays=[pane.displays[row] for row in rows[first:last].tolist()],
                    counts=_packed(pane.counts[rows[first:last]], "<i8"),
                    sizes=_packed(sizes[first:last], "<u2"),
                    author=_packed(pane.author[of_run], "<u8"),
                    tweet=_packed(pane.tweet[of_run], "<i8"),
                    age_days=_packed(pane.age_days[of_run], "<i4"),
                    flags=_packed(pane.flags[of_run], "<u1"),
                    copy=_packed(pane.copy[of_run], "<u4"),
                    scores=_packed(pane.scores[of_run], "<f4"),
                )
            )
        )
    return records


def _by_name(keys: Ints, tags: Tags) -> Ints:
    """(r,) the rows of ascending keys in the order of their hashtags' names, then countries."""
    firsts = np.flatnonzero(np.diff(keys >> COUNTRY_BITS, prepend=-1))
    names = tags.names(keys[firsts])
    order = np.array(sorted(range(len(names)), key=names.__getitem__), np.int64)
    sizes = np.diff(np.append(firsts, len(keys)))[order]
    before = np.cumsum(sizes) - sizes
    return np.repeat(firsts[order] - before, sizes) + np.arange(len(keys))


def _packed(column: np.ndarray[tuple[int, ...], np.dtype[np.generic]], dtype: str) -> bytes:
    return np.ascontiguousarray(column, dtype=dtype).tobytes()


def decode_pane_record(value: bytes) -> PaneRecord:
    """Bytes to a record."""
    return _decoder.decode(value)


def assemble(records: Iterable[PaneRecord], tags: Tags) -> list[Pane]:
    """Records (repeats allowed, any order) to panes, ascending by start, keyed by `tags`."""
    panes: dict[tuple[int, int], dict[int, PaneRecord]] = {}
    for record in records:
        panes.setdefault((record.start_ms, record.length_ms), {})[record.part] = record
    return [_assemble([parts[part] for part in sorted(parts)], tags) for _, parts in sorted(panes.items())]


def _assemble(parts: list[PaneRecord], tags: Tags) -> Pane:
    keys = np.array(
        [
            tags.key(tag, country)
            for part in parts
            for tag, country in zip(part.hashtags, part.countries, strict=True)
        ],
        np.int64,
    )  # fmt: skip
    sizes = np.concatenate([np.frombuffer(part.sizes, "<u2") for part in parts]).astype(np.int64)
    starts = np.cumsum(sizes) - sizes
    rows = np.argsort(keys)
    order = np.repeat(starts[rows], sizes[rows]) + (
        np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes[rows]) - sizes[rows], sizes[rows])
    )
    displays = [display for part in parts for display in part.displays]

    def column(name: str, dtype: str) -> np.ndarray[tuple[int], np.dtype[np.generic]]:
        return np.concatenate([np.frombuffer(getattr(part, name), dtype) for part in parts])

    return Pane(
        start_ms=parts[0].start_ms,
        length_ms=parts[0].length_ms,
        keys=keys[rows],
        counts=column("counts", "<i8").astype(np.int64)[rows],
        displays=[displays[row] for row in rows.tolist()],
        bounds=np.concatenate(([0], np.cumsum(sizes[rows]))),
        author=column("author", "<u8").astype(np.uint64)[order],
        tweet=column("tweet", "<i8").astype(np.int64)[order],
        age_days=column("age_days", "<i4").astype(np.int32)[order],
        flags=column("flags", "<u1").astype(np.uint8)[order],
        copy=column("copy", "<u4").astype(np.uint32)[order],
        scores=column("scores", "<f4").astype(np.float32).reshape(-1, parts[0].columns)[order],
    )


class PaneRow(msgspec.Struct, frozen=True):
    """One row as `panes` and `replay --panes` print it."""

    hashtag: str
    country: str
    """ISO code, or `*` for the world, which includes tweets without a country."""
    start_ms: int
    length_ms: int
    tweets: int
    authors: int


@dataclass(slots=True)
class _Row:
    tweets: int
    authors: list[int]


def rows_of(pane: Pane, tags: Tags) -> Iterator[PaneRow]:
    """A pane's rows, the world's included, by hashtag and country."""
    rows: dict[tuple[str, str], _Row] = {}
    for at, key in enumerate(pane.keys.tolist()):
        hashtag, country = tags.name(key), country_of(key)
        authors = pane.author[pane.bounds[at] : pane.bounds[at + 1]].tolist()
        if country:
            rows[hashtag, country] = _Row(int(pane.counts[at]), authors)
        world = rows.setdefault((hashtag, "*"), _Row(0, []))
        world.tweets += int(pane.counts[at])
        world.authors.extend(authors)
    for (hashtag, country), row in sorted(rows.items()):
        sketch = sorted(set(row.authors))[:K]
        authors = estimate_authors(len(sketch), sketch[-1] if sketch else 0)
        yield PaneRow(hashtag, country, pane.start_ms, pane.length_ms, row.tweets, authors)
