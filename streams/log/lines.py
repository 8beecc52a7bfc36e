"""Log lines: records of a topic as text, one JSON object a line, as `hushtag dump` and `hushtag simulate` write them.

A file may also hold bare payloads, one a line. `read_lines` accepts both.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain

import msgspec

from streams.errors import CallerMistake, ContractError
from streams.events.parse import parse
from streams.events.tweet import Tweet


class LogLine(msgspec.Struct, gc=False):
    """Record of a topic as JSON."""

    partition: int
    offset: int
    log_time_ms: int
    key: str | None = None
    value: str | None = None
    value_base64: str | None = None
    """Replaces `value` where the bytes are not UTF-8."""


@dataclass(frozen=True, slots=True)
class LogRecord:
    """Record of a topic, with the attributes of Kafka's that ingest reads. `timestamp` is the log time in ms."""

    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


_decode_line = msgspec.json.Decoder(LogLine).decode


def read_lines(lines: Iterable[bytes]) -> Iterator[LogRecord]:
    """Read log lines or bare payloads; the first line that is not blank decides which of the two the file holds.

    A bare payload gets partition 0, its line index as offset, and the highest created_at so far as log time.

    Raises:
        CallerMistake: a line of a file of log lines is malformed.
    """
    numbered = ((number, line.rstrip(b"\r\n")) for number, line in enumerate(lines, 1))
    for number, line in numbered:
        if line.strip():
            read = _read_log_lines if b'"partition"' in line and b'"offset"' in line else _read_payloads
            yield from read(chain([(number, line)], numbered))


def _read_payloads(numbered: Iterable[tuple[int, bytes]]) -> Iterator[LogRecord]:
    highest_ms = 0
    for number, line in numbered:
        with suppress(ContractError):
            event = parse(line)
            if isinstance(event, Tweet):
                highest_ms = max(highest_ms, event.created_at_ms)
        yield LogRecord(0, number - 1, highest_ms, None, line)


def _read_log_lines(numbered: Iterable[tuple[int, bytes]]) -> Iterator[LogRecord]:
    for number, line in numbered:
        if not line.strip():
            continue
        try:
            entry = _decode_line(line)
            value = entry.value.encode("utf-8", "surrogatepass") if entry.value is not None else None
            if entry.value_base64 is not None:
                value = base64.b64decode(entry.value_base64, validate=True)
        except (msgspec.DecodeError, binascii.Error) as error:
            raise CallerMistake(
                f"line {number} is not a log line: {error}",
                fix='a log line is {"partition", "offset", "log_time_ms", "key", "value"}; `hushtag dump` writes them',
            ) from error
        key = None if entry.key is None else entry.key.encode("utf-8", "surrogatepass")
        yield LogRecord(entry.partition, entry.offset, entry.log_time_ms, key, value)
