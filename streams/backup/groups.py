"""Consumer groups of the workers: a reshard needs them empty, and sets their positions back."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from kafka.structs import OffsetAndMetadata, TopicPartition

from streams.constants import BLOCK
from streams.errors import CallerMistake, DependencyAway
from streams.log.reading import Bounds
from streams.settings import Settings

_STAGES = frozenset({"ingest", "judge", "publish"})
_POLL_SECONDS = 0.5
_GRACE_SECONDS = 10.0


def worker_groups(admin: Any, settings: Settings) -> list[str]:
    """Return the groups of this deployment: the one of whole workers, and those of sets of stages."""
    whole = settings.topic_prefix + settings.group
    names = (str(group["group_id"]) for group in admin.list_groups())
    return sorted(name for name in names if name == whole or _is_of_stages(name, whole + "-"))


def _is_of_stages(name: str, prefix: str) -> bool:
    return name.startswith(prefix) and set(name.removeprefix(prefix).split("-")) <= _STAGES


def wait_until_empty(admin: Any, groups: list[str], session_seconds: float, report: Callable[[str], None]) -> None:
    """Wait until no worker is a member: one that ended without leaving stays for its session.

    Raises:
        CallerMistake: a worker still runs.
    """
    deadline = time.monotonic() + session_seconds + _GRACE_SECONDS
    reported = False
    while members := _members(admin, groups):
        if time.monotonic() >= deadline:
            raise CallerMistake(
                f"{len(members)} workers still run: {', '.join(members[:5])}",
                fix="stop all workers, then repeat the command; nothing was changed",
            )
        if not reported:
            report(f"waiting up to {session_seconds + _GRACE_SECONDS:g} s for {', '.join(members[:5])} to leave")
            reported = True
        time.sleep(_POLL_SECONDS)


def _members(admin: Any, groups: list[str]) -> list[str]:
    if not groups:
        return []
    described = admin.describe_groups(groups)
    return sorted(
        str(member.get("client_id") or member.get("member_id"))
        for group in described.values()
        for member in group.get("members") or ()
    )


def set_back(admin: Any, group: str, tweets: str, starts: Mapping[int, Bounds]) -> None:
    """Set a group's positions in `tweets` back, never forward, and to the start of a block.

    Args:
        admin: connected admin client.
        group: name of the group.
        tweets: name of the topic, with its prefix.
        starts: for each partition the log's first offset, and as `end` the offset to read from. A position before the
            first offset is deleted instead, so that a worker begins at the first one.
    """
    positions: Mapping[Any, Any] = admin.list_group_offsets([group])[group]
    changed, deleted = {}, []
    for tp, committed in positions.items():
        if tp.topic != tweets or committed.offset < 0 or tp.partition not in starts:
            continue
        start = starts[tp.partition]
        at = min(committed.offset, start.end) // BLOCK * BLOCK
        if at < start.begin:
            deleted.append(tp)
        else:
            changed[tp] = OffsetAndMetadata(at, committed.metadata or "", -1)
    if changed:
        _check(admin.alter_group_offsets(group, changed), group)
    if deleted:
        _check(admin.delete_group_offsets(group, deleted), group)


def forget(admin: Any, group: str, topics: set[str]) -> None:
    """Delete a group's positions in some topics."""
    positions: Mapping[Any, Any] = admin.list_group_offsets([group])[group]
    partitions = [TopicPartition(tp.topic, tp.partition) for tp in positions if tp.topic in topics]
    if partitions:
        _check(admin.delete_group_offsets(group, partitions), group)


def _check(results: Mapping[Any, Any], group: str) -> None:
    for tp, error in results.items():
        if getattr(error, "errno", 0):
            raise DependencyAway(
                f"the position of {group} in {tp.topic}[{tp.partition}] was not changed: {error.__name__}",
                fix="stop all workers, then repeat the command",
            )
