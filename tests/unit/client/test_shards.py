"""Shards: the contract's vectors, the pipeline's own hash, and the staleness of each shard."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hushtag_client import MemoryFlagsClient
from hushtag_client.shards import shard_of
from hushtag_client.wire import MOST_SHARDS, PollState, reply
from hypothesis import given
from hypothesis import strategies as st

from streams.counting.keys import Sharding
from tests.support.flag_vectors import server_with_heartbeats
from tests.support.paths import ROOT

_SHARDS = json.loads((ROOT / "docs/vectors/shards.json").read_text("utf-8"))
_STALENESS = json.loads((ROOT / "docs/vectors/staleness.json").read_text("utf-8"))


@pytest.mark.parametrize("case", _SHARDS["cases"], ids=lambda case: case["hashtag"])
def test_shard_vectors(case: dict[str, Any]) -> None:
    assert {count: shard_of(case["hashtag"], int(count)) for count in case["shards"]} == case["shards"]
    assert shard_of(case["hashtag"], 2**32) == case["crc32"]


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(1, 1024))
def test_client_and_pipeline_agree_on_shard(hashtag: str, shards: int) -> None:
    assert shard_of(hashtag, shards) == Sharding(shards).of(hashtag)


def test_lone_surrogate_has_a_shard() -> None:
    assert 0 <= shard_of("\ud800", 8) < 8


@pytest.mark.parametrize("case", _STALENESS["cases"], ids=lambda case: case["name"])
def test_staleness_vectors(case: dict[str, Any]) -> None:
    for asked in case["questions"]:
        now = [case["seen_ms"]]
        server = server_with_heartbeats(case["registers"], case["heartbeats"], case["reconciled"])
        client = MemoryFlagsClient(server, clock=lambda now=now: now[0], surface_defaults={"search": "hide"})
        client.catch_up()
        server.away, now[0] = True, asked["at_ms"]
        answer = client.check(asked["hashtag"], asked["surface"], asked["country"])
        by = answer.register.field if answer.register else None
        assert (answer.shown, answer.why, by) == (asked["shown"], asked["why"], asked["by"]), asked
        assert answer.weight == asked.get("weight", 1.0), asked


def test_heartbeat_without_renewal_is_read() -> None:
    beats = {
        b"0": b'{"settled_ms":5,"at_ms":6,"partitions":2}',
        b"1": b'{"settled_ms":5,"at_ms":6,"partitions":2,"renewed_ms":7,"added_later":1}',
    }
    read = reply(PollState(), [b"life", b"1", beats, {}]).heartbeats  # type: ignore[union-attr]
    assert [read[shard].renewed_ms for shard in (0, 1)] == [0, 7]


MALFORMED = (
    "[]",
    "5",
    "{",
    '{"settled_ms":1,"at_ms":1}',
    '{"settled_ms":1e999,"at_ms":1,"partitions":1}',
    '{"settled_ms":1,"at_ms":1,"partitions":0}',
    f'{{"settled_ms":1,"at_ms":1,"partitions":{MOST_SHARDS + 1}}}',
    "[" * 100_000,
)


@pytest.mark.parametrize("value", MALFORMED)
def test_malformed_heartbeat_counts_as_missing(value: str) -> None:
    assert reply(PollState(), [b"life", b"1", {b"0": value.encode()}, {}]).heartbeats == {}  # type: ignore[union-attr]


def test_other_number_of_shards_makes_former_watermarks_worthless() -> None:
    now = 1_000_000
    server = server_with_heartbeats([], {"0": {"settled_ms": now, "at_ms": now, "partitions": 1}}, ["0"])
    client = MemoryFlagsClient(server, clock=lambda: now)
    assert client.check("tag", "trends").why == "clear"
    server.beat({1: now}, now + 1, 2)
    server.finish("1", server.incarnation)
    assert client.status().missing_shards == (0,)
    assert {client.check(tag, "trends").why for tag in ("sometag", "there")} == {"clear", "stale"}
