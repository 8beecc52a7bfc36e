"""Tests of the demo's console: prepared records, the run's policy, and what the view says about them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from hushtag_client.registers import Register
from rich.console import Console

from devkit.demo import policy, prepare, view
from devkit.demo.state import DemoState
from devkit.demo.verdict import DemoVerdict
from devkit.demo.watch import _unprepared
from devkit.stack.local_run import POLICY
from streams.clock import now_ms
from streams.policy import parse_policy
from tests.support.moderation_world import World

LINK = "http://127.0.0.1:8710/login/link?token=" + "x" * 22


@pytest.fixture
def written() -> World:
    world = World(share=1.0, clock=now_ms)
    asyncio.run(prepare.write_records(world.moderation, world.reviews))
    return world


def test_prepared_records_are_cases_and_an_order(written: World) -> None:
    async def found() -> dict[str, set[str]]:
        tags = (prepare.BLOCKED, prepare.HELD)
        return {tag: {one.item.kind for one in (await written.case(tag)).items if one.is_open} for tag in tags}

    assert asyncio.run(found()) == {prepare.BLOCKED: {"appeal"}, prepare.HELD: {"hold"}}
    fold = written.orders.fold
    [order] = fold.by_id.values()
    assert (order.state, len(order.rows)) == ("under_review", 4)
    assert sum(fold.protected(row.target) is not None for row in order.rows) == 1
    assert not fold.refused


def test_prepared_records_flag_prepared_hashtags_only(written: World) -> None:
    assert {scope[0] for scope in written.moderation.view.fold.stacks()} <= prepare.PREPARED


def test_watcher_leaves_prepared_hashtags_out() -> None:
    fields: dict[str, Any] = {"version": "1", "action": "block", "surface": "trends", "source": "human"}
    registers = [Register(hashtag=tag, **fields) for tag in (*sorted(prepare.PREPARED), "outnow")]
    assert [one.hashtag for one in _unprepared(registers)] == ["outnow"]


def test_policy_of_run_leaves_the_world_to_people() -> None:
    shipped = parse_policy(POLICY.read_bytes(), POLICY.name)
    found = parse_policy(policy.policy_of_run(POLICY.read_text("utf-8")), POLICY.name, shards=8)
    for category in found.category_names:
        for surface in found.surfaces:
            for country in ("IN", "GB"):
                expected = replace(shipped.rule(category, surface, country), min_established=60)
                assert found.rule(category, surface, country) == expected
            world = found.rule(category, surface, "*")
            assert (world.mode, world.suppress_at) == (
                "hold_for_review", shipped.rule(category, surface, "*").suppress_at,
            )  # fmt: skip
            assert found.rule(category, surface, "US").mode == "review"


def shown(state: DemoState) -> str:
    console = Console(record=True, width=140, file=open("/dev/null", "w"))  # noqa: SIM115
    with console.file:
        console.print(view.summary(state, DemoVerdict([]).judge(1)))
    return console.export_text()


def test_link_is_the_first_hint() -> None:
    state = DemoState("http://127.0.0.1:1", "http://127.0.0.1:2", "p.yaml", "", 60, LINK, prepare.LINES)
    assert view.hints(state)[0] == ("decide as asha", LINK)
    state.exports = "export HUSHTAG_KAFKA=x"
    assert [label for label, _ in view.hints(state)][:2] == ["export first", "decide as asha"]


def test_summary_names_the_prepared_records() -> None:
    state = DemoState("http://127.0.0.1:1", "http://127.0.0.1:2", "p.yaml", "", 60, "", prepare.LINES)
    text = shown(state)
    assert "prepared for the console, before the first tweet and outside this evaluation" in text
    assert all(line in text for line in prepare.LINES) and "login/link" not in text
    state.prepared = ()
    assert "prepared" not in shown(state)
