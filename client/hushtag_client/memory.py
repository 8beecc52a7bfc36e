"""A server and a client without Redis: for tests of what reads or writes flags, and for simulations.

`MemoryServer` does what the scripts do on a real server, step for step, and answers a reader's questions; the contract
suite holds both to the same behaviour. It fails on request: away, flushed, restarted with or without its data.
"""

from __future__ import annotations

import itertools
import json
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from hushtag_client import keys, wire
from hushtag_client.answer import Answer
from hushtag_client.answers import Answers, Visibility
from hushtag_client.follow import follow
from hushtag_client.registers import Register, RegisterError, decode, encode

_BUCKETS = 4


class MemoryServer:
    """The data of one server, and the operations on them, each of which is atomic."""

    def __init__(self) -> None:
        self._names = itertools.count(1)
        self.run_id = f"run{next(self._names)}"
        self.away = False
        """Whether every call fails with ConnectionError."""
        self.changes_kept = keys.CHANGES_KEPT
        self.flushall()

    def flushall(self) -> None:
        """Lose all data, as FLUSHALL does; the run id stays."""
        self.registers: dict[str, bytes] = {}
        self.seq = 0
        self.changes: list[wire.Change] = []
        self.incarnation = ""
        self.heartbeats: dict[int, wire.Heartbeat] = {}
        self.reconciled: dict[str, str] = {}
        self.sentinels: dict[str, tuple[str, int]] = {}
        """Partition → (run id, offset up to which its log has been written)."""

    def restart(self, *, with_data: bool) -> None:
        """A new process: another run id, with the data of the old one or none."""
        self.run_id = f"run{next(self._names)}"
        if not with_data:
            self.flushall()

    def put(
        self, partition: str, items: Iterable[tuple[str, bytes]], *, after: int = 0, upto: int = 0
    ) -> tuple[int, int] | None:
        """Compare and set, as `put.lua` under the partition's sentinel: (applied, stale), or None if refused.

        The items are what the partition's log changes from `after` on and before `upto`, as offsets.
        """
        self._reachable()
        if self.closed({partition: after}):
            return None
        self._live()
        self._reach(partition, upto)
        return self._compare_and_set(items)

    def remembered(self, partition: str) -> int:
        """Before which offset of its log a partition was written, on this server or the one before; 0: never."""
        self._reachable()
        return self.sentinels.get(partition, ("", 0))[1]

    def begin(self) -> str:
        """Begin to reconcile: the incarnation under which that is done."""
        self._reachable()
        return self._live()

    def put_back(self, incarnation: str, items: Iterable[tuple[str, bytes]]) -> tuple[int, int] | None:
        """Compare and set while reconciling; None if the data began a new life meanwhile."""
        self._reachable()
        if not self._still(incarnation):
            return None
        return self._compare_and_set(items)

    def finish(self, partition: str, incarnation: str, upto: int = 0) -> bool:
        """End of a reconcile of the log before `upto`: from here on writes are taken.

        False if the data began a new life meanwhile.
        """
        self._reachable()
        if not self._still(incarnation):
            return False
        self._reach(partition, upto)
        self.reconciled[partition] = incarnation
        return True

    def closed(self, partitions: Mapping[str, int]) -> list[str]:
        """Which partitions take no writes that follow on these offsets, until they are reconciled."""
        self._reachable()
        return [name for name, after in partitions.items() if self._written(name) < after]

    def beat(self, settled_ms: Mapping[int, int], at_ms: int, partitions: int) -> None:
        """Write heartbeats; one that goes back is a zombie's and is left out."""
        self._reachable()
        self._live()
        for shard, settled in settled_ms.items():
            stands = self.heartbeats.get(shard)
            if stands and stands.settled_ms > settled and at_ms - stands.at_ms < keys.HEARTBEAT_GUARD_MS:
                continue
            self.heartbeats[shard] = wire.Heartbeat(settled, at_ms, partitions)

    def sweep(self, now_ms: int, partitions: int) -> int:
        """Forget registers past their `keep_until_ms`, and shards that there are no more; how many registers."""
        self._reachable()
        over = [field for field, value in self.registers.items() if 0 < _keep_until_ms(value) <= now_ms]
        for field in over:
            del self.registers[field]
        self.heartbeats = {shard: beat for shard, beat in self.heartbeats.items() if shard < partitions}
        return len(over)

    def seed(self, registers: Iterable[Register], *, settled_ms: int) -> None:
        """Be a server on which one shard and moderation are reconciled, hold these, and settled at this moment."""
        incarnation = self.begin()
        self.put_back(incarnation, [(register.field, encode(register)) for register in registers])
        for partition in ("0", keys.MODERATION):
            self.finish(partition, incarnation)
        self.beat({0: settled_ms}, settled_ms, 1)

    def answer(self, question: wire.Question) -> wire.Reply:
        """What a reader asks (`wire`)."""
        self._reachable()
        match question:
            case wire.Poll():
                return wire.Position(
                    self.incarnation, self.seq, heartbeats=dict(self.heartbeats), reconciled=dict(self.reconciled)
                )
            case wire.Mark():
                return wire.Position(self.incarnation, self.seq, self.changes[-1].id if self.changes else "0-0")
            case wire.Page(cursor):
                page = [
                    (f, v) for f, v in self.registers.items() if zlib.crc32(keys.field_bytes(f)) % _BUCKETS == cursor
                ]
                return wire.Registers((cursor + 1) % _BUCKETS, page)
            case wire.Read(after, _):
                return [change for change in self.changes if _order(change.id) > _order(after)][: wire.PAGE]

    def _reachable(self) -> None:
        if self.away:
            raise ConnectionError("the server is away")

    def _written(self, partition: str) -> int:
        """Up to which offset of its log a partition has been written; -1: not since the server began."""
        run_id, upto = self.sentinels.get(partition, ("", 0))
        return upto if run_id == self.run_id else -1

    def _reach(self, partition: str, upto: int) -> None:
        self.sentinels[partition] = (self.run_id, max(upto, self._written(partition)))

    def _live(self) -> str:
        if self.incarnation.split("-")[0] != self.run_id:
            self.incarnation = f"{self.run_id}-{next(self._names)}"
        return self.incarnation

    def _still(self, incarnation: str) -> bool:
        return self.incarnation == incarnation and incarnation.split("-")[0] == self.run_id

    def _compare_and_set(self, items: Iterable[tuple[str, bytes]]) -> tuple[int, int]:
        applied = stale = 0
        for field, value in items:
            if _version(value) <= _version(self.registers.get(field, b"")):
                stale += 1
                continue
            applied += 1
            self.registers[field] = value
            self.seq += 1
            entry = f"{next(self._names)}-0"
            self.changes.append(wire.Change(entry, self.seq, self.incarnation, field, value))
            del self.changes[: -self.changes_kept]
        return applied, stale


class MemoryFlagsClient(Answers):
    """A client of a `MemoryServer`: each question first catches up with it, in the caller's thread."""

    def __init__(self, server: MemoryServer, **options: Any) -> None:
        super().__init__(**options)
        self._server = server
        self._steps = follow(self._replica, self._now_ms, self._changed, poll_ms=0)
        self._question = next(self._steps)

    def check(self, hashtag: str, surface: str, country: str | None = None) -> Answer:
        """As `Answers.check`, up to date with the server if that is there."""
        self.catch_up()
        return super().check(hashtag, surface, country)

    def held(self, surface: str, country: str | None = None) -> list[Register]:
        """As `Answers.held`, up to date with the server if that is there."""
        self.catch_up()
        return super().held(surface, country)

    def account_visibility(self, account_id: str | int, country: str | None = None) -> Visibility:
        """As `Answers.account_visibility`, up to date with the server if that is there."""
        self.catch_up()
        return super().account_visibility(account_id, country)

    def tweet_visibility(self, tweet_id: str | int, country: str | None = None) -> Visibility:
        """As `Answers.tweet_visibility`, up to date with the server if that is there."""
        self.catch_up()
        return super().tweet_visibility(tweet_id, country)

    def paused(self, surface: str, country: str | None = None) -> Register | None:
        """As `Answers.paused`, up to date with the server if that is there."""
        self.catch_up()
        return super().paused(surface, country)

    def catch_up(self) -> bool:
        """Follow the server to where it is; False, and nothing learnt, if it is away."""
        polled = 0
        try:
            while polled < 3:  # at a poll at rest: a snapshot ends with one too, and the changes since come after it
                rests = isinstance(self._question, wire.Poll)
                self._question = self._steps.send(self._server.answer(self._question))
                polled = polled + 1 if rests and isinstance(self._question, wire.Poll) else 0
        except ConnectionError:
            return False
        self._renew()
        return True


def _version(value: bytes) -> str:
    try:
        return str(json.loads(value)["version"])
    except (ValueError, TypeError, KeyError):
        return ""


def _keep_until_ms(value: bytes) -> int:
    try:
        return decode(value).keep_until_ms
    except RegisterError:
        return 0


def _order(entry_id: str) -> list[int]:
    return [int(part) for part in entry_id.split("-")]
