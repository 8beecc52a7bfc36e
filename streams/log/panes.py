"""Records of settled panes as columns, about 512 KB each. Repeats are equal.

Panes of ten seconds have a topic of their own: a restart needs those of a quarter of an hour, and of longer panes an
hour or more. `hashtag-panes` also has records of retractions, corrections and author sketches
(`streams.log.retractions`, `.corrections`, `.author_sketches`). Panes are most of what a restart reads, so their
columns are small (`streams.log.frames`), and a record holds no object per hashtag or entry.
`streams.log.pane_assembly` makes panes of records.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np

from streams.constants import MINUTE_MS, PANE_MS, QUARTER_MS, UNKNOWN_AGE
from streams.counting.block_counts import GROUP_SHIFT, NOTHING_TRIMMED, Ints, Trimmed
from streams.counting.keys import COUNTRY_BITS, COUNTRY_MASK, Tags, are_countries
from streams.counting.origins import MOST_PARTITIONS, NO_ORIGIN, PARTITION_SHIFT
from streams.errors import ContractError
from streams.log.frames import Framed, frame, read_frame
from streams.log.sense import LATEST_MS, absurd, are_probabilities, require_column, require_range
from streams.log.topic_specs import PANES, SHORT_PANES
from streams.windows.open_pane import ranges
from streams.windows.pane import Pane
from streams.windows.shared_texts import TEXT_SHIFT
from streams.windows.spellings import Spellings

MAX_BYTES = 512 * 1024
_ENTRY_BYTES = 8 + 8 + 8 + 4 + 1 + 4
_MOST = 2**63 - 1
_MOST_PARTS = 1 << 20
_LENGTHS_MS = (PANE_MS, MINUTE_MS, QUARTER_MS)
_RANGES = (
    ("counts", 1, _MOST), ("tweet", 0, _MOST), ("partition", NO_ORIGIN, MOST_PARTITIONS - 1),
    ("offset", 0, (1 << PARTITION_SHIFT) - 1), ("age_days", UNKNOWN_AGE, 2**31 - 1),
)  # fmt: skip
"""Columns, each with its least and its greatest value."""
_MOST_COLUMNS = 256
"""Bound on the score columns of a damaged record; unscored entries have none of its bytes."""


class PaneRecord(msgspec.Struct, array_like=True, frozen=True):
    """A run of rows of one settled pane, ascending by hashtag and country.

    It has t hashtags, r rows, n entries and s entries with a score. Columns are little-endian arrays. `part` of `parts`
    is the run's number in the pane.
    """

    shard: int
    start_ms: int
    length_ms: int
    part: int
    parts: int
    columns: int
    """Number c of score columns of a text."""
    hashtags: bytes
    """(t,) each hashtag once, as lines of UTF-8."""
    spans: bytes
    """uint16 (t,): rows of each hashtag, one a country."""
    displays: bytes
    """(t,) commonest spelling in the hashtag's first row, as lines; "" if it equals the hashtag."""
    differing: bytes
    """uint32: numbers of the rows with another spelling than the first row of their hashtag, ascending."""
    other_displays: bytes
    """Spellings of these rows, as lines; "" if it equals the hashtag."""
    countries: bytes
    """uint16 (r,): `keys.country_code`."""
    counts: Framed
    """(r,) tweets of each row."""
    sizes: Framed
    """(r,) entries of each row."""
    author: bytes
    """uint64 (n,): author hashes."""
    tweet: Framed
    """(n,) ids of the tweets."""
    partition: Framed
    """(n,) source partitions: the upper bits of the origins; see `streams.counting.origins`."""
    offset: Framed
    """(n,) source offsets and languages: the lower bits of the origins."""
    age_days: Framed
    """(n,) ages of the accounts in days."""
    flags: bytes
    """uint8 (n,): flags of the tweets."""
    copy: bytes
    """uint32 (s,): text fingerprints. The s entries are those with a language group in their flags, or all."""
    scores: bytes
    """float32 (s, c): scores; NaN for a text that the scorer does not read."""
    text_sizes: Framed
    """(r,) texts of each row."""
    texts: bytes
    """uint64 (u,): who wrote each text, by row, text and time; see `streams.windows.shared_texts`."""
    trimmed: Trimmed = NOTHING_TRIMMED
    """Counts trimmed from the whole pane, repeated in each part."""

    @property
    def key(self) -> tuple[int, int, int, int]:
        """Identity of the record, equal for repeats: (shard, length, start, part)."""
        return (self.shard, self.length_ms, self.start_ms, self.part)

    @property
    def rows(self) -> int:
        """Number of rows, one a hashtag and country."""
        return len(self.countries) // 2

    @property
    def entries(self) -> int:
        """Number of entries: uses with their authors."""
        return len(self.flags)

    @property
    def names(self) -> list[str]:
        """(t,) hashtags in the order of their rows."""
        return self.hashtags.decode().split("\n")[:-1]

    def spellings(self) -> Spellings:
        """Return (r,) the commonest spelling of each row."""
        names, displays, others = map(Spellings.of_lines, (self.hashtags, self.displays, self.other_displays))
        choices = Spellings.joined([names, displays, others])
        tags = len(names)
        of_tag = np.where(displays.sizes > 0, np.arange(tags) + tags, np.arange(tags))
        tag_of = np.repeat(np.arange(tags), np.frombuffer(self.spans, "<u2"))
        chosen = of_tag[tag_of]
        differing = np.frombuffer(self.differing, "<u4").astype(np.int64)
        chosen[differing] = np.where(others.sizes > 0, np.arange(len(others)) + 2 * tags, tag_of[differing])
        return choices[chosen]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(PaneRecord)


def encode_pane(pane: Pane, shard: int, tags: Tags) -> list[bytes]:
    """Encode a settled pane as records. Rows are sorted by name, so the records are equal for every owner."""
    names, spans, rows = rows_by_name(pane.keys, tags)
    tag_of = np.repeat(np.arange(len(names)), spans)
    written = pane.displays[rows]
    displays = written.blanked(written.same_as(names[tag_of]))
    sizes = np.diff(pane.bounds)[rows]
    ends = np.cumsum(sizes)
    entries = np.repeat(pane.bounds[rows] - (ends - sizes), sizes) + np.arange(int(sizes.sum()))
    bounds = np.concatenate(([0], ends))
    text_sizes = pane.texts.sizes_of(pane.keys)
    text_first = np.cumsum(text_sizes) - text_sizes
    text_first, text_sizes = text_first[rows], text_sizes[rows]
    row_bytes = names.sizes[tag_of] + written.sizes + 16 + sizes * (_ENTRY_BYTES + 4 * pane.scores.shape[1])
    row_bytes += 8 * text_sizes
    run = np.cumsum(row_bytes) // MAX_BYTES
    cuts = [0, *(np.flatnonzero(np.diff(run)) + 1).tolist(), len(rows)]
    records = []
    for part, (first, last) in enumerate(pairwise(cuts)):
        begins = first + np.flatnonzero(np.diff(tag_of[first:last], prepend=-1))
        spans_of_run = np.diff(np.append(begins, last))
        firsts = np.repeat(begins, spans_of_run)
        differing = np.flatnonzero(~displays[first:last].same_as(displays[firsts]))
        records.append(
            _encoder.encode(
                PaneRecord(
                    shard=shard,
                    start_ms=pane.start_ms,
                    length_ms=pane.length_ms,
                    part=part,
                    parts=len(cuts) - 1,
                    columns=pane.scores.shape[1],
                    hashtags=names[tag_of[begins]].lines(),
                    spans=_packed(spans_of_run, "<u2"),
                    displays=displays[begins].lines(),
                    differing=_packed(differing, "<u4"),
                    other_displays=displays[first + differing].lines(),
                    countries=_packed(pane.keys[rows[first:last]] & COUNTRY_MASK, "<u2"),
                    counts=frame(pane.counts[rows[first:last]]),
                    sizes=frame(sizes[first:last]),
                    text_sizes=frame(text_sizes[first:last]),
                    texts=_packed(pane.texts.uses[ranges(text_first[first:last], text_sizes[first:last])], "<u8"),
                    trimmed=pane.trimmed,
                    **_entries(pane, entries[bounds[first] : bounds[last]]),
                )
            )
        )
    return records


def rows_by_name(keys: Ints, tags: Tags) -> tuple[Spellings, Ints, Ints]:
    """Sort ascending keys by the names of their hashtags, then by country.

    Returns:
        The names (t,), the number of rows of each (t,), and the rows (r,).
    """
    firsts = np.flatnonzero(np.diff(keys >> COUNTRY_BITS, prepend=-1))
    lines = tags.lines_of(keys[firsts])
    names = lines.split(b"\n")[:-1]
    order = np.array(sorted(range(len(names)), key=names.__getitem__), np.int64)
    spans = np.diff(np.append(firsts, len(keys)))[order]
    before = np.cumsum(spans) - spans
    rows = np.repeat(firsts[order] - before, spans) + np.arange(len(keys))
    return Spellings.of_lines(lines)[order], spans, rows


def _entries(pane: Pane, entries: Ints) -> dict[str, Any]:
    """Return the columns of some entries (n,) of a pane."""
    flags, origin = pane.flags[entries], pane.origin[entries]
    scored = flags >> GROUP_SHIFT > 0
    others = entries[~scored]
    if pane.copy[others].any() or not np.isnan(pane.scores[others]).all():  # of no pane that a judge builds
        scored[:] = True
    read = entries[scored]
    return {
        "author": _packed(pane.author[entries], "<u8"),
        "tweet": frame(pane.tweet[entries]),
        "partition": frame(origin >> PARTITION_SHIFT),
        "offset": frame(origin & ((1 << PARTITION_SHIFT) - 1)),
        "age_days": frame(pane.age_days[entries]),
        "flags": _packed(flags, "<u1"),
        "copy": _packed(pane.copy[read], "<u4"),
        "scores": _packed(pane.scores[read], "<f4"),
    }


def _packed(column: np.ndarray[tuple[int, ...], np.dtype[np.generic]], dtype: str) -> bytes:
    return np.ascontiguousarray(column, dtype=dtype).tobytes()


class PaneSpan(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """First fields of a record: enough to decide whether to decode the rest."""

    shard: int
    start_ms: int
    length_ms: int


decode_pane_span = msgspec.msgpack.Decoder(PaneSpan).decode
"""Decodes the span of a record, at a fraction of the cost of the whole."""


def decode_pane_record(value: bytes) -> PaneRecord:
    """Decode a record of a pane.

    Raises:
        msgspec.DecodeError, msgspec.ValidationError: the record is not hushtag's, or its columns differ in length.
        UnicodeDecodeError: a name is not UTF-8.
        ContractError: `absurd`, no worker can have written a value in it.
    """
    record = _decoder.decode(value)
    rows, entries, tags = record.rows, record.entries, len(record.spans) // 2
    differing = np.frombuffer(record.differing, "<u4")
    lines = (record.hashtags, tags), (record.displays, tags), (record.other_displays, len(differing))
    for text, n in lines:
        text.decode()
        if text.count(b"\n") != n or text[-1:] not in (b"", b"\n"):
            raise msgspec.ValidationError(f"the lines of {tags} hashtags differ in number")
    framed = (record.counts, rows), (record.sizes, rows), (record.text_sizes, rows), *(
        (column, entries) for column in (record.tweet, record.partition, record.offset, record.age_days)
    )  # fmt: skip
    scored = np.count_nonzero(np.frombuffer(record.flags, np.uint8) >> GROUP_SHIFT)
    right = (
        0 <= record.columns <= _MOST_COLUMNS
        and (len(record.countries), len(record.author)) == (2 * rows, 8 * entries)
        and all(column.has(n) for column, n in framed)
        and are_countries(np.frombuffer(record.countries, "<u2"))
        and len(record.copy) in (4 * scored, 4 * entries)
        and len(record.scores) == len(record.copy) * record.columns
        and int(np.frombuffer(record.spans, "<u2").sum()) == rows
        and bool((differing < rows).all())
        and _sum_up(record.sizes, rows, entries)
        and len(record.texts) % 8 == 0
        and _sum_up(record.text_sizes, rows, len(record.texts) // 8)
    )
    if not right:
        raise msgspec.ValidationError(f"the columns of {rows} rows and {entries} entries differ in length")
    _check_values(record)
    return record


def _check_values(record: PaneRecord) -> None:
    """Check the values of a record, whose columns fit together."""
    if record.length_ms not in _LENGTHS_MS:
        raise absurd("length_ms", record.length_ms, "the length of a pane")
    require_range("start_ms", record.start_ms, 0, LATEST_MS)
    if record.start_ms % record.length_ms:
        raise absurd("start_ms", record.start_ms, f"a multiple of {record.length_ms}")
    require_range("parts", record.parts, 1, _MOST_PARTS)
    require_range("part", record.part, 0, record.parts - 1)
    for field in ("tags", "tweets", "most"):
        require_range(f"trimmed.{field}", getattr(record.trimmed, field), 0, _MOST)
    for field, least, most in _RANGES:
        framed = getattr(record, field)
        if not framed.is_within(least, most):
            n = record.rows if field == "counts" else record.entries
            require_column(field, read_frame(framed, n), least, most)
    texts = np.frombuffer(record.texts, "<u8") >> np.uint64(TEXT_SHIFT)
    row_of = np.repeat(np.arange(record.rows), read_frame(record.text_sizes, record.rows))
    if (texts == 0).any() or ((np.diff(row_of) == 0) & (texts[1:] < texts[:-1])).any():
        raise absurd("texts", "some", "above 0 and ascending in each row")
    if not are_probabilities(np.frombuffer(record.scores, "<f4")):
        raise absurd("scores", "some", "probabilities")


def _sum_up(sizes: Framed, rows: int, entries: int) -> bool:
    """Return whether the sizes of the rows are no less than 0 and add up to the number of entries."""
    row_sizes = read_frame(sizes, rows)
    return bool(((row_sizes >= 0) & (row_sizes <= entries)).all()) and int(row_sizes.sum()) == entries


def topic_of(length_ms: int) -> str:
    """Return the topic of panes of a length, without its prefix."""
    return SHORT_PANES if length_ms == PANE_MS else PANES


def is_pane(value: bytes) -> bool:
    """Return whether a record of `hashtag-panes` holds a pane; a side input's record begins with a letter."""
    return not value[:1].isalpha()


def pane_records(values: Iterable[bytes | None]) -> Iterator[PaneRecord]:
    """Decode the records of a topic of panes that hold panes, for a reader that only displays them.

    Unreadable records are left out; the judge of the shard reports them.
    """
    for value in values:
        if value and is_pane(value):
            with suppress(msgspec.MsgspecError, UnicodeDecodeError, ContractError):
                yield decode_pane_record(value)
