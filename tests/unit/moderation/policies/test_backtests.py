"""Jobs over the evidence: shared surveys, one impact a person, and an end at close."""

from __future__ import annotations

import asyncio

import pytest

from moderation.policies.backtests import JOBS_MAX, SURVEY_FRESH_MS, BacktestJob
from tests.support.backtest_cases import LIVE, NEW, steady
from tests.support.in_memory_policies import InMemoryPolicies


@pytest.fixture
def policies() -> InMemoryPolicies:
    return InMemoryPolicies(evidence=steady(LIVE, {"harsh": 0.9}))


async def ended(job: BacktestJob) -> BacktestJob:
    while job.state in ("waiting", "running"):
        await asyncio.sleep(0.01)
    return job


async def test_survey_is_shared_until_it_is_old_or_the_policy_changes(policies: InMemoryPolicies) -> None:
    _, backtests, _ = policies.services()
    first = backtests.survey(LIVE)
    assert backtests.survey(LIVE) is first, "while it runs"
    assert (await ended(first)).report.revision == LIVE.revision
    assert backtests.survey(LIVE) is first
    first.began_ms -= SURVEY_FRESH_MS + 1
    second = backtests.survey(LIVE)
    third = backtests.survey(NEW)
    assert len({first.id, second.id, third.id}) == 3
    await backtests.close()


async def test_jobs_are_bounded_and_belong_to_their_person(policies: InMemoryPolicies) -> None:
    _, backtests, _ = policies.services()
    jobs = [backtests.impact(LIVE, NEW, 1, f"person-{number}") for number in range(JOBS_MAX + 1)]
    assert backtests.find(jobs[0].id, "person-0") is None, "the oldest is gone"
    assert backtests.find(jobs[1].id, "person-1") is jobs[1]
    assert backtests.find(jobs[1].id, "person-2") is None
    await backtests.close()
    assert all(job.state in ("done", "failed") for job in jobs)


async def test_person_with_many_jobs_pushes_out_no_other(policies: InMemoryPolicies) -> None:
    _, backtests, _ = policies.services()
    other = backtests.impact(LIVE, NEW, 1, "ben")
    own = [backtests.impact(LIVE, NEW, 1, "ann") for _ in range(JOBS_MAX + 1)]
    assert backtests.find(other.id, "ben") is other
    assert [backtests.find(one.id, "ann") is not None for one in own[-4:]] == [False, True, True, True]
    await backtests.close()


async def test_close_ends_a_running_job(policies: InMemoryPolicies) -> None:
    policies.wait_seconds = 0.05
    _, backtests, _ = policies.services()
    job = backtests.impact(LIVE, NEW, 1, "ann")
    while job.done == 0:
        await asyncio.sleep(0.01)
    await backtests.close()
    assert job.state == "failed" and job.done < len(policies.evidence)
