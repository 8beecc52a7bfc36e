"""The `models` topic: the whole artefact of every model that was ever live, by revision. The topic is compacted.

A worker reads the models here that it did not bring itself. So an artefact's record is acknowledged before any shard's
log names its revision.
"""

from __future__ import annotations

import hashlib

from streams.log.reading import LogReader, connection
from streams.log.topic_specs import MODELS, SPEC_BY_NAME
from streams.settings import Settings

MAX_BYTES = SPEC_BY_NAME[MODELS].max_message_bytes - 4096
"""Largest artefact: the largest record of the topic, less its framing."""


async def read_models(settings: Settings, *, only: str | None = None) -> dict[str, bytes]:
    """Read the artefacts by revision, in the order of their records.

    Args:
        settings: address of the broker, and the prefix of topic names.
        only: read only this revision.

    Raises:
        DependencyAway: the broker does not answer.
        TopicsError: the topic does not exist.
    """
    artefacts: dict[str, bytes] = {}
    async with LogReader(connection(settings), settings.topic(MODELS)) as reader:
        async for batch in reader.to_end():
            for record in batch:
                revision = (record.key or b"").decode("ascii", "replace")
                if record.value is not None and only in (None, revision):
                    artefacts.pop(revision, None)
                    artefacts[revision] = record.value
    return artefacts


def revision_of(data: bytes) -> str:
    """Return the revision of an artefact: the first 12 hex digits of its SHA-256."""
    return hashlib.sha256(data).hexdigest()[:12]
