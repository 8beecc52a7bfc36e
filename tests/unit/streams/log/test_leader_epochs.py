"""Log ends count only if the leader's answer is confirmed by every in-sync replica."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from io import BytesIO
from uuid import UUID

import pytest
from aiokafka.protocol.admin import ApiVersionResponse_v0

from streams.errors import BrokerRefuses
from streams.log.broker_requests import (
    EpochEndRequestV3,
    EpochEndResponseV3,
    MetadataRequestV11,
    MetadataResponseV11,
)
from streams.log.leader_epochs import EpochEnd, LeaderEpochs, Leadership, TopicView, proven_end

METADATA, EPOCH_ENDS, API_VERSIONS = 3, 23, 18
NOT_LEADER, FENCED, UNKNOWN_EPOCH, UNKNOWN_TOPIC, REFUSED = 6, 74, 76, 3, 29
OLD, NEW = UUID(int=1), UUID(int=2)
LED = EpochEnd(0, 5, 40)
FOLLOWS = EpochEnd(NOT_LEADER, -1, -1)
LEADERSHIP = Leadership(leader=1, epoch=5, replicas=frozenset({1, 2, 3}), in_sync=frozenset({1, 2}))


@pytest.mark.parametrize(
    ("answers", "end"),
    [
        ({1: LED, 2: FOLLOWS, 3: FOLLOWS}, 40),
        ({1: LED, 2: EpochEnd(UNKNOWN_EPOCH, -1, -1)}, 40),
        ({1: LED, 3: FOLLOWS}, None),
        ({1: LED, 2: EpochEnd(FENCED, -1, -1), 3: FOLLOWS}, None),
        ({1: LED, 2: FOLLOWS, 3: EpochEnd(FENCED, -1, -1)}, None),
        ({1: LED, 2: EpochEnd(UNKNOWN_TOPIC, -1, -1)}, None),
        ({1: EpochEnd(0, 4, 40), 2: FOLLOWS}, None),
        ({1: EpochEnd(0, -1, -1), 2: FOLLOWS}, None),
        ({1: FOLLOWS, 2: LED}, None),
        ({2: FOLLOWS}, None),
    ],
    ids=[
        "all confirm", "follower lags", "in-sync replica silent", "replica knows a newer epoch",
        "replica out of sync knows a newer epoch", "replica does not know the topic", "end of an older epoch",
        "epoch unknown to the leader", "leader moved", "leader silent",
    ],
)  # fmt: skip
def test_end_is_proven_only_if_no_newer_leader_can_write(answers: Mapping[int, EpochEnd], end: int | None) -> None:
    assert proven_end(LEADERSHIP, answers) == end


class Node:
    """A broker in memory, with its own view of one topic."""

    def __init__(self, number: int, ports: dict[int, int]) -> None:
        self.number, self._ports = number, ports
        self.topic_id = OLD
        self.topic_error = 0
        self.leaders: dict[int, tuple[int, int]] = {0: (1, 5)}
        """Leader and epoch by partition."""
        self.in_sync = [1, 2]
        self.end = 40
        self.is_silent = False
        self.asked = 0

    def metadata(self, request: MetadataRequestV11) -> MetadataResponseV11:
        assert [name for _, name, _ in request.topics] == ["tweets"] and not request.allow_auto_topic_creation
        self.asked += 1
        brokers = [(node, "127.0.0.1", port, None, {}) for node, port in self._ports.items()]
        partitions = [
            (0, number, leader, epoch, list(self._ports), self.in_sync, [], {})
            for number, (leader, epoch) in self.leaders.items()
        ]
        topic = (self.topic_error, "tweets", self.topic_id, False, [] if self.topic_error else partitions, 0, {})
        return MetadataResponseV11(0, brokers, "cluster", 1, [topic], {})

    def epoch_ends(self, request: EpochEndRequestV3) -> EpochEndResponseV3:
        [(topic, partitions)] = request.topics
        return EpochEndResponseV3(0, [(topic, [self._end(*one) for one in partitions])])

    def _end(self, number: int, current: int, epoch: int) -> tuple[int, int, int, int]:
        leader, known = self.leaders[number]
        assert current == epoch
        if current != known:
            return (FENCED if current < known else UNKNOWN_EPOCH, number, -1, -1)
        if leader != self.number:
            return (NOT_LEADER, number, -1, -1)
        return (0, number, epoch, self.end)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                (size,) = struct.unpack(">i", await reader.readexactly(4))
                body = await reader.readexactly(size)
                while self.is_silent:
                    await asyncio.sleep(0.01)
                key, _, correlation = struct.unpack(">hhi", body[:8])
                answer = self._answer(key, body[8:])
                writer.write(struct.pack(">ii", 4 + len(answer), correlation) + answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _answer(self, key: int, rest: bytes) -> bytes:
        if key == API_VERSIONS:
            return ApiVersionResponse_v0(0, [(METADATA, 0, 13), (EPOCH_ENDS, 2, 4)]).encode()
        (length,) = struct.unpack(">h", rest[:2])
        payload = rest[2 + length :]
        if key == METADATA:  # flexible: tags end the headers of the request and of the answer
            return b"\0" + self.metadata(MetadataRequestV11.decode(BytesIO(payload[1:]))).encode()
        return self.epoch_ends(EpochEndRequestV3.decode(BytesIO(payload))).encode()


@asynccontextmanager
async def cluster(count: int = 2) -> AsyncIterator[tuple[dict[int, Node], LeaderEpochs]]:
    ports: dict[int, int] = {}
    nodes = {number: Node(number, ports) for number in range(1, count + 1)}
    servers = []
    for number, node in nodes.items():
        servers.append(await asyncio.start_server(node.serve, "127.0.0.1", 0))
        ports[number] = servers[-1].sockets[0].getsockname()[1]
    epochs = LeaderEpochs({"bootstrap_servers": f"127.0.0.1:{ports[1]}"}, "tweets")
    try:
        yield nodes, epochs
    finally:
        epochs.close()
        for server in servers:
            server.close()


async def ends(epochs: LeaderEpochs) -> dict[int, int]:
    view = await epochs.describe()
    assert view is not None
    return await epochs.log_ends(view, [0])


async def test_leader_answers_with_its_log_end() -> None:
    async with cluster() as (nodes, epochs):
        view = await epochs.describe()
        assert view == TopicView(str(OLD), {0: Leadership(1, 5, frozenset({1, 2}), frozenset({1, 2}))})
        assert await epochs.log_ends(view, [0, 7]) == {0: 40}, "partition 7 does not exist"
        nodes[1].end = 41
        assert await ends(epochs) == {0: 41}


async def test_isolated_old_leader_proves_nothing() -> None:
    """The old leader is not aware of the new one, whose log is longer."""
    async with cluster() as (nodes, epochs):
        assert await ends(epochs) == {0: 40}
        nodes[2].leaders, nodes[2].in_sync, nodes[2].end = {0: (2, 6)}, [2], 90
        found = [await ends(epochs) for _ in range(6)]
        assert found[0] == {}, "the old leader's view is asked first"
        assert {0: 90} in found and {0: 40} not in found


async def test_view_with_an_older_epoch_counts_as_none() -> None:
    """The other replica is silent now, so nothing but the epoch already seen contradicts the old leader."""
    async with cluster() as (nodes, epochs):
        newer = TopicView(str(OLD), {0: Leadership(2, 6, frozenset({2}), frozenset({2}))})
        older = TopicView(str(OLD), {0: Leadership(1, 5, frozenset({1}), frozenset({1}))})
        await epochs.describe()
        nodes[2].leaders = {0: (2, 6)}
        assert await epochs.log_ends(older, [0]) == {0: 40}
        assert await epochs.log_ends(newer, [0]) == {0: 40}
        assert await epochs.log_ends(older, [0]) == {}
        again = TopicView(str(NEW), {0: Leadership(1, 5, frozenset({1}), frozenset({1}))})
        assert await epochs.log_ends(again, [0]) == {0: 40}, "a topic created again has epochs of its own"


async def test_silent_in_sync_replica_leaves_the_end_unproven(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.log.leader_epochs._ANSWER_SECONDS", 0.2)
    async with cluster() as (nodes, epochs):
        nodes[2].is_silent = True
        assert await ends(epochs) == {}
        nodes[1].in_sync = [1]
        assert await ends(epochs) == {0: 40}, "the controller has taken it out of the in-sync set"


async def test_leader_of_the_partition_is_asked_first() -> None:
    async with cluster() as (nodes, epochs):
        for node in nodes.values():
            node.leaders = {0: (2, 5)}
        await epochs.describe()
        before = nodes[2].asked
        nodes[2].topic_id = NEW
        view = await epochs.describe(0)
        assert view is not None and view.topic_id == str(NEW) and nodes[2].asked == before + 1


async def test_absent_brokers_and_a_missing_topic_are_no_view(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.log.leader_epochs._ANSWER_SECONDS", 0.2)
    assert await LeaderEpochs({"bootstrap_servers": "127.0.0.1:1"}, "tweets").describe() is None
    async with cluster() as (nodes, epochs):
        for node in nodes.values():
            node.topic_error = UNKNOWN_TOPIC
        assert await epochs.describe() is None
        nodes[2].topic_error = 0
        assert await epochs.describe() is not None, "another broker knows it"


async def test_missing_right_names_the_topic() -> None:
    async with cluster(1) as (nodes, epochs):
        nodes[1].topic_error = REFUSED
        with pytest.raises(BrokerRefuses, match="User:ANONYMOUS lacks Describe on topic tweets"):
            await epochs.describe()
