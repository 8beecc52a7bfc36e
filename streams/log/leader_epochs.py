"""Log ends under the current leader epoch, as the leader and its in-sync replicas confirm them.

A high watermark does not show what the leader has stamped and not yet replicated. Only the leader's log end does. An
old leader that is cut off from the others still believes that it leads, and its log end proves nothing. So the same
request goes to every replica. The leader answers with its log end. Another in-sync replica answers that it does not
lead, and would answer with another error if it knew a newer epoch. The next leader is one of them, and it stamps
records only after it has learnt its epoch. An end is therefore proved when all in-sync replicas have answered so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from aiokafka.conn import AIOKafkaConnection, collect_hosts, create_conn
from aiokafka.errors import KafkaError

from streams.log.broker_requests import DescribeTopic, EpochEnds
from streams.log.kafka_security import TOPIC_AUTHORIZATION_FAILED, lacking
from streams.log.silence import answer_within

_ANSWER_SECONDS = 2.0
_NOT_LEADER, _UNKNOWN_LEADER_EPOCH = 6, 76
_FOLLOWS = (_NOT_LEADER, _UNKNOWN_LEADER_EPOCH)
"""Errors of a broker that knows no newer epoch than the requested one, and does not lead."""
Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Leadership:
    """Leader and replicas of a partition, by node id."""

    leader: int
    epoch: int
    replicas: frozenset[int]
    in_sync: frozenset[int]


@dataclass(frozen=True, slots=True)
class TopicView:
    """A topic as one broker sees it."""

    topic_id: str
    partitions: Mapping[int, Leadership] = field(default_factory=dict)


class EpochEnd(NamedTuple):
    """Answer of one broker about one partition."""

    error: int
    epoch: int
    end: int


def proven_end(leadership: Leadership, answers: Mapping[int, EpochEnd]) -> int | None:
    """Return the leader's log end, or None while another replica may lead under a newer epoch.

    Args:
        leadership: the leader, its epoch, and the replicas.
        answers: answers to the epoch of `leadership`, by node id.
    """
    lead = answers.get(leadership.leader)
    if lead is None or lead.error or lead.epoch != leadership.epoch:
        return None
    others = leadership.replicas - {leadership.leader}
    if any(node in answers and answers[node].error not in _FOLLOWS for node in others):
        return None
    return None if (leadership.in_sync - {leadership.leader}) - answers.keys() else lead.end


class LeaderEpochs:
    """Queries the brokers for the identity, the leaders and the log ends of one topic.

    Args:
        kafka: arguments of every aiokafka client (`streams.log.reading.connection`).
        topic: name of the topic.
    """

    def __init__(self, kafka: Mapping[str, Any], topic: str) -> None:
        self._kafka = kafka
        self._topic = topic
        self._login = {name: value for name, value in kafka.items() if name != "bootstrap_servers"}
        self._bootstrap: list[Address] = [(host, port) for host, port, _ in collect_hosts(kafka["bootstrap_servers"])]
        self._addresses: dict[int, Address] = {}
        self._connections: dict[Address, AIOKafkaConnection] = {}
        self._opening: dict[Address, asyncio.Lock] = {}
        self._leaders: dict[int, int] = {}
        self._seen: dict[tuple[str, int], int] = {}
        """Greatest epoch of each partition, by topic id and number."""
        self._turn = 0
        """Position of the broker that is asked first: the last one that gave a good answer."""

    def close(self) -> None:
        """Close the connections to all brokers."""
        connections, self._connections = self._connections, {}
        for connection in connections.values():
            connection.close()

    async def describe(self, partition: int | None = None) -> TopicView | None:
        """Return the topic as a broker sees it; None if no broker knows it or none answers.

        Args:
            partition: number of the partition whose leader is asked first.

        Raises:
            BrokerRefuses: this user has no right to describe the topic.
        """
        brokers = [*self._addresses.values(), *self._bootstrap]
        first = self._turn % len(brokers)
        order = brokers[first:] + brokers[:first]
        leader = self._addresses.get(self._leaders.get(partition, -1)) if partition is not None else None
        for at in dict.fromkeys([*([leader] if leader else []), *order]):
            answer = await self._ask(at, DescribeTopic(self._topic))
            view = None if answer is None else self._read(answer)
            if view is not None:
                return view
            self._turn += 1
        return None

    def _read(self, answer: Any) -> TopicView | None:
        self._addresses = {node: (host, port) for node, host, port, _, _ in answer.brokers} or self._addresses
        for error, name, topic_id, _, partitions, _, _ in answer.topics:
            if error == TOPIC_AUTHORIZATION_FAILED:
                raise lacking("Describe", f"topic {self._topic}", self._kafka)
            if error or name != self._topic:
                continue
            self._leaders = {number: leader for _, number, leader, *_ in partitions}
            return TopicView(
                str(topic_id),
                {
                    number: Leadership(leader, epoch, frozenset(replicas), frozenset(in_sync))
                    for _, number, leader, epoch, replicas, in_sync, _, _ in partitions
                },
            )
        return None

    async def log_ends(self, view: TopicView, partitions: Iterable[int]) -> dict[int, int]:
        """Return the proven log ends of those partitions that have one.

        A view with an epoch below one already seen counts as none: it comes from a broker that lags behind.
        """
        asked = {number: leadership for number in partitions if (leadership := view.partitions.get(number)) is not None}
        current = {
            number: leadership
            for number, leadership in asked.items()
            if self._is_current(view.topic_id, number, leadership.epoch)
        }
        by_node: dict[int, dict[int, int]] = {}
        for number, leadership in current.items():
            for node in leadership.replicas | {leadership.leader}:
                by_node.setdefault(node, {})[number] = leadership.epoch
        received = await asyncio.gather(*[self._ask_epochs(node, epochs) for node, epochs in by_node.items()])
        answers = dict(zip(by_node, received, strict=True))
        ends: dict[int, int] = {}
        for number, leadership in current.items():
            log_ends = {node: answer[number] for node, answer in answers.items() if number in answer}
            end = proven_end(leadership, log_ends)
            if end is not None:
                ends[number] = end
        if len(ends) < len(asked):
            self._turn += 1  # another broker may know a newer epoch, or a smaller set of replicas in sync
        return ends

    def _is_current(self, topic_id: str, number: int, epoch: int) -> bool:
        """Note an epoch, and return whether none above it was seen. A topic created again begins at epoch 0."""
        greatest = max(epoch, self._seen.get((topic_id, number), -1))
        self._seen[topic_id, number] = greatest
        return epoch >= greatest

    async def _ask_epochs(self, node: int, epochs: Mapping[int, int]) -> dict[int, EpochEnd]:
        at = self._addresses.get(node)
        answer = None if at is None else await self._ask(at, EpochEnds(self._topic, epochs))
        if answer is None:
            return {}
        return {
            number: EpochEnd(error, epoch, end)
            for _, partitions in answer.topics
            for error, number, epoch, end in partitions
        }

    async def _ask(self, at: Address, request: Any) -> Any:
        """Return a broker's answer; None without one."""
        try:
            return await answer_within(_ANSWER_SECONDS, self._send(at, request))
        except (OSError, KafkaError, TimeoutError):
            if (connection := self._connections.pop(at, None)) is not None:
                connection.close()
            return None

    async def _send(self, at: Address, request: Any) -> Any:
        async with self._opening.setdefault(at, asyncio.Lock()):
            connection = self._connections.get(at)
            if connection is None or not connection.connected():
                connection = self._connections[at] = await create_conn(*at, **self._login)
        return await connection.send(request)
