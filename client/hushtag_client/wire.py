"""The four questions of a reader and their replies, as values and as Redis commands.

The replication (`follow`) uses only these values. A driver converts a question with `commands`, sends the commands
(more than one in a transaction), and converts the raw replies with `reply`. The in-memory server answers directly.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hushtag_client import keys

PAGE = 500
"""Maximum number of registers, or change entries, per reply."""
MOST_SHARDS = 65_536
"""Greatest number of shards that a reader accepts; a heartbeat with more is malformed."""
Command = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class PollState:
    """Question for the server's position and heartbeats; the reply is a `ServerPosition`."""


@dataclass(frozen=True, slots=True)
class MarkPosition:
    """Question for the server's position and last change entry; the reply is a `ServerPosition`."""


@dataclass(frozen=True, slots=True)
class ScanRegisters:
    """Question for a page of registers; the reply is a `RegisterPage`."""

    cursor: int


@dataclass(frozen=True, slots=True)
class ReadChanges:
    """Question for the changes after an entry; the reply is a list of `ChangeEntry`.

    The server waits up to `wait_ms` for a first change; 0 replies at once.
    """

    after: str
    wait_ms: int


Question = PollState | MarkPosition | ScanRegisters | ReadChanges


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Settled watermark of a shard, time of the write, and number of shards."""

    settled_ms: int
    at_ms: int
    partitions: int
    renewed_ms: int = 0
    """Last time at which a judge that has stopped confirmed its flags; 0: it has not stopped."""
    surfaces: tuple[str, ...] = ()
    """Surfaces of the policy in force in the shard; empty: not stated."""


@dataclass(frozen=True, slots=True)
class ServerPosition:
    """Incarnation and place of the server's data."""

    incarnation: str
    """Id of the data's life; "" before the first write."""
    seq: int
    last_id: str = "0-0"
    """Last entry of the change stream; only in the reply to `MarkPosition`."""
    heartbeats: Mapping[int, Heartbeat] = field(default_factory=dict)
    """Heartbeats by shard; only in the reply to `PollState`."""
    reconciled: Mapping[str, str] = field(default_factory=dict)
    """Partition → incarnation under which its registers were last restored; only in the reply to `PollState`."""


@dataclass(frozen=True, slots=True)
class RegisterPage:
    """A page of the hash of registers; a field may occur more than once. Cursor 0 marks the last page."""

    cursor: int
    values: Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class ChangeEntry:
    """One entry of the change stream."""

    id: str
    seq: int
    incarnation: str
    field: str
    value: bytes


Reply = ServerPosition | RegisterPage | list[ChangeEntry]


def commands(question: Question) -> list[Command]:
    """Convert a question to Redis commands; more than one belong in one MULTI."""
    match question:
        case PollState():
            return [
                ("GET", keys.INCARNATION),
                ("GET", keys.SEQ),
                ("HGETALL", keys.HEARTBEATS),
                ("HGETALL", keys.RECONCILED),
            ]
        case MarkPosition():
            return [
                ("GET", keys.INCARNATION),
                ("GET", keys.SEQ),
                ("XREVRANGE", keys.CHANGES, "+", "-", "COUNT", 1),
            ]
        case ScanRegisters(cursor):
            return [("HSCAN", keys.REGISTERS, cursor, "COUNT", PAGE)]
        case ReadChanges(after, wait_ms):
            wait = ("BLOCK", wait_ms) if wait_ms > 0 else ()
            return [("XREAD", "COUNT", PAGE, *wait, "STREAMS", keys.CHANGES, after)]


def reply(question: Question, raw: Sequence[Any]) -> Reply:
    """Convert the raw replies (RESP2, bytes) to a value; a malformed heartbeat counts as missing."""
    match question:
        case PollState():
            heartbeats = {
                shard: beat
                for k, v in raw[2].items()
                if (shard := _number(k)) >= 0 and (beat := _heartbeat(v)) is not None
            }
            reconciled = {_text(k): _text(v) for k, v in raw[3].items()}
            return ServerPosition(_text(raw[0]), max(0, _number(raw[1])), heartbeats=heartbeats, reconciled=reconciled)
        case MarkPosition():
            return ServerPosition(
                _text(raw[0]), max(0, _number(raw[1])), last_id=_text(raw[2][0][0]) if raw[2] else "0-0"
            )
        case ScanRegisters():
            cursor, values = raw[0]
            return RegisterPage(int(cursor), [(keys.field_text(k), v) for k, v in values.items()])
        case ReadChanges():
            return [_change(entry_id, members) for _, entries in raw[0] or () for entry_id, members in entries]


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode("utf-8", "replace")


def _number(raw: bytes | None) -> int:
    """Parse a number of at most 18 digits; -1 for any other text, which another program has written."""
    return int(raw) if raw and raw.isdigit() and len(raw) <= 18 else -1


def _change(entry_id: bytes, members: Mapping[bytes, bytes] | None) -> ChangeEntry:
    fields = members or {}
    return ChangeEntry(
        id=_text(entry_id),
        seq=_number(fields.get(b"seq")),
        incarnation=_text(fields.get(b"incarnation")),
        field=keys.field_text(fields.get(b"field", b"")),
        value=fields.get(b"value", b""),
    )


def _heartbeat(value: bytes) -> Heartbeat | None:
    try:
        read = json.loads(value)
        settled_ms, at_ms, partitions = (int(read[name]) for name in ("settled_ms", "at_ms", "partitions"))
        beat = Heartbeat(settled_ms, at_ms, partitions, int(read.get("renewed_ms") or 0), _surfaces(read))
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return None
    return beat if 0 < partitions <= MOST_SHARDS else None


def _surfaces(read: Mapping[str, object]) -> tuple[str, ...]:
    names = read.get("surfaces")
    return tuple(name for name in names if isinstance(name, str)) if isinstance(names, list) else ()
