"""Surfaces and categories of the live policy, in the commands of moderators."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka import AIOKafkaProducer
from click.testing import Result
from typer.testing import CliRunner

from streams.cli.main import make_app
from streams.errors import CallerMistake
from streams.log.policies import PolicyRecord, encode_policy_record
from streams.log.reading import connection
from streams.policy import parse_policy
from streams.settings import Settings
from tests.support.policy_cases import GOOD

pytestmark = pytest.mark.integration
ONLY_TRENDS = "surfaces: [trends]\n" + GOOD.replace("surface: search", "surface: trends")
WHY = ("--reason", "r", "--actor", "ann", "--wait", "0", "--json")


async def activate(settings: Settings, text: str) -> None:
    policy = parse_policy(text, "policy.yaml")
    record = PolicyRecord(
        revision=policy.revision, serial=policy.serial, policy=policy.canonical, model_revision="0" * 12,
        from_tick_ms=0, proposed_at_ms=0, proposed_by="w", text=text,
    )  # fmt: skip
    async with AIOKafkaProducer(**connection(settings), acks="all") as sender:
        await sender.send_and_wait(settings.topic("policy"), encode_policy_record(record), key=b"p", partition=0)


def run(settings: Settings, *arguments: str) -> Result:
    env = {"HUSHTAG_KAFKA": settings.kafka, "HUSHTAG_REDIS_URL": settings.redis_url,
           "HUSHTAG_TOPIC_PREFIX": settings.topic_prefix, "HUSHTAG_POLICY": str(settings.policy)}  # fmt: skip
    return CliRunner().invoke(make_app(), arguments, env=env)


def test_moderator_commands_use_live_policy_instead_of_local_file(topics: Settings) -> None:
    assert run(topics, "block", "BookTok", "--surface", "search", *WHY).exit_code == 0, "the file has both surfaces"
    asyncio.run(activate(topics, ONLY_TRENDS))
    for command in (("block", "BookTok", "--surface", "search"), ("pause", "--surface", "search")):
        refused = run(topics, *command, *WHY).exception
        assert isinstance(refused, CallerMistake)
        assert (str(refused), refused.fix) == ("unknown surface 'search'", "use one of trends")
    refused = run(topics, "pause", "--category", "spam", *WHY).exception
    assert isinstance(refused, CallerMistake)
    assert refused.fix == "use one of abuse"
    blocked = run(topics, "block", "BookTok", *WHY)
    assert (blocked.exit_code, '"surfaces": ["trends"]' in blocked.stdout) == (0, True)
