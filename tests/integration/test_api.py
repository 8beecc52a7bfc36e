"""The HTTP API and its cases on a real broker: a process, its keys, and the records that it writes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from moderation.access.keys import hash_of
from moderation.publiclog.reading import read_page
from moderation.publiclog.rows import AuditFilter
from moderation.publiclog.writer import AuditWriter
from streams.clock import now_ms
from streams.log.decisions import Decision, Evidence, ScopeDecision, encode_record, version_of
from streams.log.policies import encode_policy_record
from streams.log.policy_order import policy_key
from streams.settings import Settings
from tests.support.policy_records import record_of
from tests.support.public_log import with_keys

pytestmark = pytest.mark.integration
HOUR_MS = 3_600_000


def decision(tag: str, action: str) -> bytes:
    evidence = Evidence(window_ms=600_000, tweets=9, authors=8, scored=7, share=0.6, lower=0.5, upper=0.7)
    ruling = ScopeDecision(
        category="abuse", surface="trends", action=action, since_ms=now_ms() - 1_000, expires_at_ms=now_ms() + HOUR_MS,
        evidence=evidence,
    )  # type: ignore[arg-type]  # fmt: skip
    return encode_record(
        Decision(
            hashtag=tag, display=tag, country="IN", rulings=(ruling,), version=version_of(1, 1), tick_ms=1,
            settled_ms=1, decided_at_ms=now_ms(), policy_revision="p", model_revision="m",
        )
    )  # fmt: skip


@contextmanager
def running(topics: Settings, *options: str) -> Iterator[dict[str, str]]:
    """Run `hushtag api`; yield the object that it prints."""
    environment = os.environ | {
        "HUSHTAG_KAFKA": topics.kafka,
        "HUSHTAG_REDIS_URL": topics.redis_url,
        "HUSHTAG_TOPIC_PREFIX": topics.topic_prefix,
    }
    program = [str(Path(sys.executable).parent / "hushtag"), "api", "--port", "0", "--json", "--share", "1"]
    process = subprocess.Popen([*program, *options], env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield json.loads(process.stdout.readline())
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) in (0, -signal.SIGTERM)
    process.stdout.close()


@pytest.fixture
def url(topics: Settings, tmp_path: Path) -> Iterator[str]:
    """Run the API with a key for Ann, a moderator, and one for Ben, who has all rights."""
    keys = [{"name": n, "role": r, "sha256": hash_of(f"hush_{n}")} for n, r in (("ann", "moderator"), ("ben", "admin"))]
    (tmp_path / "keys.json").write_text(json.dumps({"keys": keys}))
    with running(topics, "--keys", str(tmp_path / "keys.json")) as printed:
        assert "link" not in printed
        yield printed["url"]


def caller(url: str, name: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer hush_{name}"}, timeout=60)


async def write(client: httpx.AsyncClient, path: str, key: str, actor: str, **body: object) -> httpx.Response:
    return await client.post(path, json={"actor": actor, "reason": "r", **body}, headers={"Idempotency-Key": key})


async def test_faulty_bodies_leave_other_calls_and_answers_small(url: str) -> None:
    unknown = json.dumps({f"m{number}": 1 for number in range(600_000)}).encode()
    targets = [{"kind": "planet", "target": ""}] * 100_000
    order = json.dumps({"reason": "r", "targets": targets}).encode()
    headers = {"Content-Type": "application/json", "Idempotency-Key": "k"}
    async with caller(url, "ben") as ben, caller(url, "ann") as ann:
        for path, body, status in (("/v1/overrides", unknown, 413), ("/v1/orders", order, 422)):
            refused = asyncio.create_task(ben.post(path, content=body, headers=headers))
            meanwhile = 0
            while not refused.done():
                assert (await ann.get("/v1/me")).status_code == 200
                meanwhile += not refused.done()
            answer = await refused
            assert (answer.status_code, len(answer.json().get("errors", ())) <= 100) == (status, True)
            assert meanwhile and len(answer.content) < 50_000


async def test_api_refuses_the_second_of_two_claims(topics: Settings, url: str, tmp_path: Path) -> None:
    async with AIOKafkaProducer(bootstrap_servers=topics.kafka) as producer:
        for tag, action in (("held", "hold"), ("down", "suppress")):
            await producer.send_and_wait(topics.topic("suppression-decisions"), decision(tag, action), partition=1)
    async with caller(url, "ann") as ann, caller(url, "ben") as ben:
        block = {"hashtag": "#Rumour", "action": "block", "if_version": ""}
        both = await asyncio.gather(
            write(ann, "/v1/overrides", "1", "ann", **block), write(ben, "/v1/overrides", "1", "ben", **block)
        )
        assert sorted(one.status_code for one in both) == [201, 409]
        loser = next(one.json() for one in both if one.status_code == 409)
        winner = next(one.json() for one in both if one.status_code == 201)
        assert loser["changed"][0]["id"] == winner["id"]
        items = (await ann.get("/v1/cases")).json()["items"]
        assert [(item["why"], item["hashtag"]) for item in items] == [(["hold"], "held"), (["second_look"], "down")]
        path = f"/v1/cases/{items[0]['id']}"
        assert (await write(ann, f"{path}/claim", "2", "ann")).status_code == 201
        assert (await write(ben, f"{path}/claim", "2", "ben")).status_code == 409
        assert (await ann.post(f"{path}/heartbeat")).status_code == 200
        assert (await write(ann, f"{path}/decision", "3", "ann", verdict="hide")).status_code == 403, "answer first"
        assert (await write(ann, f"{path}/answer", "4", "ann", answer="hide")).status_code == 201
        done = (await write(ann, f"{path}/decision", "5", "ann", verdict="hide")).json()
        assert [(one["action"], one["hashtag"]) for one in done["effects"]] == [("block", "held")]
        assert done["left"]["open"] is False
        statements = (await ann.get("/v1/hashtags/held/statements")).json()
        assert [one["restriction"]["source"] for one in statements["items"]] == ["human"]
        assert (await ann.get("/v1/audit")).status_code == 403
        async with AuditWriter(with_keys(topics)) as writer:
            await writer.catch_up()
        logged = (await ben.get("/v1/audit", params={"hashtag": "held"})).json()["items"]
        kinds = {row["kind"] for row in logged}
        assert kinds == {"decision", "case_claim", "case_answer", "case_decision", "override"}


async def test_printed_link_logs_the_reviewer_in_again(topics: Settings) -> None:
    with running(topics, "--reviewer", "asha") as printed:
        async with httpx.AsyncClient(base_url=printed["url"], timeout=60) as browser:
            assert (await browser.get("/v1/me")).status_code == 401
            opened = await browser.get(printed["link"])
            assert (opened.status_code, opened.headers["location"]) == (303, "/console")
            assert (await browser.get("/v1/me")).json()["writes_as"] == "asha"
            assert (await browser.get("/console", follow_redirects=True)).status_code == 200
        async with httpx.AsyncClient(base_url=printed["url"], timeout=60) as other:
            assert (await other.get("/v1/me")).status_code == 401
            assert (await other.get(printed["link"])).status_code == 303, "it opens until the server ends"
            assert (await other.get("/v1/me")).json()["writes_as"] == "asha"


async def test_process_limits_guesses_and_half_open_connections(url: str) -> None:
    """The server takes no address from a header, since no proxy is trusted, and bounds the connections of one."""
    async with httpx.AsyncClient(base_url=url, timeout=60) as guesser:
        answers = [
            await guesser.get(
                "/v1/overrides", headers={"Authorization": f"Bearer {n}", "X-Forwarded-For": f"10.0.0.{n}"}
            )
            for n in range(60)
        ]
    statuses = [one.status_code for one in answers]
    assert set(statuses[:10]) == {401} and statuses.count(429) > 40
    address = httpx.URL(url)
    opened = [await asyncio.open_connection(address.host, address.port) for _ in range(200)]
    for _, writer in opened:
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
    try:
        reads = (asyncio.wait_for(reader.read(), 60) for reader, _ in opened)
        ended = await asyncio.gather(*reads, return_exceptions=True)
    finally:
        for _, writer in opened:
            writer.close()
    late = [one for one in ended if isinstance(one, bytes) and one.startswith(b"HTTP/1.1 408")]
    refused = [one for one in ended if isinstance(one, ConnectionError) or one[:12] == b"HTTP/1.1 503"]
    assert late, "they end at the deadline"
    assert len(refused) >= len(opened) - 128, "and some get no slot: the answer may be lost with the connection"
    assert len(late) + len(refused) == len(opened)
    async with caller(url, "ann") as ann:
        assert (await ann.get("/v1/overrides")).status_code == 200


async def test_audit_log_is_paged(topics: Settings) -> None:
    keyed = with_keys(topics)
    async with AIOKafkaProducer(bootstrap_servers=topics.kafka) as producer:
        for number in range(25):
            kind = b'{"kind":"odd"}' if number % 2 else b'{"kind":"even"}'
            await producer.send_and_wait(topics.topic("moderation"), kind, key=b"%d" % number, partition=0)
            if number % 10 == 0:
                async with AuditWriter(keyed) as writer:  # one transaction each
                    await writer.catch_up()
    async with AuditWriter(keyed) as writer:
        await writer.catch_up()
    found, following = list[int](), 0
    while following is not None:
        rows, following = await read_page(topics, AuditFilter(kind="odd"), following, 5)  # type: ignore[assignment]
        assert len(rows) <= 5
        found += [row.seq for row in rows]
    assert found == list(range(1, 25, 2))
    assert await read_page(topics, AuditFilter(), 1_000, 5) == ([], None)


async def test_process_streams_events_and_answers_probes(topics: Settings, url: str) -> None:
    """A stream resumes after its last event, also at another process: ids are positions in the log."""
    block = {"hashtag": "#Rumour", "action": "block", "if_version": ""}
    async with caller(url, "ann") as ann, caller(url, "ben") as ben:
        async with ann.stream("GET", "/v1/events", params={"kinds": ["override", "stop"]}) as stream:
            lines = stream.aiter_lines()
            assert stream.headers["content-type"].startswith("text/event-stream")
            assert await anext(lines) == "retry: 1000"
            assert (await write(ben, "/v1/overrides", "1", "ben", **block)).status_code == 201
            first = await event_in(lines)
        assert first["event"] == "override" and json.loads(first["data"])["actor"] == "ben"
        assert (await write(ben, "/v1/pause", "2", "ben", if_version="")).status_code == 201
        async with ann.stream("GET", "/v1/events", headers={"Last-Event-ID": first["id"]}) as stream:
            assert (await event_in(stream.aiter_lines()))["event"] == "stop"
        assert (await ann.get("/v1/stop")).json()["paused"] is True
        assert (await ann.get("/v1/held")).json()["items"][0]["hashtag"] == "rumour"
        assert (await ann.get("/v1/policy")).status_code == 404, "no worker has put one live"
        assert (await ann.get("/readyz")).json() == {"status": "ready"}
        assert "hushtag_api_event_streams" in (await ann.get("/metrics")).text


async def event_in(lines: AsyncIterator[str]) -> dict[str, str]:
    """Read the next event of a stream; comments keep it open."""
    found: dict[str, str] = {}
    while True:
        line = await asyncio.wait_for(anext(lines), 60)
        if not line and "event" in found:
            return found
        name, _, value = line.partition(": ")
        found |= {name: value} if name in ("id", "event", "data") else {}


async def test_process_judges_the_past_under_another_policy(topics: Settings, url: str) -> None:
    live, other = record_of(1), record_of(2)
    async with AIOKafkaProducer(bootstrap_servers=topics.kafka) as producer, caller(url, "ann") as ann:
        value = encode_policy_record(live)
        await producer.send_and_wait(topics.topic("policy"), value, key=policy_key(live.revision), partition=0)
        found = (await ann.get("/v1/policy")).json()
        assert (found["revision"], found["serial"]) == (live.revision, 1)
        done = await ann.post("/v1/policy/impact", json={"policy": other.policy, "since": "1h"})
        assert done.status_code == 200, done.text
        assert (done.json()["live_revision"], done.json()["new_revision"]) == (live.revision, other.revision)
        unknown = await write(
            ann, "/v1/overrides", "1", "ann", hashtag="t", action="block", surfaces=["x"], if_version=""
        )
        assert unknown.json()["errors"][0]["pointer"] == "#/surfaces/0", "the live policy defines the surfaces"
