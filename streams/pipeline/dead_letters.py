"""Records that cannot be read: the original bytes in a dead-letter topic, with reason and origin as headers.

Unreadable tweets go to `tweets-dead-letter`, unreadable records of hushtag's own topics to `internal-dead-letter`.
"""

from __future__ import annotations

from streams.errors import ContractError
from streams.log.producer import Ack
from streams.log.topic_specs import DEAD_LETTER, INTERNAL_DEAD_LETTER
from streams.pipeline.context import Context

_VALUE_BYTES = 3 * 1024 * 1024
"""Bytes of a value that are kept: the topic takes 4 MiB, headers included. `source-bytes` has the full length."""


async def send_dead_letter(
    context: Context,
    topic: str,
    partition: int,
    offset: int,
    value: bytes | None,
    error: ContractError,
    *,
    into: str = DEAD_LETTER,
    **more: str,
) -> Ack:
    """Send one record to a dead-letter topic, keyed by its origin, and count an internal one.

    Args:
        context: shared parts of the worker, with the sender.
        topic: topic that the record came from, with its prefix.
        partition: partition of the record in that topic.
        offset: offset of the record in that partition.
        value: original bytes of the record; None if it has no value. At most 3 MiB of it are kept.
        error: reason, field and fix, for the headers.
        into: the dead-letter topic, without its prefix: `DEAD_LETTER` or `INTERNAL_DEAD_LETTER`.
        more: further headers.
    """
    headers = {
        "reason": error.reason,
        "field": error.field,
        "value": error.value,
        "fix": error.fix,
        "source-topic": topic,
        "source-partition": str(partition),
        "source-offset": str(offset),
        "source-bytes": str(len(value or b"")),
        **more,
    }
    origin = f"{topic}/{partition}/{offset}".encode()
    encoded = [(name, text.encode("utf-8", "replace")) for name, text in headers.items()]
    if into == INTERNAL_DEAD_LETTER:
        name = topic.removeprefix(context.settings.topic_prefix)
        context.metrics.internal_dead_letters.labels(topic=name).inc()
    kept = None if value is None else value[:_VALUE_BYTES]
    return await context.sender.send(context.settings.topic(into), None, kept, key=origin, headers=encoded)
