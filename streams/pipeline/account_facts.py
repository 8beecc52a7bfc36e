"""Follows the `moderation` topic for the judges: what it says about authors, and how far every shard may believe it.

One book for all shards of a worker. A worker that ingests also *marks*: whenever a record has changed a fact, it says
down every shard how far it has read. All of them do, and again at each start before anything is counted: a mark that
repeats says nothing new. A judge that meets a mark waits until its own worker's book has been read as far.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from streams.errors import DependencyAway, TopicsError
from streams.judging.side_inputs.account_facts import FactBook
from streams.log.account_facts import FactsMark, HeardFacts
from streams.log.partials import encode_partial
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import MODERATION, PARTIALS
from streams.orders.account_facts import AccountFacts
from streams.pipeline.context import Context
from streams.pipeline.source import topic_id_of

LOOK_SECONDS = 0.5
"""How often the topic is asked for news. A fact is in time if it reaches the shards within the allowed lateness."""


class FactsFollower:
    """The book of one worker.

    Args:
        marks: whether this worker tells the shards how far it has read.
    """

    def __init__(self, context: Context, log: Any, *, marks: bool) -> None:
        self.book = FactBook(context.hashes)
        self._fold = AccountFacts(self.book)
        self._context = context
        self._log = log
        self._topic = context.settings.topic(MODERATION)
        self._marks = marks
        self._marked = 0
        self._wanted = asyncio.Event()
        self._read = asyncio.Condition()
        self._needed = 0
        """What a judge waits for."""

    async def begin(self) -> None:
        """Read the whole topic, and tell the shards, before anything is counted.

        Raises:
            TopicsError: there is no such topic.
            DependencyAway: the broker does not answer.
        """
        self.book.topic_id = await asyncio.to_thread(topic_id_of, self._context.settings, MODERATION)
        async with LogReader(connection(self._context.settings), self._topic) as reader:
            await self._catch_up(reader)
        await self._mark()

    async def run(self) -> None:
        """Read on for ever; a broker that is away is waited for."""
        while True:
            try:
                async with LogReader(connection(self._context.settings), self._topic) as reader:
                    while True:
                        await self._catch_up(reader)
                        await self._mark()
                        self._wanted.clear()
                        with suppress(TimeoutError):
                            await asyncio.wait_for(self._wanted.wait(), LOOK_SECONDS)
            except DependencyAway as error:
                self._log.warning("the moderation topic cannot be read: facts about accounts wait", why=str(error))
                await asyncio.sleep(LOOK_SECONDS)

    async def reached(self, heard: FactsMark | HeardFacts) -> None:
        """Wait until the book has been read as far as a mark says; one of a topic that is gone is not waited for."""
        upto = heard.upto
        if heard.topic_id == self.book.topic_id and self.book.upto < upto:
            self._needed = max(self._needed, upto)
            self._wanted.set()
            async with self._read:
                await self._read.wait_for(lambda: self.book.upto >= upto)

    async def _catch_up(self, reader: LogReader) -> None:
        needed = self._needed  # before the end is asked for: whoever named it had read as far
        end = (await reader.bounds((0,)))[0].end
        if end < max(needed, self.book.upto):
            raise TopicsError(
                f"{self._topic} ends at {end}, and shards have heard of it up to {max(needed, self.book.upto)}: "
                "it was cut short, or made anew",
                fix="hushtag topics check",
            )
        if self.book.upto < end:
            async for batch in reader.to_end({0: self.book.upto or None}, {0: end}):
                for record in batch:
                    self._fold.take(record.offset, record.timestamp, record.key, record.value)
                await asyncio.sleep(0)
            self.book.upto = end  # offsets that compaction has emptied are read, too
        async with self._read:
            self._read.notify_all()
        metrics = self._context.metrics
        metrics.account_facts_position.set(self.book.upto)
        for what, running in self.book.running().items():
            metrics.account_facts.labels(kind=what).set(running)

    async def _mark(self) -> None:
        if not self._marks or self.book.changed_upto <= self._marked:
            return
        settings, sender, upto = self._context.settings, self._context.sender, self.book.upto
        value, topic = encode_partial(FactsMark(self.book.topic_id, upto)), settings.topic(PARTIALS)
        await sender.acknowledged([await sender.send(topic, shard, value) for shard in range(settings.shards)])
        self._marked = upto
