"""Records of corrections: in `hashtag-partials` as stage 2 sends them, beside the panes as a tick put them in force.

Anybody can write into a topic, and a record that cannot be read must not end a judge: what is wrong with one is said
in the words of a dead letter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from streams.counting.keys import COUNTRY_BITS, Tags
from streams.errors import ContractError
from streams.windows.corrections import Corrections, Rows, pack

MAX_BYTES = 512 * 1024
KIND = b"c"
"""First byte, in both topics; a pane's record is an array, and begins otherwise."""
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Corrections)
_FIX = "only hushtag's own workers may write to this topic, all of one version"


def encode_corrections(record: Corrections) -> bytes:
    """A record of either topic."""
    return KIND + _encoder.encode(record)


def are_corrections(value: bytes) -> bool:
    """Whether a record of either topic holds corrections."""
    return value[:1] == KIND


def decode_corrections(value: bytes) -> Corrections:
    """The inverse of `encode_corrections`.

    Raises:
        ContractError: it is none, or its columns do not fit together.
    """
    try:
        record = _decoder.decode(memoryview(value)[1:])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ContractError("bad_correction", value=str(error), fix=_FIX) from None
    n = len(record.hashtags)
    if not n or not all(record.hashtags):
        raise ContractError("bad_correction", field="hashtags", value=record.hashtags, fix="at least one, none empty")
    for field, column in (("tweets", record.tweets), ("heard", record.heard)):
        if len(column) != 8 * n and (column or field == "tweets"):
            raise ContractError("bad_correction", field=field, value=len(column), fix=f"{n} rows have {8 * n} bytes")
    if not record.differences or len(record.differences) % (4 * n):
        fix = f"float32 columns of {n} rows"
        raise ContractError("bad_correction", field="differences", value=len(record.differences), fix=fix)
    numbers = np.frombuffer(record.differences, "<f4")
    wrong = numbers[~(np.abs(numbers) <= 1)]  # NaN is no more than 1, and no less
    if len(wrong):
        fix = "differences of probabilities lie in [-1, 1]"
        raise ContractError("bad_correction", field="differences", value=float(wrong[0]), fix=fix)
    return record


def encode_rows(
    rows: Rows, tags: Tags, revisions: Sequence[tuple[str, str]], most_bytes: int = MAX_BYTES
) -> Iterator[bytes]:
    """What a tick put in force, as records of `hashtag-panes`; the same whoever settled it.

    Args:
        revisions: of stage 2 and of its stage 1, by number.
    """
    for number in sorted(set(rows.revisions.tolist()), key=revisions.__getitem__):
        of_one = rows.take(rows.revisions == number)
        names = tags.names(of_one.tags << COUNTRY_BITS)
        order = sorted(range(len(of_one)), key=lambda row: (names[row], int(of_one.tweets[row])))
        of_one = of_one.take(np.array(order, np.int64))
        names = [names[row] for row in order]
        stage_2, stage_1 = revisions[number]
        for piece in pack(stage_2, stage_1, names, of_one.tweets, of_one.differences, of_one.heard, most_bytes):
            yield encode_corrections(piece)
