"""Follow the `moderation` topic for the judges: account facts, skipped records, and how far the topic was read.

One store serves all shards of a worker. A worker that ingests also sends *marks*: after a record that changes a fact it
sends every shard the offset up to which it has read the topic. Every such worker sends marks, and again at each start
before anything is counted; judges ignore repeats. A judge that reads a mark waits until its own worker's store has been
read up to that offset.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from streams.errors import DependencyAway, TopicsError
from streams.judging.side_inputs.account_facts import AccountFactStore
from streams.log.account_facts import AppliedMark, FactsMark
from streams.log.admin import topic_id_of
from streams.log.partials import encode_partial
from streams.log.reading import LogReader, connection
from streams.log.skips import Skip, SkipIndex
from streams.log.topic_specs import MODERATION, PARTIALS
from streams.log.unreadable import UnreadableRecord
from streams.orders.account_facts import AccountFactFold
from streams.pipeline.context import Context

POLL_SECONDS = 0.5
"""Interval between two reads of the topic. A fact is in time if it reaches the shards within the allowed lateness."""


class AccountFactsFollower:
    """The account facts of one worker.

    Args:
        marks: whether this worker sends marks to the shards.
    """

    def __init__(self, context: Context, log: Any, *, marks: bool) -> None:
        self.store = AccountFactStore(context.hashes)
        self.skips = SkipIndex()
        """Unreadable records that people have skipped."""
        self._fold = AccountFactFold(self.store)
        self._context = context
        self._log = log
        self._topic = context.settings.topic(MODERATION)
        self._marks = marks
        self._marked = 0
        """The offset in the last mark sent."""
        self._poll_now = asyncio.Event()
        self._was_read = asyncio.Condition()
        self._needed = 0
        """The greatest offset that a judge waits for."""

    async def begin(self) -> None:
        """Read the whole topic and send a mark, before anything is counted.

        Raises:
            TopicsError: the topic does not exist.
            DependencyAway: the broker does not answer.
        """
        self.store.topic_id = await asyncio.to_thread(topic_id_of, self._context.settings, MODERATION)
        async with LogReader(connection(self._context.settings), self._topic) as reader:
            await self._read(reader)
        await self._send_mark()

    async def run(self) -> None:
        """Follow the topic until cancelled, and wait for a broker that is away."""
        while True:
            try:
                async with LogReader(connection(self._context.settings), self._topic) as reader:
                    while True:
                        await self._read(reader)
                        await self._send_mark()
                        self._poll_now.clear()
                        with suppress(TimeoutError):
                            async with asyncio.timeout(POLL_SECONDS):
                                await self._poll_now.wait()
            except DependencyAway as error:
                self._log.warning("the moderation topic cannot be read, account facts are delayed", why=str(error))
                await asyncio.sleep(POLL_SECONDS)

    async def read_up_to(self, mark: FactsMark | AppliedMark) -> None:
        """Wait until the topic is read up to a mark; return at once for a mark of a topic that was replaced."""
        upto = mark.upto
        if mark.topic_id == self.store.topic_id and self.store.upto < upto:
            self._needed = max(self._needed, upto)
            self._poll_now.set()
            async with self._was_read:
                await self._was_read.wait_for(lambda: self.store.upto >= upto)

    async def wait_for_skip(self, record: UnreadableRecord) -> Skip:
        """Wait until a person has skipped a record that cannot be read."""
        async with self._was_read:
            await self._was_read.wait_for(lambda: self.skips.find(record) is not None)
        skip = self.skips.find(record)
        assert skip is not None
        return skip

    async def _read(self, reader: LogReader) -> None:
        needed = self._needed  # read before the end: the sender of that mark had already read up to it
        end = (await reader.bounds((0,)))[0].end
        if end < max(needed, self.store.upto):
            raise TopicsError(
                f"{self._topic} ends at {end}, but shards have marks up to {max(needed, self.store.upto)}: "
                "it was cut short, or created again",
                fix="hushtag topics check",
            )
        if self.store.upto < end:
            async for batch in reader.to_end({0: self.store.upto or None}, {0: end}):
                for record in batch:
                    self._fold.apply_raw(record.offset, record.timestamp, record.key, record.value)
                    self.skips.apply_raw(record.key, record.value)
                await asyncio.sleep(0)
            self.store.upto = end  # offsets that compaction has emptied count as read
        async with self._was_read:
            self._was_read.notify_all()
        metrics = self._context.metrics
        metrics.account_facts_position.set(self.store.upto)
        for kind, count in self.store.count_unended().items():
            metrics.account_facts.labels(kind=kind).set(count)

    async def _send_mark(self) -> None:
        if not self._marks or self.store.changed_upto <= self._marked:
            return
        settings, sender, upto = self._context.settings, self._context.sender, self.store.upto
        value, topic = encode_partial(FactsMark(self.store.topic_id, upto)), settings.topic(PARTIALS)
        await sender.acknowledged([await sender.send(topic, shard, value) for shard in range(settings.shards)])
        self._marked = upto
