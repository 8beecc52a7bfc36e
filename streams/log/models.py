"""The `models` topic: artefacts that were ever live, whole, by revision. Compacted: an artefact is there once.

A worker that has to score by a model that it did not come with finds it here, so its record is acknowledged before any
shard hears of its revision.
"""

from __future__ import annotations

import hashlib

from streams.log.reading import LogReader, connection
from streams.log.topic_specs import MODELS, SPEC_OF
from streams.settings import Settings

MAX_BYTES = SPEC_OF[MODELS].max_message_bytes - 4096
"""Of an artefact: a record of the topic, less what frames it."""


async def read_models(settings: Settings, *, wanted: str | None = None) -> dict[str, bytes]:
    """Artefacts by revision, in the order in which they came; only the one that is `wanted`, where it is given.

    Raises:
        DependencyAway: the broker is silent.
        TopicsError: there is no such topic.
    """
    found: dict[str, bytes] = {}
    async with LogReader(connection(settings), settings.topic(MODELS)) as reader:
        async for batch in reader.to_end():
            for record in batch:
                revision = (record.key or b"").decode("ascii", "replace")
                if record.value is not None and wanted in (None, revision):
                    found.pop(revision, None)
                    found[revision] = record.value
    return found


def revision_of(data: bytes) -> str:
    """What an artefact is called."""
    return hashlib.sha256(data).hexdigest()[:12]
