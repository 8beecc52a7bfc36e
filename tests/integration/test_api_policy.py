"""The policy over HTTP on a real broker: put live through the topic, tried in the shadow, rolled back."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from moderation.access.keys import hash_of
from streams.log.policies import encode_policy_record, read_policy_topic
from streams.log.policy_order import policy_key
from streams.settings import Settings
from tests.support.in_memory_policies import POLICY, SHIPPED, record_of

pytestmark = pytest.mark.integration
STRICTER = SHIPPED.replace(b"suppress_at: 0.55", b"suppress_at: 0.6").decode()


@pytest.fixture
def api(topics: Settings, tmp_path: Path) -> Iterator[str]:
    """Run `hushtag api` with a key for an admin."""
    environment = os.environ | {
        "HUSHTAG_KAFKA": topics.kafka,
        "HUSHTAG_REDIS_URL": topics.redis_url,
        "HUSHTAG_TOPIC_PREFIX": topics.topic_prefix,
    }
    key = {"name": "asha", "role": "admin", "sha256": hash_of("hush_asha"), "acts_for_others": True}
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [key]}))
    keys = str(tmp_path / "keys.json")
    program = [str(Path(sys.executable).parent / "hushtag"), "api", "--port", "0", "--json", "--keys", keys]
    process = subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())["url"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) in (0, -signal.SIGTERM), "a shadow ends with its process"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


async def settled(client: httpx.AsyncClient, path: str) -> dict[str, Any]:
    """Ask until a run no longer reads the past."""
    while True:
        found: dict[str, Any] = (await client.get(path)).json()
        if found["state"] not in ("waiting", "running", "reading"):
            return found
        await asyncio.sleep(0.1)


async def test_policy_is_changed_tried_and_rolled_back_over_http(topics: Settings, api: str) -> None:
    async with AIOKafkaProducer(bootstrap_servers=topics.kafka) as producer:
        first = encode_policy_record(record_of(SHIPPED, model_revision="0" * 12))
        await producer.send_and_wait(topics.topic("policy"), first, key=policy_key(POLICY.revision), partition=0)
    asha = {"Authorization": "Bearer hush_asha"}
    async with httpx.AsyncClient(base_url=api, headers=asha, timeout=60) as client:

        async def write(path: str, key: str, **body: Any) -> httpx.Response:
            return await client.post(path, json={"reason": "r"} | body, headers={"Idempotency-Key": key})

        change = {"policy": STRICTER, "if_live": POLICY.revision}
        both = await asyncio.gather(
            write("/v1/policy/changes", "1", **change, reason="a"),
            write("/v1/policy/changes", "2", **change, reason="b"),
        )
        assert sorted(one.status_code for one in both) == [201, 409], [one.text for one in both]
        live = next(one.json() for one in both if one.status_code == 201)
        assert (await client.get("/v1/policy")).json()["revision"] == live["revision"], "shown at once"
        topic = await read_policy_topic(topics)
        assert topic.live is not None and (topic.live.serial, topic.live.via) == (2, "topic")
        begun = (await client.post("/v1/policy/impacts", json={"policy": SHIPPED.decode()})).json()
        job = await settled(client, f"/v1/policy/impacts/{begun['id']}")
        assert job["state"] == "done" and job["report"]["changes"] == [], job
        assert (await write("/v1/policy/shadow", "3", policy=SHIPPED.decode())).status_code == 201
        shadow = await settled(client, "/v1/policy/shadow")
        assert shadow["state"] == "following", shadow
        back = await write("/v1/policy/rollback", "4", revision=POLICY.revision, if_live=live["revision"])
        assert back.status_code == 201 and back.json()["serial"] == 3, back.text
        page = await client.get("/console/policy")
        assert page.status_code == 200 and back.json()["revision"] in page.text
