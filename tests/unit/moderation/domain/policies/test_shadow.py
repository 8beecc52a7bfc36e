"""A policy in the shadow: it ends by time, by a person and with the process."""

from __future__ import annotations

import asyncio

from moderation.domain.policies.shadow import ShadowRun
from streams.errors import CallerMistake
from tests.support.backtest_cases import LIVE, NEW, steady
from tests.support.in_memory_policies import InMemoryPolicies, record_of

BEGAN_MS = 1_611_600_000_000


def run_for(lasts_ms: int) -> ShadowRun:
    return ShadowRun(NEW, NEW.canonical, "ann", "try it", began_ms=BEGAN_MS, lasts_ms=lasts_ms)


def world() -> InMemoryPolicies:
    return InMemoryPolicies([record_of(LIVE.canonical.encode())], steady(LIVE, {"harsh": 0.9}))


async def test_shadow_ends_at_its_time() -> None:
    shadows = world().services()[2]
    shadows.begin(run := run_for(200))
    while run.runs:
        await asyncio.sleep(0.01)
    assert run.state == "ended"
    shadows.begin(again := run_for(60_000))
    await shadows.close()
    assert again.state == "ended" and shadows.current is again


async def test_fault_of_the_follower_is_the_state_of_the_shadow() -> None:
    shadows = world().services()[2]

    def follow(*_: object) -> None:
        raise CallerMistake("no policy was ever live here", fix="start a worker first")

    shadows._follow = follow
    shadows.begin(run := run_for(60_000))
    await shadows.close()
    assert run.state == "failed" and "no policy" in str(run.error)
    shadows.stop("ben")
    assert run.stopped_by == "", "it had ended"
    assert BEGAN_MS <= run.ends_at_ms < BEGAN_MS + 60_000


async def test_stopped_shadow_ended_when_it_was_stopped() -> None:
    shadows = world().services()[2]
    shadows.begin(run := run_for(60_000))
    shadows.stop("ben")
    assert (run.state, run.stopped_by, BEGAN_MS <= run.ends_at_ms < BEGAN_MS + 60_000) == ("stopped", "ben", True)
    await shadows.close()
    assert run.state == "stopped"
