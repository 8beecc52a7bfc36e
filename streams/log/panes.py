"""Records of `hashtag-panes`: settled panes as columns, at most 512 KB each. Repeats are equal.

The topic also has records of retractions, corrections and author sketches (`streams.log.retractions`, `.corrections`,
`.author_sketches`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise

import msgspec
import numpy as np

from streams.counting.block_counts import NOTHING_TRIMMED, Ints, Trimmed
from streams.counting.keys import COUNTRY_BITS, COUNTRY_MASK, Tags, country_of
from streams.counting.sketch import K, estimate_authors
from streams.windows.pane import Pane

MAX_BYTES = 512 * 1024
_ENTRY_BYTES = 8 + 8 + 8 + 4 + 1 + 4


class PaneRecord(msgspec.Struct, array_like=True, frozen=True):
    """A run of rows of one settled pane, ascending by hashtag and country.

    Columns are little-endian arrays. `part` of `parts` is the run's number in the pane.
    """

    shard: int
    start_ms: int
    length_ms: int
    part: int
    parts: int
    columns: int
    """Number of score columns of a text."""
    hashtags: list[str]
    """(tags,): each hashtag once."""
    spans: bytes
    """uint16 (tags,): rows of each hashtag, one a country."""
    countries: bytes
    """uint16 (rows,): `keys.country_code`."""
    displays: list[str]
    """(rows,): commonest spelling; "" if it equals the hashtag."""
    counts: bytes
    """int64 (rows,): tweets of each row."""
    sizes: bytes
    """uint16 (rows,): entries of each row."""
    author: bytes
    """uint64 (entries,): author hashes."""
    tweet: bytes
    """int64 (entries,): tweet ids."""
    origin: bytes
    """int64 (entries,): origins of the tweets; see `streams.counting.origins`."""
    age_days: bytes
    """int32 (entries,): account ages."""
    flags: bytes
    """uint8 (entries,): flags of the tweets."""
    copy: bytes
    """uint32 (entries,): text fingerprints."""
    scores: bytes
    """float32 (entries, columns): scores; NaN for a text without a score."""
    trimmed: Trimmed = NOTHING_TRIMMED
    """Counts trimmed from the whole pane, repeated in each part."""

    @property
    def key(self) -> tuple[int, int, int, int]:
        """Identity of the record, equal for repeats: (shard, length, start, part)."""
        return (self.shard, self.length_ms, self.start_ms, self.part)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(PaneRecord)


def encode_pane(pane: Pane, shard: int, tags: Tags) -> list[bytes]:
    """Encode a settled pane as records. Rows are sorted by name, so the records are equal for every owner."""
    columns = pane.scores.shape[1]
    names, spans, rows = _by_name(pane.keys, tags)
    tag_of = np.repeat(np.arange(len(names)), spans)
    countries = pane.keys[rows] & COUNTRY_MASK
    displays = pane.displays[rows]
    displays[displays == np.array(names, object)[tag_of]] = ""
    sizes = np.diff(pane.bounds)[rows]
    ends = np.cumsum(sizes)
    entries = np.repeat(pane.bounds[rows] - (ends - sizes), sizes) + np.arange(int(sizes.sum()))
    bounds = np.concatenate(([0], ends))
    name_bytes = np.fromiter(map(len, names), np.int64, len(names)) * 6
    row_bytes = name_bytes[tag_of] + 16 + sizes * (_ENTRY_BYTES + 4 * columns)
    run = np.cumsum(row_bytes) // MAX_BYTES
    cuts = [0, *(np.flatnonzero(np.diff(run)) + 1).tolist(), len(rows)]
    records = []
    for part, (first, last) in enumerate(pairwise(cuts)):
        of_run = entries[bounds[first] : bounds[last]]
        begins = np.flatnonzero(np.diff(tag_of[first:last], prepend=-1))
        records.append(
            _encoder.encode(
                PaneRecord(
                    shard=shard,
                    start_ms=pane.start_ms,
                    length_ms=pane.length_ms,
                    part=part,
                    parts=len(cuts) - 1,
                    columns=columns,
                    hashtags=[names[tag] for tag in tag_of[first:last][begins].tolist()],
                    spans=_packed(np.diff(np.append(begins, last - first)), "<u2"),
                    countries=_packed(countries[first:last], "<u2"),
                    displays=displays[first:last].tolist(),
                    counts=_packed(pane.counts[rows[first:last]], "<i8"),
                    sizes=_packed(sizes[first:last], "<u2"),
                    author=_packed(pane.author[of_run], "<u8"),
                    tweet=_packed(pane.tweet[of_run], "<i8"),
                    origin=_packed(pane.origin[of_run], "<i8"),
                    age_days=_packed(pane.age_days[of_run], "<i4"),
                    flags=_packed(pane.flags[of_run], "<u1"),
                    copy=_packed(pane.copy[of_run], "<u4"),
                    scores=_packed(pane.scores[of_run], "<f4"),
                    trimmed=pane.trimmed,
                )
            )
        )
    return records


def _by_name(keys: Ints, tags: Tags) -> tuple[list[str], Ints, Ints]:
    """Sort ascending keys by the names of their hashtags, then by country.

    Returns:
        The names (t,), the number of rows of each (t,), and the rows (r,).
    """
    firsts = np.flatnonzero(np.diff(keys >> COUNTRY_BITS, prepend=-1))
    names = tags.names(keys[firsts])
    order = np.array(sorted(range(len(names)), key=names.__getitem__), np.int64)
    spans = np.diff(np.append(firsts, len(keys)))[order]
    before = np.cumsum(spans) - spans
    return [names[at] for at in order.tolist()], spans, np.repeat(firsts[order] - before, spans) + np.arange(len(keys))


def _packed(column: np.ndarray[tuple[int, ...], np.dtype[np.generic]], dtype: str) -> bytes:
    return np.ascontiguousarray(column, dtype=dtype).tobytes()


class PaneSpan(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """First fields of a record: enough to decide whether to decode the rest."""

    shard: int
    start_ms: int
    length_ms: int


def decode_pane_record(value: bytes) -> PaneRecord:
    """Decode a record of a pane.

    Raises:
        msgspec.DecodeError, msgspec.ValidationError: the record is not hushtag's, or its columns differ in length.
    """
    record = _decoder.decode(value)
    rows, entries = len(record.displays), len(record.flags)
    per_row = (record.countries, 2), (record.counts, 8), (record.sizes, 2)
    per_entry = (record.author, 8), (record.tweet, 8), (record.origin, 8), (record.age_days, 4), (record.copy, 4)
    wrong = len(record.spans) != 2 * len(record.hashtags)
    wrong |= any(len(column) != rows * size for column, size in per_row)
    wrong |= any(len(column) != entries * size for column, size in per_entry)
    wrong |= len(record.scores) != 4 * entries * record.columns
    if wrong:
        raise msgspec.ValidationError(f"the columns of {rows} rows and {entries} entries differ in length")
    return record


def is_pane(value: bytes) -> bool:
    """Return whether a record of `hashtag-panes` holds a pane; a side input's record begins with a letter."""
    return not value[:1].isalpha()


def pane_records(values: Iterable[bytes | None]) -> Iterator[PaneRecord]:
    """Decode the records of `hashtag-panes` that hold panes, for a reader that only displays them.

    Unreadable records are left out; the judge of the shard reports them.
    """
    for value in values:
        if value and is_pane(value):
            with suppress(msgspec.MsgspecError, UnicodeDecodeError):
                yield decode_pane_record(value)


decode_pane_span = msgspec.msgpack.Decoder(PaneSpan).decode
"""Decodes the span of a record, at a fraction of the cost of the whole."""


class PaneParts:
    """Collects the records of complete panes of any shards, in any order and with repeats."""

    def __init__(self) -> None:
        self._parts: dict[tuple[int, int, int], dict[int, PaneRecord]] = {}
        self._complete: set[tuple[int, int, int]] = set()

    def add(self, record: PaneRecord) -> list[PaneRecord]:
        """Add a record; return all parts of the pane that it completes, once and in order, else []."""
        key = (record.shard, record.length_ms, record.start_ms)
        if key in self._complete:
            return []
        parts = self._parts.setdefault(key, {})
        parts[record.part] = record
        if len(parts) < record.parts:
            return []
        self._complete.add(key)
        del self._parts[key]
        return [parts[part] for part in sorted(parts)]


class Assembler:
    """Assembles panes from the records of one shard, in any order and with repeats."""

    def __init__(self, tags: Tags) -> None:
        self._tags = tags
        self._parts = PaneParts()
        self._panes: dict[tuple[int, int], Pane] = {}

    def add(self, record: PaneRecord) -> None:
        """Add one record of a pane."""
        if parts := self._parts.add(record):
            self._panes[record.start_ms, record.length_ms] = _assemble(parts, self._tags)

    def panes(self) -> list[Pane]:
        """Return the complete panes, ascending by start, the shorter one first."""
        return [pane for _, pane in sorted(self._panes.items())]


def assemble(records: Iterable[PaneRecord], tags: Tags) -> list[Pane]:
    """Assemble the panes of one shard from its records."""
    assembler = Assembler(tags)
    for record in records:
        assembler.add(record)
    return assembler.panes()


def _assemble(parts: list[PaneRecord], tags: Tags) -> Pane:
    names = [hashtag for part in parts for hashtag in part.hashtags]
    spans = np.concatenate([np.frombuffer(part.spans, "<u2") for part in parts])
    countries = np.concatenate([np.frombuffer(part.countries, "<u2") for part in parts])
    keys = np.repeat(tags.of(names), spans) << COUNTRY_BITS | countries
    sizes = np.concatenate([np.frombuffer(part.sizes, "<u2") for part in parts]).astype(np.int64)
    starts = np.cumsum(sizes) - sizes
    rows = np.argsort(keys)
    order = np.repeat(starts[rows], sizes[rows]) + (
        np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes[rows]) - sizes[rows], sizes[rows])
    )
    displays = np.array([display for part in parts for display in part.displays], object)
    same = displays == ""
    displays[same] = np.repeat(np.array(names, object), spans)[same]

    def column(name: str, dtype: str) -> np.ndarray[tuple[int], np.dtype[np.generic]]:
        return np.concatenate([np.frombuffer(getattr(part, name), dtype) for part in parts])

    return Pane(
        start_ms=parts[0].start_ms,
        length_ms=parts[0].length_ms,
        keys=keys[rows],
        counts=column("counts", "<i8").astype(np.int64)[rows],
        displays=displays[rows],
        bounds=np.concatenate(([0], np.cumsum(sizes[rows]))),
        author=column("author", "<u8").astype(np.uint64)[order],
        tweet=column("tweet", "<i8").astype(np.int64)[order],
        origin=column("origin", "<i8").astype(np.int64)[order],
        age_days=column("age_days", "<i4").astype(np.int32)[order],
        flags=column("flags", "<u1").astype(np.uint8)[order],
        copy=column("copy", "<u4").astype(np.uint32)[order],
        scores=column("scores", "<f4").astype(np.float32).reshape(-1, parts[0].columns)[order],
        trimmed=parts[0].trimmed,
    )


def spellings_in(record: PaneRecord) -> Iterator[tuple[str, str]]:
    """Yield (hashtag, commonest spelling) of each row."""
    spans = np.frombuffer(record.spans, "<u2").tolist()
    names = (hashtag for hashtag, rows in zip(record.hashtags, spans, strict=True) for _ in range(rows))
    return ((name, display or name) for name, display in zip(names, record.displays, strict=True))


class PaneRow(msgspec.Struct, frozen=True):
    """One row of a pane, as `panes` and `replay --panes` print it."""

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
    """Yield the rows of a pane, those of the world included, by hashtag and country."""
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
