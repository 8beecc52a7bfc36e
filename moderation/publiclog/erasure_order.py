"""Order the erasure of an entry: write its record to the `moderation` topic."""

from __future__ import annotations

import secrets

from moderation.log.present_time import open_moderation
from moderation.publiclog.erasures import AuditErasure, encode_erasure
from moderation.publiclog.reading import log_state, read_entry
from streams.errors import CallerMistake
from streams.settings import Settings


async def order_erasure(settings: Settings, number: int, *, actor: str, reason: str) -> AuditErasure:
    """Write the order to erase an entry's record; the writer of the log carries it out.

    Raises:
        CallerMistake: the entry does not exist, is not signed yet, or was erased before.
        DependencyAway: Kafka does not answer.
    """
    entry, state = await read_entry(settings, number), await log_state(settings)
    if (logged := entry.input) is None:
        raise CallerMistake(f"entry {number} is erased already")
    if state.signed is None or state.signed.size <= number:
        raise CallerMistake(f"entry {number} is not signed yet", fix="`hushtag audit run` signs every ten seconds")
    async with open_moderation(settings) as service:
        await service.refresh()  # so that the order is no earlier than the record
        erasure = AuditErasure(
            id=secrets.token_hex(8), entry=number, topic=logged.source.topic, partition=logged.source.partition,
            offset=logged.source.offset, actor=actor, reason=reason, at_ms=service.now_ms(),
        )  # fmt: skip
        await service.transact(lambda view: [encode_erasure(erasure)])
    return erasure
