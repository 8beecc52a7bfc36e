"""Records that cannot be read: the original bytes in the dead-letter topic, with reason and origin as headers."""

from __future__ import annotations

from streams.errors import ContractError
from streams.log.producer import Ack
from streams.log.topic_specs import DEAD_LETTER
from streams.pipeline.context import Context


async def send_dead_letter(
    context: Context, topic: str, partition: int, offset: int, value: bytes | None, error: ContractError, **more: str
) -> Ack:
    """Send one record to the dead-letter topic, keyed by its origin.

    Args:
        context: shared parts of the worker, with the sender.
        topic: topic that the record came from, with its prefix.
        partition: partition of the record in that topic.
        offset: offset of the record in that partition.
        value: original bytes of the record; None if it has no value.
        error: reason, field and fix, for the headers.
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
        **more,
    }
    origin = f"{topic}/{partition}/{offset}".encode()
    encoded = [(name, text.encode("utf-8", "replace")) for name, text in headers.items()]
    return await context.sender.send(context.settings.topic(DEAD_LETTER), None, value, key=origin, headers=encoded)
