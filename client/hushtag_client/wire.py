"""What a reader asks of Redis and what it gets: four questions as values, and their form as commands.

The logic of following (`follow`) speaks in these values only. A driver turns a question into commands with
`commands`, sends them (more than one: as one transaction) and turns the raw replies back with `reply`; the in-memory
twin answers the questions directly.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hushtag_client import keys

PAGE = 500
"""Registers, or change entries, asked for at a time."""
Command = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Poll:
    """Where is the server? Answered by a `Position`."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Where is the server, and what is the last entry of its change stream? Answered by a `Position`."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some registers. Answered by a `Registers`."""

    cursor: int


@dataclass(frozen=True, slots=True)
class Read:
    """The changes after an entry. Answered by a list of `Change`.

    `wait_ms` 0 answers at once; else the server may wait that long for a first one.
    """

    after: str
    wait_ms: int


Question = Poll | Mark | Page | Read


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """How far a shard has settled, when that was written, and how many shards there are."""

    settled_ms: int
    at_ms: int
    partitions: int


@dataclass(frozen=True, slots=True)
class Position:
    """The life and the place that the server's data are at."""

    incarnation: str
    """"" where nothing was ever written."""
    seq: int
    last_id: str = "0-0"
    """The change stream's last entry; only a `Mark` asks for it."""
    heartbeats: Mapping[int, Heartbeat] = field(default_factory=dict)
    """By shard; only a `Poll` asks for it, as for the next."""
    reconciled: Mapping[str, str] = field(default_factory=dict)
    """Partition → the incarnation under which its registers were last put back."""


@dataclass(frozen=True, slots=True)
class Registers:
    """A page of the hash of registers; a field may come more than once. Cursor 0: it was the last."""

    cursor: int
    values: Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the change stream."""

    id: str
    seq: int
    incarnation: str
    field: str
    value: bytes


Reply = Position | Registers | list[Change]


def commands(question: Question) -> list[Command]:
    """The Redis commands that ask it; more than one belong in one MULTI."""
    match question:
        case Poll():
            return [
                ("GET", keys.INCARNATION),
                ("GET", keys.SEQ),
                ("HGETALL", keys.HEARTBEATS),
                ("HGETALL", keys.RECONCILED),
            ]
        case Mark():
            return [
                ("GET", keys.INCARNATION),
                ("GET", keys.SEQ),
                ("XREVRANGE", keys.CHANGES, "+", "-", "COUNT", 1),
            ]
        case Page(cursor):
            return [("HSCAN", keys.REGISTERS, cursor, "COUNT", PAGE)]
        case Read(after, wait_ms):
            wait = ("BLOCK", wait_ms) if wait_ms > 0 else ()
            return [("XREAD", "COUNT", PAGE, *wait, "STREAMS", keys.CHANGES, after)]


def reply(question: Question, raw: Sequence[Any]) -> Reply:
    """The replies to those commands (RESP2, bytes) as values. A heartbeat that cannot be read counts as missing."""
    match question:
        case Poll():
            heartbeats = {
                int(k): beat for k, v in raw[2].items() if k.isdigit() and (beat := _heartbeat(v)) is not None
            }
            reconciled = {_text(k): _text(v) for k, v in raw[3].items()}
            return Position(_text(raw[0]), int(raw[1] or 0), heartbeats=heartbeats, reconciled=reconciled)
        case Mark():
            return Position(_text(raw[0]), int(raw[1] or 0), last_id=_text(raw[2][0][0]) if raw[2] else "0-0")
        case Page():
            cursor, values = raw[0]
            return Registers(int(cursor), [(keys.field_text(k), v) for k, v in values.items()])
        case Read():
            return [_change(entry_id, members) for _, entries in raw[0] or () for entry_id, members in entries]


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode("utf-8", "replace")


def _change(entry_id: bytes, members: Mapping[bytes, bytes] | None) -> Change:
    found = members or {}
    seq = found.get(b"seq", b"")
    return Change(
        id=_text(entry_id),
        seq=int(seq) if seq.isdigit() else -1,
        incarnation=_text(found.get(b"incarnation")),
        field=keys.field_text(found.get(b"field", b"")),
        value=found.get(b"value", b""),
    )


def _heartbeat(value: bytes) -> Heartbeat | None:
    try:
        read = json.loads(value)
        return Heartbeat(int(read["settled_ms"]), int(read["at_ms"]), int(read["partitions"]))
    except (ValueError, TypeError, KeyError):
        return None
