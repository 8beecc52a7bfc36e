"""Records of `hashtag-partials`: block counts with markers, activations, facts marks, corrections and sketches."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

import msgspec
import numpy as np

from streams.constants import BLOCK, PANE_MS, UNKNOWN_AGE
from streams.counting.block_counts import FLAGS, Flush
from streams.counting.kernels.lines import LINE_BREAK
from streams.counting.keys import are_countries
from streams.counting.origins import NO_ORIGIN
from streams.counting.sketch import MOST_ROWS
from streams.log import corrections
from streams.log.account_facts import FactsMark
from streams.log.activations import check_activation
from streams.log.author_sketches import AuthorSketch, check_sketch
from streams.log.kernels.partial_rows import has_repeats
from streams.log.retractions import check_retractions
from streams.log.sense import (
    LATEST_MS,
    MOST_OFFSET,
    MOST_SOURCES,
    SLACK_MS,
    absurd,
    require_column,
    require_range,
    require_topic_id,
)
from streams.policy.activation import Activation
from streams.windows.corrections import Corrections

Partial = Flush | Activation | FactsMark | Corrections | AuthorSketch
_ACTIVATION = b"a"
_FLUSH = b"f"
_MARK = b"m"
_SKETCH = b"s"
_MOST_RULES = 2**31 - 1
_SECRET = np.frombuffer(bytearray(os.urandom(16)), np.uint64)
_encoder = msgspec.msgpack.Encoder()
_flush = msgspec.msgpack.Decoder(Flush)
_activation = msgspec.msgpack.Decoder(Activation)
_mark = msgspec.msgpack.Decoder(FactsMark)
_sketch = msgspec.msgpack.Decoder(AuthorSketch)
_KINDS: dict[type[Partial], bytes] = {
    Flush: _FLUSH,
    Activation: _ACTIVATION,
    FactsMark: _MARK,
    AuthorSketch: _SKETCH,
    Corrections: corrections.KIND,
}


def encode_partial(record: Partial) -> bytes:
    """Encode a record: one byte for the kind, then msgpack."""
    return _KINDS[type(record)] + _encoder.encode(record)


def decode_partial(value: bytes) -> Partial:
    """Decode a record.

    Raises:
        msgspec.DecodeError, msgspec.ValidationError: the record is not hushtag's.
        ContractError: `absurd`, no worker can have written a value in it; or malformed corrections. No count rests on
            these, so a reader can skip them.
    """
    if value[:1] == _FLUSH:
        return _checked(_flush.decode(memoryview(value)[1:]))
    if value[:1] == _ACTIVATION:
        return check_activation(_activation.decode(memoryview(value)[1:]))
    if value[:1] == _MARK:
        return _mark.decode(memoryview(value)[1:])
    if corrections.are_corrections(value):
        return corrections.decode_corrections(value)
    if value[:1] == _SKETCH:
        return check_sketch(_sketch.decode(memoryview(value)[1:]))
    raise msgspec.DecodeError(f"unknown kind of partials record: {value[:1]!r}")


def _checked(flush: Flush) -> Flush:
    """Check a record's columns, so that no part of a damaged record is counted, and no reader fails at it later."""
    rows, entries, names = len(flush.countries) // 2, len(flush.flags), flush.hashtags
    sizes = tuple(map(len, (flush.countries, flush.panes, flush.blocks, flush.counts, flush.sizes)))
    if sizes != (2 * rows, 8 * rows, 8 * rows, 4 * rows, 4 * rows) or names.count(b"\n") != rows:
        raise msgspec.ValidationError(f"the columns of {rows} block counts differ in length")
    if names[:1] == b"\n" or b"\n\n" in names or names[-1:] not in (b"\n", b"") or not _is_utf_8(names):
        raise msgspec.ValidationError(f"the names of {rows} hashtags are not lines of UTF-8")
    sampled = int(np.frombuffer(flush.sizes, "<u4").sum())
    sizes = tuple(map(len, (flush.author, flush.tweet, flush.origin, flush.age_days)))
    are_equal = sizes == (8 * sampled, 8 * sampled, 8 * sampled, 4 * sampled) and entries == sampled
    if not are_equal or _lines_in(flush.displays) != sampled or _lines_in(flush.texts) != sampled:
        raise msgspec.ValidationError(f"the columns of {sampled} entries differ in length")
    if not _is_utf_8(flush.displays) or not _is_utf_8(flush.texts, "surrogatepass"):
        raise msgspec.ValidationError(f"the texts of {sampled} entries are not UTF-8")
    _check_source(flush)
    _check_rows(flush, rows)
    _check_entries(flush)
    if flush.retractions is not None:
        check_retractions(flush.retractions, max(0, flush.newest_ms // PANE_MS))
    return flush


def _check_source(flush: Flush) -> None:
    """Check the source of a record, and its marker; `rules` may be of another version, and the id of a new topic."""
    require_topic_id("source_id", flush.source_id)
    require_range("sources", flush.sources, 1, MOST_SOURCES)
    require_range("source", flush.source, 0, flush.sources - 1)
    require_range("rules", flush.rules, 0, _MOST_RULES)
    require_range("reached", flush.reached, 0, MOST_OFFSET)
    require_range("newest_ms", flush.newest_ms, -1, LATEST_MS)
    is_marker = flush.watermark_ms >= 0
    behind_ms = max(-1, flush.newest_ms - SLACK_MS) if is_marker else -1  # an idle source's watermark is ahead of it
    require_range("watermark_ms", flush.watermark_ms, behind_ms, LATEST_MS)
    reached = flush.reached // BLOCK
    require_range("block", flush.block, reached, reached if is_marker else MOST_OFFSET // BLOCK)


def _check_rows(flush: Flush, rows: int) -> None:
    """Check the values of r block counts; see `Flush`."""
    countries, cells = np.frombuffer(flush.countries, "<u2"), np.frombuffer(flush.panes + flush.blocks, "<i8")
    cells = cells.reshape(2, rows)
    if not are_countries(countries):
        raise msgspec.ValidationError(f"of {rows} block counts one has no country's code")
    if rows and (cells[1, 0] < 0 or (np.diff(cells[1]) < 0).any()):
        raise msgspec.ValidationError(f"the blocks of {rows} counts do not ascend")
    require_column("panes", cells[0], 0, max(0, flush.newest_ms // PANE_MS))  # no tweet counts after its log time
    require_column("blocks", cells[1], 0, flush.block)
    counts, sizes = np.frombuffer(flush.counts, "<u4"), np.frombuffer(flush.sizes, "<u4")
    require_column("counts", counts, 1, BLOCK)
    if (sizes > np.minimum(counts, MOST_ROWS)).any():
        raise absurd("sizes", int(sizes.max()), f"at most {MOST_ROWS} entries, and no more than tweets")
    if rows > 1:
        names = np.frombuffer(flush.hashtags, np.uint8)
        ends = np.append(0, np.flatnonzero(names == LINE_BREAK) + 1)
        if has_repeats(names, ends, countries, cells, _SECRET):
            raise msgspec.ValidationError(f"of {rows} counts two are of the same hashtag, country, pane and block")


def _check_entries(flush: Flush) -> None:
    """Check the values of n entries; see `Flush`."""
    require_column("tweet", np.frombuffer(flush.tweet, "<i8"), 0)
    require_column("origin", np.frombuffer(flush.origin, "<i8"), NO_ORIGIN)
    require_column("age_days", np.frombuffer(flush.age_days, "<i4"), UNKNOWN_AGE)
    require_column(
        "flags", np.frombuffer(flush.flags, np.uint8), 0, FLAGS
    )  # the bits above are set when a pane settles


def _lines_in(column: bytes) -> int:
    """Return the number of lines; -1 if the last has no line break."""
    is_whole = column[-1:] in (b"\n", b"")
    return int(np.count_nonzero(np.frombuffer(column, np.uint8) == LINE_BREAK)) if is_whole else -1


def _is_utf_8(lines: bytes, errors: str = "strict") -> bool:
    if lines.isascii():
        return True
    try:
        lines.decode("utf-8", errors)
    except UnicodeDecodeError:
        return False
    return True


def corrections_in(log: Iterable[Partial | None]) -> Iterator[tuple[int, Corrections]]:
    """Yield the corrections of a shard's log in order, each with the pane from whose end on it counts.

    That pane is above all watermarks in the log before the corrections.
    """
    passed_ms = 0
    for record in log:
        if isinstance(record, Flush):
            passed_ms = max(passed_ms, record.watermark_ms)
        elif isinstance(record, Corrections):
            yield passed_ms // PANE_MS, record
