"""Consumer groups of the workers: found by name, empty before a reshard, set back to the start of a block."""

from __future__ import annotations

from typing import Any

import pytest
from kafka.errors import NoError, UnknownMemberIdError
from kafka.structs import OffsetAndMetadata, TopicPartition

from streams.backup.groups import forget, set_back, wait_until_empty, worker_groups
from streams.errors import CallerMistake, DependencyAway
from streams.log.reading import Bounds
from streams.settings import Settings


class FakeAdmin:
    """The admin client's view of groups."""

    def __init__(self, names: list[str] | None = None) -> None:
        self.names = names or []
        self.members: list[list[dict[str, str]]] = []
        self.offsets: dict[TopicPartition, OffsetAndMetadata] = {}
        self.answer: Any = NoError

    def list_groups(self) -> list[dict[str, str]]:
        return [{"group_id": name} for name in self.names]

    def describe_groups(self, groups: list[str]) -> dict[str, dict[str, Any]]:
        now = self.members.pop(0) if self.members else []
        return {groups[0]: {"members": now}}

    def list_group_offsets(self, groups: list[str]) -> dict[str, Any]:
        return {groups[0]: dict(self.offsets)}

    def alter_group_offsets(self, _: str, offsets: dict[TopicPartition, OffsetAndMetadata]) -> dict[Any, Any]:
        self.offsets |= offsets
        return dict.fromkeys(offsets, self.answer)

    def delete_group_offsets(self, _: str, partitions: list[TopicPartition]) -> dict[Any, Any]:
        for tp in partitions:
            del self.offsets[tp]
        return dict.fromkeys(partitions, self.answer)


def at(offset: int, metadata: str = "id of tweets") -> OffsetAndMetadata:
    return OffsetAndMetadata(offset, metadata, 3)


def test_groups_of_all_sets_of_stages_are_found():
    ours = ["x.h", "x.h-ingest", "x.h-ingest-judge", "x.h-publish"]
    admin = FakeAdmin([*ours, "x.h-reports", "x.h2", "h", "x.h-", "x.h-ingest-other"])
    assert worker_groups(admin, Settings(topic_prefix="x.", group="h")) == ours


def test_running_worker_is_named_and_a_session_awaited(monkeypatch):
    monkeypatch.setattr("streams.backup.groups._POLL_SECONDS", 0.0)
    admin, lines = FakeAdmin(), list[str]()
    admin.members = [[{"client_id": "hushtag-w1"}], [{"client_id": "hushtag-w1"}], []]
    wait_until_empty(admin, ["h"], 1.0, lines.append)
    assert lines == ["waiting up to 11 s for hushtag-w1 to leave"]
    monkeypatch.setattr("streams.backup.groups._GRACE_SECONDS", -1.0)
    admin.members = [[{"client_id": "hushtag-w1"}]]
    with pytest.raises(CallerMistake, match="1 workers still run: hushtag-w1"):
        wait_until_empty(admin, ["h"], 1.0, lines.append)
    wait_until_empty(admin, [], 1.0, lines.append)


@pytest.mark.parametrize(
    ("committed", "begin", "since", "expected"),
    [
        (10_240, 0, 5_000, 4_864),  # back to the block of the moment
        (512, 0, 5_000, 512),  # never forward
        (700, 0, 5_000, 512),  # always the start of a block
        (10_240, 4_900, 5_000, None),  # that block's start is gone: the log's first offset
        (10_240, 4_864, 5_000, 4_864),
    ],
)
def test_position_is_set_back_to_a_block_start(committed, begin, since, expected):
    admin, tp = FakeAdmin(), TopicPartition("tweets", 1)
    other = TopicPartition("moderation", 0)
    admin.offsets = {tp: at(committed), other: at(7)}
    set_back(admin, "h", "tweets", {1: Bounds(begin, since)})
    assert admin.offsets.get(tp) == (None if expected is None else OffsetAndMetadata(expected, "id of tweets", -1))
    assert admin.offsets[other] == at(7)


def test_positions_of_deleted_topics_are_forgotten():
    admin, gone, stays = FakeAdmin(), TopicPartition("partials", 0), TopicPartition("tweets", 0)
    admin.offsets = {gone: at(5), stays: at(256)}
    forget(admin, "h", {"partials"})
    assert set(admin.offsets) == {stays}


def test_refused_change_is_reported():
    admin, tp = FakeAdmin(), TopicPartition("tweets", 0)
    admin.offsets, admin.answer = {tp: at(512)}, UnknownMemberIdError
    with pytest.raises(DependencyAway, match=r"the position of h in tweets\[0\] was not changed: UnknownMemberId"):
        set_back(admin, "h", "tweets", {0: Bounds(0, 0)})
