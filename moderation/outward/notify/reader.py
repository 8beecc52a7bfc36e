"""Readers of the three topics: an async context manager, whose state follows the logs."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Self

from moderation.outward.notify.outbox import Outbox
from moderation.outward.notify.state import NotifyState
from streams.errors import ContractError
from streams.log.decisions import decision_in
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import DECISIONS, MODERATION, NOTIFICATIONS
from streams.logs import logger
from streams.settings import Settings


class NotifyReader:
    """State of the logs, and the outbox as the topic has it; raises the errors of `LogReader`."""

    def __init__(self, settings: Settings) -> None:
        self.state = NotifyState()
        self._settings = settings
        self._stack = AsyncExitStack()
        self._next_offset: int | None = None
        self._decision_offsets: dict[int, int | None] = {}

    async def __aenter__(self) -> Self:
        try:
            self._moderation = await self._open(MODERATION)
            self._decisions = await self._open(DECISIONS)
            self._notifications = await self._open(NOTIFICATIONS, committed_only=True)
        except BaseException:
            await self._stack.aclose()
            raise
        self._decision_offsets = dict.fromkeys(self._decisions.partitions, None)
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._stack.aclose()

    async def _open(self, topic: str, *, committed_only: bool = False) -> LogReader:
        settings = self._settings
        reader = LogReader(connection(settings), settings.topic(topic), committed_only=committed_only)
        return await self._stack.enter_async_context(reader)

    async def read_outbox(self, outbox: Outbox) -> None:
        """Apply all records of `notifications`; an unreadable one is logged and left out."""
        async for batch in self._notifications.to_end():
            for record in batch:
                try:
                    outbox.apply(record.key, record.value)
                except ContractError as error:
                    logger(__name__).error("unreadable notification record", offset=record.offset, why=str(error))

    async def read_logs(self) -> bool:
        """Read both logs on to their ends; return whether there were new records."""
        return any(await asyncio.gather(self._read_moderation(), self._read_decisions()))

    async def _read_moderation(self) -> bool:
        new = False
        async for batch in self._moderation.to_end({0: self._next_offset}):
            new = True
            for record in batch:
                self.state.apply_moderation(record.offset, record.key, record.value, record.timestamp)
            self._next_offset = batch[-1].offset + 1
        return new

    async def _read_decisions(self) -> bool:
        new = False
        async for batch in self._decisions.to_end(self._decision_offsets):
            for record in batch:
                value = record.value
                if value is not None and b'"kind":"decision"' in value and (decision := decision_in(value)) is not None:
                    self.state.apply_decision(decision)
                    new = True
            self._decision_offsets[batch[-1].partition] = batch[-1].offset + 1
        return new
