"""The reader's copy of all registers, and the time up to which it is current.

A replica is at a place (incarnation, seq) of the server's data. Changes advance it one by one. A skipped number,
another incarnation, or a server that is behind the replica requires a snapshot.

A loss of data on the server must not clear flags. After a FLUSHALL, a restart without data or a failover, the known
registers are *carried over* next to the new ones, and the greater version wins. This lasts until the partition's writer
reports that it has restored everything, and at most for `max_staleness_ms`. Likewise a shard's last known heartbeat
remains until that shard is reconciled. A loss therefore looks like an absent Redis, and not like no flags.

Each shard is current for itself: a shard that has stopped makes its own hashtags stale, and no others.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable

from hushtag_client.index import Index
from hushtag_client.keys import MODERATION
from hushtag_client.registers import Register, RegisterError, decode, newer
from hushtag_client.shards import shard_of
from hushtag_client.wire import ChangeEntry, Heartbeat, ServerPosition

_log = logging.getLogger(__name__)
_PRUNE_EVERY_MS = 60_000


class Replica:
    """All registers of a reader. One thread writes; any thread reads."""

    def __init__(self, max_staleness_ms: int) -> None:
        self.max_staleness_ms = max_staleness_ms
        self.index = Index()
        self.synced = False
        """Whether a complete snapshot was ever received."""
        self.incarnation = ""
        self.seq = 0
        self.last_id = "0-0"
        self.seen_ms = 0
        """Time of the server's last reply, by the reader's clock."""
        self.heartbeats: dict[int, Heartbeat] = {}
        """Shard → last reliable heartbeat. Replaced as a whole, never changed."""
        self.partitions = 0
        """Number of shards; 0 before the first heartbeat."""
        self.surfaces: frozenset[str] = frozenset()
        """Surfaces that heartbeats name; empty: not known. Replaced as a whole."""
        self.lock = threading.Lock()
        """Held during changes, so that a fork copies no incomplete change. Readers do not take it."""
        self._server: dict[str, Register] = {}
        self._carried: dict[str, Register] = {}
        self._lost_at_ms = 0
        self._pruned_ms = 0

    def people_until_ms(self) -> int:
        """Return the time up to which people's registers are current: they depend on the server alone."""
        return self.seen_ms + self.max_staleness_ms if self.synced else 0

    def shards_until_ms(self) -> list[int]:
        """Return the time up to which each shard is current; 0 if the shard is missing."""
        return [self._until_ms(beat, lambda heartbeat: heartbeat.settled_ms) for beat in self._beats()]

    def flags_until_ms(self) -> list[int]:
        """Return the time up to which each shard's flags in force stand; a stopped judge renews them."""
        return [
            self._until_ms(beat, lambda heartbeat: max(heartbeat.settled_ms, heartbeat.renewed_ms))
            for beat in self._beats()
        ]

    def _beats(self) -> list[Heartbeat | None]:
        return [self.heartbeats.get(shard) for shard in range(self.partitions)]

    def _until_ms(self, beat: Heartbeat | None, confirmed_ms: Callable[[Heartbeat], int]) -> int:
        return 0 if beat is None else min(self.people_until_ms(), confirmed_ms(beat) + self.max_staleness_ms)

    def follows(self, position: ServerPosition) -> bool:
        """Whether the replica is an earlier state of the server's present data."""
        return self.synced and position.incarnation == self.incarnation and position.seq >= self.seq

    def replace(self, snapshot: dict[str, Register], mark: ServerPosition, now_ms: int) -> list[Register]:
        """Install a snapshot that was begun at `mark`; return the registers that changed."""
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

    def apply(self, changes: Iterable[ChangeEntry]) -> tuple[list[Register], bool]:
        """Apply the next entries of the stream; return the changed registers, and False at a gap or other life."""
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
                self.seq, self.last_id = (
                    change.seq,
                    change.id,
                )  # last, so that a reader of the number also sees the change
            return applied, True

    def observe(self, position: ServerPosition, now_ms: int) -> list[Register]:
        """Apply heartbeats and reconciled partitions; return the registers that are no longer carried over."""
        with self.lock:
            self.seen_ms = now_ms
            self._observe_shards(position)
            dropped = self._drop_carried(position, now_ms)
            if now_ms - self._pruned_ms >= _PRUNE_EVERY_MS:
                self._pruned_ms = now_ms
                self._prune(now_ms)
            return dropped

    def _observe_shards(self, position: ServerPosition) -> None:
        """Take the heartbeats of reconciled shards; another number of shards makes the earlier ones worthless."""
        partitions = self.partitions
        if position.heartbeats:
            partitions = max(position.heartbeats.values(), key=lambda beat: beat.at_ms).partitions
        self.heartbeats = ({} if partitions != self.partitions else self.heartbeats) | {
            shard: beat
            for shard, beat in position.heartbeats.items()
            if shard < partitions == beat.partitions and position.reconciled.get(str(shard)) == self.incarnation
        }
        self.partitions = partitions
        named = (beat.surfaces for beat in position.heartbeats.values() if beat.partitions == partitions)
        self.surfaces = frozenset().union(*named) or self.surfaces

    def _drop_carried(self, position: ServerPosition, now_ms: int) -> list[Register]:
        if not self._carried:
            return []
        restored = {p for p, incarnation in position.reconciled.items() if incarnation == self.incarnation}
        over = now_ms - self._lost_at_ms >= self.max_staleness_ms
        changed = []
        for field, register in list(self._carried.items()):
            if over or self._partition_of(register) in restored:
                del self._carried[field]
                changed += self._restore(field)
        return changed

    def _partition_of(self, register: Register) -> str:
        """Return the partition whose writer restores a register; "" before the number of shards is known."""
        if register.by_people:
            return MODERATION
        return str(shard_of(register.hashtag, self.partitions)) if self.partitions > 0 else ""

    def _restore(self, field: str) -> list[Register]:
        """Return a field to the server's own register."""
        stored, now = self._server.get(field), self.index.registers.get(field)
        if stored == now:
            return []
        if stored is None:
            self.index.remove(field)
            return [now] if now else []
        self.index.put(stored)
        return [stored]

    def _prune(self, now_ms: int) -> None:
        """Remove the registers that the server may have deleted."""
        for field, register in list(self.index.registers.items()):
            if 0 < register.keep_until_ms <= now_ms:
                self._server.pop(field, None)
                self._carried.pop(field, None)
                self.index.remove(field)


def read_register(field: str, value: bytes) -> Register | None:
    """Decode a register; log and return None if its field or value is invalid."""
    try:
        register = decode(value)
    except RegisterError as error:
        _log.warning("register %r ignored: %s", field[:120], error)
        return None
    if register.field != field:
        _log.warning("register %r ignored: its value belongs to %r", field[:120], register.field[:120])
        return None
    return register
