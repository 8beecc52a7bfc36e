"""The local cluster of several brokers: replicas, a killed leader, a paused follower, a secured start."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from devkit.stack import KafkaCluster, LocalStack
from streams.errors import BrokerRefuses
from streams.log.reading import connection
from streams.log.topics import create_topics, find_problems
from streams.settings import Settings
from tests.support.secured import blocking

pytestmark = [pytest.mark.cluster, pytest.mark.long, pytest.mark.timeout(300)]


async def send(settings: Settings, value: bytes) -> int:
    async with AIOKafkaProducer(**connection(settings), acks="all", enable_idempotence=True) as producer:
        return (await producer.send_and_wait(settings.topic("tweets"), value, partition=0)).offset


def test_cluster_survives_a_killed_leader_and_a_paused_follower(tmp_path: Path) -> None:
    lag = {"replica.lag.time.max.ms": "2000"}
    with KafkaCluster(tmp_path / "cluster", brokers=4, controllers=1, config=lag) as cluster:
        settings = Settings(kafka=cluster.bootstrap, shards=1)
        create_topics(settings, replicas=3)
        deadline = time.monotonic() + 30  # each broker learns of a topic on its own
        while problems := find_problems(settings):
            assert time.monotonic() < deadline, problems
            time.sleep(0.2)
        assert len(cluster.partition("tweets", 0)["replica_nodes"]) == 3
        cluster.wait_in_sync("tweets", 0, 3)
        first = cluster.leader("tweets", 0)
        assert blocking(send(settings, b"1")) == 0
        first.kill()
        second = cluster.wait_for_leader("tweets", 0, other_than=first)
        assert second is not first
        assert blocking(send(settings, b"2")) == 1
        first.start()
        cluster.wait_in_sync("tweets", 0, 3)
        others = set(cluster.partition("tweets", 0)["replica_nodes"]) - {cluster.leader("tweets", 0).node_id}
        follower = cluster.node(others.pop())
        follower.pause()
        cluster.wait_in_sync("tweets", 0, 2)
        assert blocking(send(settings, b"3")) == 2
        follower.resume()
        cluster.wait_in_sync("tweets", 0, 3)
        cluster.brokers[3].restart()
    assert not any(node.running for node in cluster.nodes)


def test_secured_stack_of_three_brokers_keeps_its_users_over_a_restart(tmp_path: Path) -> None:
    for number in range(2):
        with LocalStack(tmp_path / "data", brokers=3, secure=True) as stack:
            login = {name.removeprefix("HUSHTAG_").lower(): value for name, value in stack.environment().items()}
            settings = Settings.model_validate({**login, "shards": 1})
            assert isinstance(stack.kafka_server, KafkaCluster)
            create_topics(settings, replicas=3)
            stack.kafka_server.wait_in_sync("tweets", 0, 3)
            assert blocking(send(settings, b"x")) == number
            stack.kafka_server.add_user("ann")
            assert stack.logins is not None
            ann = settings.model_dump() | stack.logins.kafka_settings("ann")
            with pytest.raises(BrokerRefuses, match="User:ann lacks Describe"):
                find_problems(Settings.model_validate(ann))
