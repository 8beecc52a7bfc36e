"""One partition of publish: a log folded in memory, its registers written to Redis by compare-and-set.

After every assignment the log is read from its beginning: the fold is the state, and Redis is only a view of it. The
partition is reconciled once it has reached the end that the log had at assignment; that opens it for ordinary writes. A
refused write means that Redis lost its data, and a reconcile follows at once. Every write names the log offset that it
follows, so Redis refuses it after another worker, which had read less of the log, has reconciled the partition.

What people decided is written with its expiry, and readers end it. Time here is what the broker's clock
has reached for sure (`streams.log.log_clock`): the host's clock, which may be wrong, ends and deletes nothing.

A record that cannot be read goes to `internal-dead-letter`, and reading goes on.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import structlog
from hushtag_client.registers import Register

from streams.actions import ACTIONS, FLAGGING
from streams.clock import now_ms
from streams.errors import ContractError, FlagStoreUnavailable
from streams.flags.decision_fold import DecisionFold
from streams.flags.moderation_fold import ModerationFold
from streams.flags.store import Applied, FlagStore
from streams.log.decisions import Decision, Progress, StoppedShard, is_renewal, version_of
from streams.log.fillers import is_filler
from streams.log.moderation import OtherRecord, decode_moderation
from streams.log.reading import LogReader, connection
from streams.log.skips import decode_skip
from streams.log.topic_specs import DECISIONS, INTERNAL_DEAD_LETTER
from streams.log.unreadable import read_record, read_value
from streams.orders.order import open_orders, order_deadlines
from streams.pipeline.context import Context
from streams.pipeline.dead_letters import send_dead_letter
from streams.pipeline.gaps import cut_short

_log = structlog.get_logger("hushtag.publish")
_RETRY_SECONDS = 0.1
_LAST_MS = 10**15 - 1
"""Greatest time in a version: an override's expiry may be its second number."""


class PublishPartition(ABC):
    """A partition whose fold goes to Redis; implements `streams.pipeline.stages.PartitionState`."""

    replay_point: int | None = None
    """Never set: the log is read from its beginning after every assignment."""
    is_full = False
    """Never: unwritten changes wait as registers, the latest one per flag."""

    def __init__(self, context: Context, topic: str, number: int, name: str) -> None:
        self.name = name
        """The partition's name in Redis."""
        self.is_open = False
        """Whether ordinary writes are allowed: the partition has been reconciled."""
        self.written = 0
        """The offset before which the log is written to Redis."""
        self._context = context
        self._topic = topic
        self._number = number
        self._next_offset = 0
        self._dropped = False
        self._end: int | None = None
        """The log's end at assignment; None until it is known."""
        self._asked_end = self._asked_ms = 0
        """Present end of the log when it was last queried, and the host's time before that: later records are newer."""
        self._writing = asyncio.Lock()
        self._changed: dict[tuple[str, str, str, str], Register] = {}
        self._letters: list[tuple[Any, ContractError]] = []
        """Records that cannot be read, until they are in the dead-letter topic."""
        self._written_before = 0
        """The offset before which a previous owner has written the log to Redis, and sent its dead letters."""
        self._wake = asyncio.Event()
        self._tasks = [
            context.spawn(self._find_end(), f"publish-{name}-end"),
            context.spawn(self._write_changes(), f"publish-{name}"),
        ]

    def start_at(self, committed: int | None, first: int) -> int:
        """Return the next offset to fold, at first the start of the log."""
        self._next_offset = max(self._next_offset, first)
        self._wake.set()
        return self._next_offset

    @property
    def position(self) -> int | None:
        """Return the offset after the last folded record."""
        return self._next_offset

    @property
    def required_end(self) -> int | None:
        """Return the same offset as `position`, since the fold has read that far."""
        return self._next_offset

    def drop(self) -> None:
        """Cancel the tasks of the partition, and mark it as closed."""
        self._dropped = True
        self.is_open = False
        self._context.writes.forget(self.name)
        for task in self._tasks:
            task.cancel()

    async def process(self, batch: Sequence[Any]) -> None:
        """Fold the records. A task writes the registers, so that reading continues while Redis is away."""
        for record in batch:
            if record.offset < self._next_offset:
                continue
            self._next_offset = record.offset + 1
            after_ms = self._asked_ms if record.offset >= self._asked_end else 0
            self._context.log_clock.compare(record.timestamp, after_ms=after_ms, before_ms=now_ms())
            try:
                self._offer(self._fold(record))
            except ContractError as error:
                self._letters.append((record, error))
        if self.is_open:
            self._context.writes.reach(self.name, self._greatest_version())
        self._wake.set()

    @abstractmethod
    def _fold(self, record: Any) -> list[Register]:
        """Apply a record and return the registers that it changes.

        Raises:
            ContractError: the record cannot be read; it changes nothing.
        """

    @abstractmethod
    def _registers(self) -> list[Register]:
        """Return all registers of the fold."""

    @abstractmethod
    def _greatest_version(self) -> str:
        """Return the greatest version that a register can have by the log so far."""

    def _offer(self, registers: Sequence[Register]) -> None:
        for register in registers:
            self._changed[register.hashtag, register.surface, register.country, register.source] = register
        if registers:
            self._wake.set()

    async def _find_end(self) -> None:
        """Set `_end`, after a check that Redis does not know more of the log than the log has.

        A new log under an old name begins with lower versions: Redis would refuse all of its registers as stale.
        """
        written = await self._written_offset()
        end = await self.query_end()
        if end < written:
            raise cut_short(self._topic, self._number, end, written)
        self._end, self._written_before = end, written
        self._wake.set()

    async def query_end(self) -> int:
        """Query the present end of the log, by which its next record shows an error of the host's clock."""
        asked_ms = now_ms()
        async with LogReader(connection(self._context.settings), self._topic) as reader:
            end = (await reader.bounds((self._number,)))[self._number].end
        self._asked_end, self._asked_ms = end, asked_ms
        return end

    async def _written_offset(self) -> int:
        store = self._context.store
        assert store is not None
        while True:
            try:
                return await store.written_offset(self.name)
            except FlagStoreUnavailable as error:
                self._context.writes.failed(self.name, error)
                await asyncio.sleep(error.retry_after_seconds)

    async def _write_changes(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._end is not None:
                await self._send_letters()
            if not self.is_open:
                await self._open_at_end()
            changed, self._changed = (self._changed, {}) if self.is_open else ({}, self._changed)
            if changed:
                await self._write(list(changed.values()), self._done_before)

    @property
    def _log_ms(self) -> int:
        return self._context.log_clock.reached_ms

    @property
    def _done_before(self) -> int:
        """Offset before which all records are folded, and in the dead-letter topic if they cannot be read."""
        return self._letters[0][0].offset if self._letters else self._next_offset

    async def _send_letters(self) -> None:
        """Send the records that cannot be read to the dead-letter topic, but for those of a previous owner."""
        while self._letters:
            record, error = self._letters[0]
            if record.offset >= self._written_before:
                ack = await send_dead_letter(
                    self._context, self._topic, self._number, record.offset, record.value, error,
                    into=INTERNAL_DEAD_LETTER,
                )  # fmt: skip
                await self._context.sender.acknowledged([ack])
            del self._letters[0]

    async def _open_at_end(self) -> None:
        if self._end is not None and self._next_offset >= self._end and not self._dropped:
            self._changed = {}
            await self.reconcile()
            self.is_open = not self._dropped

    async def reconcile(self) -> None:
        """Write all registers again. Registers that Redis has already stay unchanged."""
        while await self._stored(self._put_back) and not self._dropped:
            await asyncio.sleep(_RETRY_SECONDS)  # the server lost its data once more meanwhile
        self._context.metrics.reconciles.inc()

    async def _put_back(self, store: FlagStore) -> Applied:
        upto = self._done_before
        done = self._raise_written(await store.reconcile(self.name, self._registers(), upto=upto), upto)
        if not done.refused and not self._dropped:
            self._context.writes.saw_foreign(self.name, done.foreign)
            self._context.writes.reach(self.name, self._greatest_version())
        return done

    def _raise_written(self, done: Applied, upto: int) -> Applied:
        if not done.refused:
            self.written = max(self.written, upto)
        return done

    async def _write(self, registers: Sequence[Register], upto: int) -> None:
        async def write(store: FlagStore) -> Applied:
            return self._raise_written(await store.apply(self.name, registers, after=self.written, upto=upto), upto)

        refused = await self._stored(write)
        if refused and not self._dropped:
            await self.reconcile()
        for register in registers:
            # A settled decision also waits for its tick, and a renewal was decided long ago.
            if register.provisional and register.action in FLAGGING and not is_renewal(register.version):
                self._context.metrics.event_to_flag_seconds.observe(max(0, now_ms() - register.decided_at_ms) / 1000)

    async def _stored(self, write: Callable[[FlagStore], Awaitable[Applied]]) -> bool:
        """Write, retrying while Redis is away. Return whether Redis refused the write."""
        store, metrics = self._context.store, self._context.metrics
        assert store is not None
        async with self._writing:
            while not self._dropped:
                try:
                    done = await write(store)
                except FlagStoreUnavailable as error:
                    if not self._dropped:
                        self._context.writes.failed(self.name, error)
                    metrics.flag_writes.labels(result="unavailable").inc()
                    await asyncio.sleep(error.retry_after_seconds)
                    continue
                self._context.writes.succeeded(self.name)
                metrics.flag_writes.labels(result="applied").inc(done.applied)
                metrics.flag_writes.labels(result="stale").inc(done.stale)
                if done.refused:
                    metrics.flag_writes.labels(result="refused").inc()
                return done.refused
        return False


class DecisionsPartition(PublishPartition):
    """The automated decisions of one shard."""

    def __init__(self, context: Context, topic: str, number: int, fold: DecisionFold) -> None:
        super().__init__(context, topic, number, str(number))
        self.settled_ms = 0
        self.surfaces: tuple[str, ...] = ()
        """Surfaces of the policy in force at `settled_ms`."""
        self.fold = fold
        self._sign_ms = 0
        self._version = ""
        self._unknown: set[str] = set()

    @property
    def renewed_ms(self) -> int:
        """Log time of the last sign of life of a judge that has stopped; 0 once it has settled later ticks."""
        return self._sign_ms if self._sign_ms > self.settled_ms else 0

    def _fold(self, record: Any) -> list[Register]:
        decoded = read_record(DECISIONS, self._number, record)
        if isinstance(decoded, Decision | Progress):
            self._version = max(self._version, decoded.version)
        if isinstance(decoded, Decision):
            self._count_unknown(decoded)
            return self.fold.apply(decoded)
        if isinstance(decoded, Progress):
            if decoded.settled_ms >= self.settled_ms:
                self.settled_ms, self.surfaces = decoded.settled_ms, decoded.surfaces
        elif isinstance(decoded, StoppedShard):
            self._sign_ms = max(self._sign_ms, record.timestamp)
        return []

    def _count_unknown(self, decision: Decision) -> None:
        """Count the actions that this version does not know, and log each once."""
        for action in (ruling.action for ruling in decision.rulings if ruling.action not in ACTIONS):
            self._context.metrics.unknown_actions.inc()
            if action not in self._unknown:
                self._unknown.add(action)
                _log.warning("an action of a later version is published as it is", action=action, shard=self._number)

    def _registers(self) -> list[Register]:
        return self.fold.registers()

    def _greatest_version(self) -> str:
        return self._version

    def prune(self) -> None:
        """Remove expired state from the fold."""
        self.fold.prune(self._log_ms)


class ModerationPartition(PublishPartition):
    """The decisions of people: from the topic to Redis, without the judge."""

    def __init__(self, context: Context, topic: str, number: int) -> None:
        super().__init__(context, topic, number, "moderation")
        self.fold = ModerationFold(max_broker_skew_ms=context.settings.max_broker_skew_ms)

    def _fold(self, record: Any) -> list[Register]:
        if is_filler(record.key, record.value):
            return []
        try:
            decode = partial(decode_moderation, key=record.key, log_time_ms=record.timestamp)
            decoded = read_value(decode, record.value)
            if isinstance(decoded, OtherRecord):
                decode_skip(decoded)
            return self.fold.apply(decoded, record.offset, self._log_ms)
        except ContractError:
            self._context.metrics.moderation_refused.inc()
            raise

    def _registers(self) -> list[Register]:
        self.fold.expire(self._log_ms)
        return self.fold.registers()

    def _greatest_version(self) -> str:
        return version_of(max(0, self._next_offset - 1), _LAST_MS)

    def expire(self) -> None:
        """End expired overrides, which restores the ones below them, and report the deadlines of legal orders."""
        self._offer(self.fold.expire(self._log_ms))
        self.fold.prune(self._log_ms)
        present_ms = self._context.log_clock.present_ms(now_ms())
        deadlines = order_deadlines(open_orders(self.fold.orders.by_id.values()), present_ms)
        self._context.metrics.set_order_clocks(
            [(deadline.order, deadline.country, deadline.seconds) for deadline in deadlines]
        )

    def drop(self) -> None:
        """Drop the partition, and clear the deadlines of legal orders from the metrics."""
        super().drop()
        self._context.metrics.set_order_clocks(())
