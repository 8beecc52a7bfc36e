"""Records of corrections: in `hashtag-partials` as stage 2 sends them, and in `hashtag-panes` as a tick applies them.

A malformed record must not end a judge, so decoding raises `ContractError` with the reason for the dead letter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from models.share import Scale, from_bytes
from streams.counting.keys import COUNTRY_BITS, Tags
from streams.errors import ContractError
from streams.windows.corrections import CorrectionRows, Corrections, pack_corrections

MAX_BYTES = 512 * 1024
KIND = b"c"
"""First byte of a record in both topics; a pane's record is an array and begins otherwise."""
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Corrections)
_FIX = "only hushtag's workers may write to this topic, all of the same version"


def encode_corrections(record: Corrections) -> bytes:
    """Encode a record of either topic."""
    return KIND + _encoder.encode(record)


def are_corrections(value: bytes) -> bool:
    """Return whether a record of either topic holds corrections."""
    return value[:1] == KIND


def decode_corrections(value: bytes) -> Corrections:
    """Decode a record of corrections.

    Raises:
        ContractError: it is malformed, or the sizes of its columns do not match.
    """
    try:
        record = _decoder.decode(memoryview(value)[1:])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ContractError("bad_correction", value=str(error), fix=_FIX) from None
    n = len(record.hashtags)
    if not n or not all(record.hashtags) or any("\n" in name for name in record.hashtags):
        fix = "give at least one, none of them empty or with a line break"
        raise ContractError("bad_correction", field="hashtags", value=record.hashtags, fix=fix)
    for field, column in (("tweets", record.tweets), ("received", record.received)):
        if len(column) != 8 * n and (column or field == "tweets"):
            raise ContractError("bad_correction", field=field, value=len(column), fix=f"{n} rows need {8 * n} bytes")
        if column and np.frombuffer(column, "<i8").min() < 0:
            raise ContractError("bad_correction", field=field, fix="numbers are 0 or greater")
    if not record.differences or len(record.differences) % (4 * n):
        fix = f"float32 columns of {n} rows"
        raise ContractError("bad_correction", field="differences", value=len(record.differences), fix=fix)
    numbers = np.frombuffer(record.differences, "<f4")
    wrong = numbers[~(np.abs(numbers) <= 1)]  # also true for NaN
    if len(wrong):
        fix = "differences of probabilities lie in [-1, 1]"
        raise ContractError("bad_correction", field="differences", value=float(wrong[0]), fix=fix)
    _check_scale(record.scale, len(numbers) // n)
    return record


def _is_finite(scale: Scale) -> bool:
    return all(np.isfinite(part).all() for part in (scale.moments, scale.errors, scale.between))


def _check_scale(packed: bytes, columns: int) -> None:
    try:
        is_valid = not packed or _is_finite(from_bytes(packed, columns))
    except ValueError:
        is_valid = False
    if not is_valid:
        fix = f"give finite numbers of {columns} columns, as `Scale.to_bytes` encodes them, or nothing"
        raise ContractError("bad_correction", field="scale", value=len(packed), fix=fix)


def encode_rows(rows: CorrectionRows, tags: Tags, revisions: Sequence[tuple[str, str, bytes]]) -> Iterator[bytes]:
    """Encode the corrections that a tick applies as records of `hashtag-panes`; equal for every owner of the shard.

    Args:
        rows: corrections to encode, in any order.
        tags: names the hashtags of the rows.
        revisions: the revisions of stage 2 and of its stage 1, and stage 2's scale, by number.
    """
    for number in sorted(set(rows.revisions.tolist()), key=revisions.__getitem__):
        of_one = rows.take(rows.revisions == number)
        names = tags.names(of_one.tags << COUNTRY_BITS)
        order = sorted(range(len(of_one)), key=lambda row: (names[row], int(of_one.tweets[row])))
        of_one = of_one.take(np.array(order, np.int64))
        names = [names[row] for row in order]
        for piece in pack_corrections(of_one, names, revisions[number], MAX_BYTES):
            yield encode_corrections(piece)
