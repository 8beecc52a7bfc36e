"""Restore a backup into a fresh cluster.

Records of people and policies get their former offsets and log times: versions, activations and the audit log refer to
them. The topics of the shards begin empty, so the incarnation rises by a record in the `policy` topic.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from streams.backup.contents import BackupContents, open_backup
from streams.backup.equal_offsets import EqualOffsetWriter
from streams.backup.flags_view import FlagsView
from streams.backup.manifest import ORDER
from streams.backup.stamping import producer_times
from streams.clock import monotonic_seconds, now_ms
from streams.errors import CallerMistake
from streams.log.policies import INCARNATION_KEY, NewIncarnation, encode_policy_record
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import (
    AUDIT,
    AUDIT_OPENINGS,
    DEAD_LETTER,
    INTERNAL_DEAD_LETTER,
    MODERATION,
    POLICY,
    SPECS,
    TWEETS,
)
from streams.log.topics import create_topics, needs_of
from streams.policy import Policy
from streams.settings import Settings

Report = Callable[[str], None]
_EQUAL = frozenset({MODERATION, POLICY})
"""Topics whose offsets have a meaning."""
_MAY_HAVE_RECORDS = frozenset({TWEETS, DEAD_LETTER, INTERNAL_DEAD_LETTER})
_REPORT_SECONDS = 5.0
_PART = 5_000
"""Records between two looks at the clock."""


@dataclass(frozen=True, slots=True)
class RestoreResult:
    """Result of a restore: records, offsets and time."""

    records: dict[str, int]
    """Number of records by topic."""
    fillers: int
    """Tombstones written so that each record has its former offset."""
    incarnation: int
    began_at_ms: int
    """Time before which everything is restored."""
    seconds: float


async def restore_backup(
    settings: Settings,
    folder: Path,
    *,
    actor: str,
    reason: str,
    replicas: int = -1,
    clear_flags: bool = False,
    report: Report = lambda line: None,
) -> RestoreResult:
    """Check a backup, create missing topics, and write the records into them.

    Args:
        settings: addresses of the new cluster and of Redis.
        folder: folder of the backup.
        actor: person who restores.
        reason: text for the record.
        replicas: copies of each partition of new topics; -1: the broker's default.
        clear_flags: delete the flags that Redis has; the publish stage writes people's again.
        report: receives a line about the progress now and then.

    Raises:
        CallerMistake: the backup is damaged, or the cluster or Redis is not empty.
        DependencyAway: the broker or Redis does not answer.
    """
    began = monotonic_seconds()
    report(f"checking {folder}")
    backup = await asyncio.to_thread(open_backup, folder)
    _check_fit(settings, backup)
    await _check_flags(settings, clear_flags)
    live = backup.policy.live
    needs = needs_of(settings, None if live is None else Policy.from_canonical(live.policy))
    await asyncio.to_thread(create_topics, settings, replicas=replicas, needs=needs, report=report)
    await _check_that_cluster_is_empty(settings)
    records, fillers = await _write_all(settings, backup, actor, reason, report)
    if clear_flags:
        await _clear_flags(settings)
    return RestoreResult(
        records=records,
        fillers=fillers,
        incarnation=backup.policy.incarnation + 1,
        began_at_ms=backup.manifest.began_at_ms,
        seconds=monotonic_seconds() - began,
    )


def _check_fit(settings: Settings, backup: BackupContents) -> None:
    manifest = backup.manifest
    if manifest.prefix != settings.topic_prefix:
        raise CallerMistake(
            f"the backup is of topics with the prefix {manifest.prefix!r}, not {settings.topic_prefix!r}",
            fix=f"set HUSHTAG_TOPIC_PREFIX={manifest.prefix}",
        )
    live = backup.policy.live
    cap = None if live is None else Policy.from_canonical(live.policy).valves.new_suppressions_per_hour
    if cap is not None and cap < settings.shards:
        raise CallerMistake(
            f"valves.new_suppressions_per_hour {cap} of the live policy is below HUSHTAG_SHARDS={settings.shards}",
            fix=f"set HUSHTAG_SHARDS to {cap} or less",
        )


async def _check_flags(settings: Settings, clear_flags: bool) -> None:
    async with FlagsView(settings.redis_url, partitions=settings.shards) as view:
        count = await view.count()
    if count and not clear_flags:
        raise CallerMistake(
            f"Redis has {count:,} flags: they may be newer than the backup",
            fix="--clear-flags deletes them once the backup is restored; the worker writes people's flags again",
        )


async def _clear_flags(settings: Settings) -> None:
    async with FlagsView(settings.redis_url, partitions=settings.shards) as view:
        await view.forget_all()


async def _check_that_cluster_is_empty(settings: Settings) -> None:
    used = []
    for spec in SPECS:
        if spec.name in _MAY_HAVE_RECORDS:
            continue
        async with LogReader(connection(settings), settings.topic(spec.name)) as reader:
            if any(bounds.end > 0 for bounds in (await reader.bounds()).values()):
                used.append(settings.topic(spec.name))
    if used:
        raise CallerMistake(
            f"the cluster is not fresh: {', '.join(used)} had records, so nothing was restored",
            fix="stop all of hushtag, delete these topics (kafka-topics.sh --delete), and restore again",
        )


async def _write_all(
    settings: Settings, backup: BackupContents, actor: str, reason: str, report: Report
) -> tuple[dict[str, int], int]:
    records: dict[str, int] = {}
    fillers = 0
    with producer_times(settings, [*map(settings.topic, ORDER)]):
        for name in ORDER:
            topic = settings.topic(name)
            async with EqualOffsetWriter(settings, topic, is_dense=name not in _EQUAL) as writer:
                await _write_topic(writer, backup, name, report, topic)
                if name == POLICY:
                    await _raise_incarnation(writer, settings, backup, actor, reason)
                await writer.flush()
            records[name], fillers = writer.written, fillers + writer.fillers
            report(f"{topic}: {writer.written:,} records restored, {writer.fillers:,} offsets filled")
    return records, fillers


async def _write_topic(
    writer: EqualOffsetWriter, backup: BackupContents, name: str, report: Report, topic: str
) -> None:
    reported, log_time_ms = monotonic_seconds(), now_ms()
    leaves = backup.manifest.topics[AUDIT].records
    for record in backup.records(name):
        if name == AUDIT_OPENINGS and int(record.key or b"0") >= leaves:
            continue  # the backup has no leaf of it: the entry is logged again, with another opening
        log_time_ms = record.log_time_ms
        await writer.write(record.offset, log_time_ms, record.key, record.value)
        if writer.written % _PART == 0 and monotonic_seconds() - reported >= _REPORT_SECONDS:
            reported = monotonic_seconds()
            total = backup.manifest.topics[name].records
            report(f"{topic}: {writer.written:,} of {total:,} records")
    if name in _EQUAL:
        await writer.fill_to(backup.manifest.topics[name].next_offset, log_time_ms)


async def _raise_incarnation(
    writer: EqualOffsetWriter, settings: Settings, backup: BackupContents, actor: str, reason: str
) -> None:
    at_ms, policy = now_ms(), backup.manifest.topics[POLICY]
    record = NewIncarnation(
        incarnation=backup.policy.incarnation + 1, why="restore", shards=settings.shards, at_ms=at_ms, actor=actor,
        reason=reason,
    )  # fmt: skip
    await writer.write(policy.next_offset, at_ms, INCARNATION_KEY, encode_policy_record(record))
