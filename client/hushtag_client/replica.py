"""The reader's copy of all registers, and how far it may be trusted.

A replica is at a place (incarnation, seq) of the server's life. Changes move it on one by one; anything else (a number
skipped, another incarnation, a server that is behind us) means that a snapshot is needed.

What a server has lost is not news. When its data begin a new life (FLUSHALL, a restart without data, a failover), the
registers that we knew are *carried over* beside the new ones, the greater version winning, until the partition's
writer says that it has put everything back, and at most for `max_staleness_ms`. Likewise the last known watermark of a
shard stands until that shard is reconciled. So a loss looks like an absent Redis, and not like a world without flags.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable

from hushtag_client.index import Index
from hushtag_client.keys import MODERATION
from hushtag_client.registers import Register, RegisterError, decode, newer
from hushtag_client.wire import Change, Position

_log = logging.getLogger(__name__)
_PRUNE_EVERY_MS = 60_000


class Replica:
    """Everything a reader knows. One thread follows the server and writes; any thread reads."""

    def __init__(self, max_staleness_ms: int) -> None:
        self.max_staleness_ms = max_staleness_ms
        self.index = Index()
        self.synced = False
        """Whether there was ever a whole snapshot."""
        self.incarnation = ""
        self.seq = 0
        self.last_id = "0-0"
        self.seen_ms = 0
        """When the server last answered, by the reader's clock."""
        self.settled_ms: dict[int, int] = {}
        """Shard → the last watermark that can be believed."""
        self.partitions = 0
        """How many shards there are; 0 where no heartbeat was seen."""
        self.lock = threading.Lock()
        """Held while anything changes, so that a fork never copies half a change. Readers do not take it."""
        self._server: dict[str, Register] = {}
        self._carried: dict[str, Register] = {}
        self._lost_at_ms = 0
        self._pruned_ms = 0

    def people_until_ms(self) -> int:
        """Until when people's registers may be served: they depend on the server alone."""
        return self.seen_ms + self.max_staleness_ms if self.synced else 0

    def good_until_ms(self) -> int:
        """Until when everything may be served: on the oldest shard too; 0 while a shard is missing."""
        if not self.synced or not self.partitions or len(self.settled_ms) < self.partitions:
            return 0
        return min(self.people_until_ms(), min(self.settled_ms.values()) + self.max_staleness_ms)

    def follows(self, position: Position) -> bool:
        """Whether our copy is an earlier state of what the server has now."""
        return self.synced and position.incarnation == self.incarnation and position.seq >= self.seq

    def replace(self, snapshot: dict[str, Register], mark: Position, now_ms: int) -> list[Register]:
        """Take a snapshot that was begun at `mark`; returns the registers that are not what they were."""
        lost = self.synced and (mark.incarnation != self.incarnation or mark.seq < self.seq)
        before = self.index.registers
        carried = dict(before) if lost else self._carried
        effective = dict(carried)
        for field, register in snapshot.items():
            if newer(register, effective.get(field)):
                effective[field] = register
        index = Index(effective.values())
        with self.lock:
            if lost:
                self._lost_at_ms = now_ms
            self._server, self._carried, self.index = snapshot, carried, index
            self.incarnation, self.seq, self.last_id = mark.incarnation, mark.seq, mark.last_id
            self.synced = True
            self.seen_ms = now_ms
        gone = [before[field] for field in before.keys() - effective.keys()]
        return [r for field, r in effective.items() if before.get(field) != r] + gone

    def apply(self, changes: Iterable[Change]) -> tuple[list[Register], bool]:
        """Move on by the next entries of the stream: the registers changed, and False if it met a gap or a new life."""
        with self.lock:
            applied: list[Register] = []
            for change in changes:
                if change.incarnation != self.incarnation or change.seq != self.seq + 1:
                    return applied, False
                register = read_register(change.field, change.value)
                if register is not None and newer(register, self._server.get(change.field)):
                    self._server[change.field] = register
                    if newer(register, self.index.registers.get(change.field)):
                        self.index.put(register)
                        applied.append(register)
                self.seq, self.last_id = change.seq, change.id  # last: who sees the number sees the change
            return applied, True

    def observe(self, position: Position, now_ms: int) -> list[Register]:
        """Take note of heartbeats and of what is reconciled; returns registers that ceased to be carried over."""
        with self.lock:
            self.seen_ms = now_ms
            if position.heartbeats:
                self.partitions = max(position.heartbeats.values(), key=lambda beat: beat.at_ms).partitions
            self.settled_ms = {shard: at for shard, at in self.settled_ms.items() if shard < self.partitions}
            for shard, beat in position.heartbeats.items():
                if shard < self.partitions and position.reconciled.get(str(shard)) == self.incarnation:
                    self.settled_ms[shard] = beat.settled_ms
            dropped = self._let_go(position, now_ms)
            if now_ms - self._pruned_ms >= _PRUNE_EVERY_MS:
                self._pruned_ms = now_ms
                self._prune(now_ms)
            return dropped

    def _let_go(self, position: Position, now_ms: int) -> list[Register]:
        if not self._carried:
            return []
        back = {p for p, incarnation in position.reconciled.items() if incarnation == self.incarnation}
        people = MODERATION in back
        automated = bool(self.partitions) and all(str(shard) in back for shard in range(self.partitions))
        if now_ms - self._lost_at_ms >= self.max_staleness_ms:
            people = automated = True
        changed = []
        for field, register in list(self._carried.items()):
            if people if register.by_people else automated:
                del self._carried[field]
                changed += self._restore(field)
        return changed

    def _restore(self, field: str) -> list[Register]:
        """Let the server's word stand alone again under a field."""
        known, now = self._server.get(field), self.index.registers.get(field)
        if known == now:
            return []
        if known is None:
            self.index.remove(field)
            return [now] if now else []
        self.index.put(known)
        return [known]

    def _prune(self, now_ms: int) -> None:
        """Forget what the server may have forgotten."""
        for field, register in list(self.index.registers.items()):
            if 0 < register.keep_until_ms <= now_ms:
                self._server.pop(field, None)
                self._carried.pop(field, None)
                self.index.remove(field)


def read_register(field: str, value: bytes) -> Register | None:
    """A register from its field and value; None, and a line in the log, where they cannot be used."""
    try:
        register = decode(value)
    except RegisterError as error:
        _log.warning("register %r left out: %s", field[:120], error)
        return None
    if register.field != field:
        _log.warning("register %r left out: its value is that of %r", field[:120], register.field[:120])
        return None
    return register
