"""Servers with the registers of a test vector of the flags contract, as another writer may have stored them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from hushtag_client import MemoryServer, wire


def server_with(registers: Iterable[Mapping[str, Any]], at_ms: int) -> MemoryServer:
    """Return a healthy server, settled at a time, that stores registers with members and actions of any kind."""
    server = MemoryServer()
    server.seed([], settled_ms=at_ms)
    server.put("0", [(_field(one), json.dumps(one).encode()) for one in registers])
    return server


def server_with_heartbeats(
    registers: Iterable[Mapping[str, Any]], heartbeats: Mapping[str, Mapping[str, int]], reconciled: Iterable[str]
) -> MemoryServer:
    """Return a server that stores registers, the heartbeats of its shards, and its reconciled partitions."""
    server = server_with(registers, 0)
    raw = {shard.encode(): json.dumps(beat).encode() for shard, beat in heartbeats.items()}
    server.heartbeats = dict(wire.reply(wire.PollState(), [b"", b"0", raw, {}]).heartbeats)  # type: ignore[union-attr]
    server.reconciled = dict.fromkeys(reconciled, server.incarnation)
    return server


class StateServer:
    """Server whose data are a state of `following.json`; answers the questions of a reader."""

    def __init__(self) -> None:
        self.snapshots = 0
        """Number of snapshots that a reader has read to their end."""
        self._state: Mapping[str, Any] | None = None
        self._after_mark: Mapping[str, Any] | None = None

    def become(self, state: Mapping[str, Any] | None, after_mark: Mapping[str, Any] | None = None) -> None:
        """Replace the data; None: the server does not answer."""
        self._state, self._after_mark = state, after_mark

    def answer(self, question: wire.Question) -> wire.Reply:
        """Answer from the present state."""
        state = self._state
        if state is None:
            raise ConnectionError("the server is away")
        changes = [_change(one) for one in state["changes"]]
        match question:
            case wire.PollState():
                beats = {name.encode(): json.dumps(beat).encode() for name, beat in state["heartbeats"].items()}
                reconciled = {name.encode(): life.encode() for name, life in state["reconciled"].items()}
                raw = [state["incarnation"].encode(), str(state["seq"]).encode(), beats, reconciled]
                return wire.reply(question, raw)
            case wire.MarkPosition():
                self._state, self._after_mark = self._after_mark or self._state, None
                return wire.ServerPosition(state["incarnation"], state["seq"], changes[-1].id if changes else "0-0")
            case wire.ScanRegisters(cursor):
                found = [(_field(one), json.dumps(one).encode()) for one in state["registers"]]
                self.snapshots += cursor + 1 >= len(found)
                return wire.RegisterPage((cursor + 1) % max(1, len(found)), found[cursor : cursor + 1])
            case wire.ReadChanges(after, _):
                return [one for one in changes if _order(one.id) > _order(after)]


def _field(register: Mapping[str, Any]) -> str:
    return "|".join(register[name] for name in ("surface", "country", "source", "hashtag"))


def _change(plain: Mapping[str, Any]) -> wire.ChangeEntry:
    register = plain.get("register")
    field = plain["field"] if "field" in plain else _field(register or {})
    value = plain["value"] if register is None else json.dumps(register)
    return wire.ChangeEntry(plain["id"], plain["seq"], plain["incarnation"], field, value.encode())


def _order(entry_id: str) -> list[int]:
    return [int(part) for part in entry_id.split("-")]
