"""Files of a backup: compressed log lines, one record a line, with a hash over the compressed bytes."""

from __future__ import annotations

import base64
import binascii
import gzip
import hashlib
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from streams.backup.manifest import Segment
from streams.errors import CallerMistake
from streams.private_files import owner_only

SEGMENT_RECORDS = 500_000
SEGMENT_BYTES = 256 * 1024 * 1024
"""A file ends after this many records or bytes of lines, so that an interrupted backup loses one file at most."""
_LEVEL = 3
_CHUNK = 1024 * 1024


class BackupLine(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Record of a topic as JSON, in the form of `hushtag dump`; keys that are not UTF-8 have a field of their own."""

    partition: int
    offset: int
    log_time_ms: int
    key: str | None = None
    value: str | None = None
    key_base64: str | None = None
    value_base64: str | None = None


@dataclass(frozen=True, slots=True)
class BackedUpRecord:
    """Record of a topic, as it was."""

    offset: int
    log_time_ms: int
    key: bytes | None
    value: bytes | None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(BackupLine).decode


class _HashingFile:
    """Binary file that hashes what is written to it."""

    def __init__(self, file: BinaryIO) -> None:
        self.sha256 = hashlib.sha256()
        self._file = file

    def write(self, data: bytes) -> int:
        self.sha256.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()


class SegmentWriter:
    """Writes one file of a topic. The file has its name only once it is complete.

    Args:
        folder: folder of the backup.
        topic: name of the topic, without prefix.
        first_offset: first offset of the range.
    """

    def __init__(self, folder: Path, topic: str, first_offset: int) -> None:
        self._path = folder / f"{topic}-{first_offset:019d}.jsonl.gz"
        self._part = self._path.with_suffix(".part")
        self._first_offset = first_offset
        self._file = open(self._part, "wb", opener=owner_only)  # noqa: SIM115 - closed by finish and discard
        self._hashing = _HashingFile(self._file)
        self._gzip = gzip.GzipFile(filename="", mode="wb", compresslevel=_LEVEL, fileobj=self._hashing, mtime=0)
        self.records = 0
        self._bytes = 0

    @property
    def is_full(self) -> bool:
        """Return whether the next record belongs in another file."""
        return self.records >= SEGMENT_RECORDS or self._bytes >= SEGMENT_BYTES

    def write(self, record: Any) -> None:
        """Append a Kafka record."""
        line = _encode(line_of(record)) + b"\n"
        self._gzip.write(line)
        self.records += 1
        self._bytes += len(line)

    def finish(self, next_offset: int) -> Segment:
        """Complete the file: it holds everything of the topic up to `next_offset`."""
        self._gzip.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        os.replace(self._part, self._path)
        return Segment(
            file=self._path.name, sha256=self._hashing.sha256.hexdigest(), first_offset=self._first_offset,
            next_offset=next_offset, records=self.records,
        )  # fmt: skip

    def discard(self) -> None:
        """Remove the incomplete file."""
        self._file.close()
        self._part.unlink(missing_ok=True)


def line_of(record: Any) -> BackupLine:
    """Return a Kafka record as a line; the topics of a backup have one partition."""
    key, key_base64 = _as_text(record.key)
    value, value_base64 = _as_text(record.value)
    return BackupLine(0, record.offset, record.timestamp, key, value, key_base64, value_base64)


def _as_text(data: bytes | None) -> tuple[str | None, str | None]:
    if data is None:
        return None, None
    try:
        return data.decode(), None
    except UnicodeDecodeError:
        return None, base64.b64encode(data).decode()


def read_segment(folder: Path, segment: Segment) -> Iterator[BackedUpRecord]:
    """Yield the records of a file.

    Raises:
        CallerMistake: the file cannot be read, or does not hold what its segment states.
    """
    path, count, last = folder / segment.file, 0, segment.first_offset - 1
    try:
        with gzip.open(path, "rb") as lines:
            for line in lines:
                decoded = _decode(line)
                if not last < decoded.offset < segment.next_offset:
                    raise damaged(path, f"offset {decoded.offset} is out of order")
                key, value = _as_bytes(decoded.key, decoded.key_base64), _as_bytes(decoded.value, decoded.value_base64)
                yield BackedUpRecord(decoded.offset, decoded.log_time_ms, key, value)
                count, last = count + 1, decoded.offset
    except (OSError, EOFError, zlib.error, msgspec.DecodeError, binascii.Error) as error:
        raise damaged(path, str(error) or type(error).__name__) from None
    if count != segment.records:
        raise damaged(path, f"it has {count} records, the manifest states {segment.records}")


def _as_bytes(text: str | None, encoded: str | None) -> bytes | None:
    if encoded is not None:
        return base64.b64decode(encoded, validate=True)
    return None if text is None else text.encode()


def check_file(folder: Path, file: str, sha256: str) -> None:
    """Compare a file with its hash.

    Raises:
        CallerMistake: the file is missing, or has another content.
    """
    path, digest = folder / file, hashlib.sha256()
    try:
        with path.open("rb") as data:
            while chunk := data.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise damaged(path, error.strerror or str(error)) from None
    if digest.hexdigest() != sha256:
        raise damaged(path, f"its SHA-256 is {digest.hexdigest()[:12]}..., the manifest states {sha256[:12]}...")


def damaged(path: Path, why: str) -> CallerMistake:
    """Return the error for a file that is not as the manifest states."""
    return CallerMistake(f"{path} is damaged: {why}", fix="use another copy of the backup; nothing was restored")
