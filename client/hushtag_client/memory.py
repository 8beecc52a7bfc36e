"""A server and a client without Redis, for tests and simulations of code that reads or writes flags.

`MemoryServer` implements the scripts of a real server step by step and answers a reader's questions; one contract suite
tests both. Tests can make it fail: away, flushed, restarted with or without its data.
"""

from __future__ import annotations

import itertools
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hushtag_client import keys, wire
from hushtag_client.answer import Answer
from hushtag_client.answers import Answers, Status, Visibility
from hushtag_client.follow import follow
from hushtag_client.registers import Register, RegisterError, decode, encode

_BUCKETS = 4


class MemoryServer:
    """The data of one server; each operation on them is atomic."""

    def __init__(self) -> None:
        self._names = itertools.count(1)
        self.run_id = f"run{next(self._names)}"
        self.away = False
        """Whether every call raises ConnectionError."""
        self.changes_kept = keys.CHANGES_KEPT
        self.flushall()

    def flushall(self) -> None:
        """Delete all data, as FLUSHALL does; the run id stays."""
        self.registers: dict[str, bytes] = {}
        self.seq = 0
        self.changes: list[wire.ChangeEntry] = []
        self.incarnation = ""
        self.heartbeats: dict[int, wire.Heartbeat] = {}
        self.reconciled: dict[str, str] = {}
        self.sentinels: dict[str, tuple[str, int]] = {}
        """Partition → (run id, offset of its log up to which records have been written)."""

    def restart(self, *, with_data: bool) -> None:
        """Restart as a new process: a new run id, with or without the data."""
        self.run_id = f"run{next(self._names)}"
        if not with_data:
            self.flushall()

    def put(
        self, partition: str, items: Iterable[tuple[str, bytes]], *, after: int = 0, upto: int = 0
    ) -> tuple[int, int] | None:
        """Compare and set under the partition's sentinel, as `put.lua` does.

        Args:
            partition: partition whose log the changes come from.
            items: (field, value) pairs that the partition's log changes from offset `after` to before `upto`.
            after: offset up to which the server must hold the log, else it refuses.
            upto: offset before which the log is written afterwards.

        Returns:
            (applied, stale) counts, or None if the sentinel refuses the write.
        """
        self._require_reachable()
        if self.closed({partition: after}):
            return None
        self._begin_life()
        self._advance(partition, upto)
        return self._compare_and_set(items)

    def remembered(self, partition: str) -> int:
        """Return the offset before which a partition was written, by this process or an earlier one; 0: never."""
        self._require_reachable()
        return self.sentinels.get(partition, ("", 0))[1]

    def begin(self) -> str:
        """Begin to reconcile; return the incarnation under which it happens."""
        self._require_reachable()
        return self._begin_life()

    def put_back(self, incarnation: str, items: Iterable[tuple[str, bytes]]) -> tuple[int, int] | None:
        """Compare and set while reconciling; return None if the data were lost meanwhile."""
        self._require_reachable()
        if not self._still(incarnation):
            return None
        return self._compare_and_set(items)

    def foreign(self, partition: str, items: Iterable[tuple[str, bytes]], upto: int) -> tuple[tuple[str, str], ...]:
        """List (field, version) of registers newer than their log's; empty if a worker wrote it further than `upto`."""
        if self.remembered(partition) > upto:
            return ()
        present = [(field, _version(self.registers.get(field, b"")), _version(value)) for field, value in items]
        return tuple((field, stored) for field, stored, of_log in present if stored > of_log)

    def finish(self, partition: str, incarnation: str, upto: int = 0) -> bool:
        """End the reconcile of the log before `upto`; later writes are accepted.

        Returns False if the data were lost meanwhile.
        """
        self._require_reachable()
        if not self._still(incarnation):
            return False
        self._advance(partition, upto)
        self.reconciled[partition] = incarnation
        return True

    def closed(self, partitions: Mapping[str, int]) -> list[str]:
        """List the partitions that refuse writes after these offsets until they are reconciled."""
        self._require_reachable()
        return [name for name, after in partitions.items() if self._written(name) < after]

    def beat(
        self,
        settled_ms: Mapping[int, int],
        at_ms: int,
        partitions: int,
        renewed_ms: Mapping[int, int] | None = None,
        surfaces: Mapping[int, Sequence[str]] | None = None,
    ) -> None:
        """Write heartbeats; an earlier watermark or renewal comes from a zombie and is ignored."""
        self._require_reachable()
        self._begin_life()
        for shard, settled in settled_ms.items():
            last = self.heartbeats.get(shard)
            named = tuple((surfaces or {}).get(shard, ()))
            beat = wire.Heartbeat(settled, at_ms, partitions, (renewed_ms or {}).get(shard, 0), named)
            if last and _confirmed(last) > _confirmed(beat) and abs(at_ms - last.at_ms) < keys.HEARTBEAT_GUARD_MS:
                continue
            self.heartbeats[shard] = beat

    def sweep(self, now_ms: int, partitions: int) -> int:
        """Delete registers past their `keep_until_ms`, and removed shards; return the number of registers."""
        self._require_reachable()
        over = [field for field, value in self.registers.items() if 0 < _keep_until_ms(value) <= now_ms]
        for field in over:
            del self.registers[field]
        self.heartbeats = {shard: beat for shard, beat in self.heartbeats.items() if shard < partitions}
        return len(over)

    def seed(self, registers: Iterable[Register], *, settled_ms: int) -> None:
        """Store registers as a server with one settled shard, reconciled with moderation."""
        incarnation = self.begin()
        self.put_back(incarnation, [(register.field, encode(register)) for register in registers])
        for partition in ("0", keys.MODERATION):
            self.finish(partition, incarnation)
        self.beat({0: settled_ms}, settled_ms, 1)

    def answer(self, question: wire.Question) -> wire.Reply:
        """Answer a reader's question (`wire`)."""
        self._require_reachable()
        match question:
            case wire.PollState():
                return wire.ServerPosition(
                    self.incarnation, self.seq, heartbeats=dict(self.heartbeats), reconciled=dict(self.reconciled)
                )
            case wire.MarkPosition():
                return wire.ServerPosition(self.incarnation, self.seq, self.changes[-1].id if self.changes else "0-0")
            case wire.ScanRegisters(cursor):
                page = [
                    (f, v) for f, v in self.registers.items() if zlib.crc32(keys.field_bytes(f)) % _BUCKETS == cursor
                ]
                return wire.RegisterPage((cursor + 1) % _BUCKETS, page)
            case wire.ReadChanges(after, _):
                return [change for change in self.changes if _order(change.id) > _order(after)][: wire.PAGE]

    def _require_reachable(self) -> None:
        if self.away:
            raise ConnectionError("the in-memory server is away")

    def _written(self, partition: str) -> int:
        """Return the offset before which a partition was written; -1: not by this process."""
        run_id, upto = self.sentinels.get(partition, ("", 0))
        return upto if run_id == self.run_id else -1

    def _advance(self, partition: str, upto: int) -> None:
        self.sentinels[partition] = (self.run_id, max(upto, self._written(partition)))

    def _begin_life(self) -> str:
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
            self.changes.append(wire.ChangeEntry(entry, self.seq, self.incarnation, field, value))
            del self.changes[: -self.changes_kept]
        return applied, stale


class MemoryFlagsClient(Answers):
    """A client of a `MemoryServer`: each call first catches up with it, in the caller's thread."""

    def __init__(self, server: MemoryServer, **options: Any) -> None:
        super().__init__(**options)
        self._server = server
        self._steps = follow(self._replica, self._now_ms, self._changed, poll_ms=0)
        self._question = next(self._steps)

    def check(self, hashtag: str, surface: str, country: str | None = None) -> Answer:
        """Check as `Answers.check`, after catching up with the server."""
        self.catch_up()
        return super().check(hashtag, surface, country)

    def held(self, surface: str, country: str | None = None) -> list[Register]:
        """List as `Answers.held`, after catching up with the server."""
        self.catch_up()
        return super().held(surface, country)

    def discounted(self, surface: str, country: str | None = None) -> list[Register]:
        """List as `Answers.discounted`, after catching up with the server."""
        self.catch_up()
        return super().discounted(surface, country)

    def account_visibility(self, account_id: str | int, country: str | None = None) -> Visibility:
        """Answer as `Answers.account_visibility`, after catching up with the server."""
        self.catch_up()
        return super().account_visibility(account_id, country)

    def tweet_visibility(self, tweet_id: str | int, country: str | None = None) -> Visibility:
        """Answer as `Answers.tweet_visibility`, after catching up with the server."""
        self.catch_up()
        return super().tweet_visibility(tweet_id, country)

    def paused(self, surface: str, country: str | None = None) -> Register | None:
        """Answer as `Answers.paused`, after catching up with the server."""
        self.catch_up()
        return super().paused(surface, country)

    def status(self) -> Status:
        """Return as `Answers.status`, after catching up with the server."""
        self.catch_up()
        return super().status()

    def catch_up(self) -> bool:
        """Replicate the server's present state; return False, without changes, if it is away."""
        polled = 0
        try:
            while polled < 3:  # two polls in a row: a snapshot ends with one too, and later changes follow it
                rests = isinstance(self._question, wire.PollState)
                self._question = self._steps.send(self._server.answer(self._question))
                polled = polled + 1 if rests and isinstance(self._question, wire.PollState) else 0
        except ConnectionError:
            return False
        self._renew()
        return True


def _confirmed(beat: wire.Heartbeat) -> tuple[int, int]:
    return beat.settled_ms, beat.renewed_ms


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
