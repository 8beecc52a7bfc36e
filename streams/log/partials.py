"""Records of `hashtag-partials`: block counts with markers, activations, facts marks, corrections and sketches."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

import msgspec
import numpy as np

from streams.constants import PANE_MS
from streams.counting.block_counts import Flush
from streams.counting.kernels.lines import LINE_BREAK
from streams.counting.keys import are_countries
from streams.log import corrections
from streams.log.account_facts import FactsMark
from streams.log.author_sketches import AuthorSketch
from streams.log.kernels.partial_rows import has_repeats
from streams.policy.activation import Activation
from streams.windows.corrections import Corrections

Partial = Flush | Activation | FactsMark | Corrections | AuthorSketch
_ACTIVATION = b"a"
_FLUSH = b"f"
_MARK = b"m"
_SKETCH = b"s"
_MOST = 2**63 - 1
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
        ContractError: malformed corrections. No count rests on them, so a reader can skip them.
    """
    if value[:1] == _FLUSH:
        return _checked(_flush.decode(memoryview(value)[1:]))
    if value[:1] == _ACTIVATION:
        return _activation.decode(memoryview(value)[1:])
    if value[:1] == _MARK:
        return _mark.decode(memoryview(value)[1:])
    if corrections.are_corrections(value):
        return corrections.decode_corrections(value)
    if value[:1] == _SKETCH:
        return _sketch.decode(memoryview(value)[1:])
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
    if max(flush.block, flush.reached, flush.watermark_ms, flush.newest_ms) > _MOST:
        raise msgspec.ValidationError("the marker has a number of more than 63 bits")
    _check_rows(flush, rows)
    return flush


def _check_rows(flush: Flush, rows: int) -> None:
    """Check the values of r block counts; see `Flush`."""
    countries, cells = np.frombuffer(flush.countries, "<u2"), np.frombuffer(flush.panes + flush.blocks, "<i8")
    cells = cells.reshape(2, rows)
    if not are_countries(countries):
        raise msgspec.ValidationError(f"of {rows} block counts one has no country's code")
    if rows and (cells[1, 0] < 0 or (np.diff(cells[1]) < 0).any()):
        raise msgspec.ValidationError(f"the blocks of {rows} counts do not ascend")
    if rows > 1:
        names = np.frombuffer(flush.hashtags, np.uint8)
        ends = np.append(0, np.flatnonzero(names == LINE_BREAK) + 1)
        if has_repeats(names, ends, countries, cells, _SECRET):
            raise msgspec.ValidationError(f"of {rows} counts two are of the same hashtag, country, pane and block")


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
