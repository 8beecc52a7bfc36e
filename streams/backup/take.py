"""Take a backup into a folder, or add what is new since the last one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from streams.backup.manifest import LOG, ORDER, UNFINISHED, Manifest, TopicBackup, read_manifest, write_manifest
from streams.backup.segments import SegmentWriter
from streams.clock import now_ms
from streams.errors import CallerMistake, file_error
from streams.log.admin import admin_client
from streams.log.fillers import is_filler
from streams.log.policies import REPORT_KEY
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import POLICY
from streams.private_files import PRIVATE_FOLDER
from streams.settings import Settings

Report = Callable[[str], None]
"""Receives one line about the progress."""


async def take_backup(settings: Settings, folder: Path, *, report: Report = lambda line: None) -> Manifest:
    """Copy the topics that no source can rebuild into a folder.

    A folder with a backup gets the records since then. An interrupted run is continued by the next one. Until a run has
    ended, the previous state of the backup remains valid.

    Args:
        settings: address of the broker, and the prefix of topic names.
        folder: folder of the backup; it is created if missing.
        report: receives one line for each file.

    Returns:
        The manifest that describes the backup.

    Raises:
        CallerMistake: the folder cannot be written, or has the backup of other topics.
        DependencyAway: the broker does not answer, or the disk is full.
        TopicsError: a topic does not exist.
    """
    ids = await asyncio.to_thread(_topic_ids, settings)
    try:
        folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        manifest = replace(_last_state(settings, folder, ids), began_at_ms=now_ms())
        for name in ORDER:
            manifest = await _add_topic(settings, folder, manifest, name, ids[name], report)
        write_manifest(folder, manifest)
        (folder / UNFINISHED).unlink(missing_ok=True)
    except OSError as error:
        raise file_error(f"cannot write {folder}", error, fix="name a folder of yours") from None
    return manifest


def _topic_ids(settings: Settings) -> dict[str, str]:
    with admin_client(settings) as admin:
        present = set(admin.list_topics())
        missing = [name for name in ORDER if settings.topic(name) not in present]
        if missing:
            raise CallerMistake(
                f"topic {settings.topic(missing[0])} does not exist on {settings.kafka}",
                fix="check HUSHTAG_KAFKA and HUSHTAG_TOPIC_PREFIX",
            )
        described = admin.describe_topics([*map(settings.topic, ORDER)])
        ids = {topic["name"]: str(topic["topic_id"]) for topic in described}
    return {name: ids[settings.topic(name)] for name in ORDER}


def _last_state(settings: Settings, folder: Path, ids: dict[str, str]) -> Manifest:
    """Return the state to continue from: that of an interrupted run, or of the last one."""
    manifest = read_manifest(folder, UNFINISHED) or read_manifest(folder)
    if manifest is None:
        return Manifest(prefix=settings.topic_prefix, shards=settings.shards, began_at_ms=0)
    if manifest.prefix != settings.topic_prefix:
        raise CallerMistake(
            f"{folder} has the backup of topics with the prefix {manifest.prefix!r}, not {settings.topic_prefix!r}",
            fix="name another folder, or set HUSHTAG_TOPIC_PREFIX",
        )
    for name, topic in manifest.topics.items():
        if topic.topic_id != ids[name]:
            raise CallerMistake(
                f"{folder} has the backup of another topic {settings.topic(name)}: it was created again",
                fix="back up into an empty folder, and keep this one",
            )
    return replace(manifest, shards=settings.shards)


async def _add_topic(
    settings: Settings, folder: Path, manifest: Manifest, name: str, topic_id: str, report: Report
) -> Manifest:
    backup = manifest.topics.get(name, TopicBackup(topic_id=topic_id))
    topic = settings.topic(name)
    async with LogReader(connection(settings), topic, committed_only=name in LOG) as reader:
        end = (await reader.bounds((0,)))[0].end
        if end < backup.next_offset:
            raise CallerMistake(
                f"{topic} ends at {end}, but {folder} has it up to {backup.next_offset}: it was cut short",
                fix="keep this backup, and back up into an empty folder",
            )
        writer: SegmentWriter | None = None
        try:
            async for batch in reader.to_end({0: backup.next_offset}, {0: end}):
                for record in batch:
                    if _is_left_out(name, record.key, record.value):
                        continue
                    writer = writer or SegmentWriter(folder, name, backup.next_offset)
                    writer.write(record)
                    if writer.is_full:
                        backup = _with_segment(backup, writer, record.offset + 1)
                        manifest, writer = _noted(folder, manifest, name, backup, report), None
            if writer is not None:
                backup, writer = _with_segment(backup, writer, end), None
                report(f"{topic}: {backup.records:,} records up to offset {end}")
        finally:
            if writer is not None:
                with suppress(OSError):
                    writer.discard()
    backup = replace(backup, next_offset=end)
    manifest = replace(manifest, topics=manifest.topics | {name: backup})
    write_manifest(folder, manifest, UNFINISHED)
    return manifest


def _is_left_out(name: str, key: bytes | None, value: bytes | None) -> bool:
    """Return whether a restore need not write a record: a filler, or a worker's report on its file, soon outdated."""
    return is_filler(key, value) or (name == POLICY and key is not None and key.startswith(REPORT_KEY))


def _with_segment(backup: TopicBackup, writer: SegmentWriter, next_offset: int) -> TopicBackup:
    segment = writer.finish(next_offset)
    return replace(backup, segments=(*backup.segments, segment), next_offset=next_offset)


def _noted(folder: Path, manifest: Manifest, name: str, backup: TopicBackup, report: Report) -> Manifest:
    manifest = replace(manifest, topics=manifest.topics | {name: backup})
    write_manifest(folder, manifest, UNFINISHED)
    report(f"{manifest.prefix}{name}: {backup.records:,} records up to offset {backup.next_offset}")
    return manifest
