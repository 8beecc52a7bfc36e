"""Simulated records of the topic `tweets` as log lines, and a time shift for records and payloads."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime

import msgspec

from devkit.simulation.payloads.common import MONTHS, v1_time, v2_time


class SimulatedRecord(msgspec.Struct, frozen=True, gc=False):
    """Record of `tweets`: its payload is in `value`, or in `value_base64` if the bytes are not UTF-8."""

    partition: int
    offset: int
    """Offset, gapless from 0 in each partition."""
    log_time_ms: int
    """Log time, which never decreases within a partition, as with LogAppendTime."""
    key: str | None
    value: str | msgspec.UnsetType | None = msgspec.UNSET
    """Payload as text; None for a tombstone."""
    value_base64: str | msgspec.UnsetType = msgspec.UNSET

    @property
    def payload(self) -> bytes | None:
        """Value of the record as bytes."""
        if self.value_base64 is not msgspec.UNSET:
            return base64.b64decode(self.value_base64)
        return self.value.encode() if isinstance(self.value, str) else None

    @property
    def key_bytes(self) -> bytes | None:
        """Key of the record as bytes."""
        return None if self.key is None else self.key.encode()


encode_line = msgspec.json.Encoder().encode
"""Encode a record as JSON, without the line break."""


def simulated_record(
    partition: int, offset: int, log_time_ms: int, key: str | None, payload: bytes | None
) -> SimulatedRecord:
    """Build a record from the payload's bytes."""
    if payload is None:
        return SimulatedRecord(partition, offset, log_time_ms, key, None)
    try:
        return SimulatedRecord(partition, offset, log_time_ms, key, payload.decode())
    except UnicodeDecodeError:
        return SimulatedRecord(
            partition, offset, log_time_ms, key, value_base64=base64.b64encode(payload).decode("ascii")
        )


_NUMBER = re.compile(r'"(created_at_ms|author_created_at_ms)":(\d+)')
_STAMP = re.compile(r'"timestamp_ms":"(\d+)"')
_V1 = re.compile(r'"created_at":"[A-Z][a-z]{2} ([A-Z][a-z]{2}) (\d\d) (\d\d):(\d\d):(\d\d) \+0000 (\d{4})"')
_V2 = re.compile(r'"created_at":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3})Z"')
_MONTH_NUMBER = {name: number for number, name in enumerate(MONTHS, 1)}
_LATEST_MS = 253_402_300_800_000


def moved(entry: SimulatedRecord, by_ms: int) -> SimulatedRecord:
    """Shift a record in time: its log time and every time in its payload, so that ages of accounts do not change.

    Args:
        entry: record of a simulated stream.
        by_ms: whole seconds, since v1.1 has no milliseconds.
    """
    assert by_ms % 1000 == 0
    if by_ms == 0:
        return entry
    later = msgspec.structs.replace(entry, log_time_ms=entry.log_time_ms + by_ms)
    if not isinstance(entry.value, str):
        return later
    return msgspec.structs.replace(later, value=moved_payload(entry.value, by_ms))


def moved_payload(payload: str, by_ms: int) -> str:
    """Shift every time in a payload of any shape; a time that would leave the years [1970, 10000) is kept."""

    def shifted(at_ms: int) -> int:
        return at_ms + by_ms if 0 <= at_ms + by_ms < _LATEST_MS else at_ms

    payload = _NUMBER.sub(lambda match: f'"{match[1]}":{shifted(int(match[2]))}', payload)
    payload = _STAMP.sub(lambda match: f'"timestamp_ms":"{shifted(int(match[1]))}"', payload)
    payload = _V1.sub(lambda match: f'"created_at":"{v1_time(shifted(_v1_ms(match)) // 1000)}"', payload)
    return _V2.sub(lambda match: f'"created_at":"{v2_time(shifted(_v2_ms(match[1])))}"', payload)


def _v1_ms(match: re.Match[str]) -> int:
    month, day, hour, minute, second, year = match.groups()
    return _v2_ms(f"{year}-{_MONTH_NUMBER[month]:02}-{day}T{hour}:{minute}:{second}.000")


def _v2_ms(moment: str) -> int:
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    return round(at.timestamp() * 1000)
