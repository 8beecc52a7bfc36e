"""Jobs over the evidence: shared surveys, one impact a person, and an end at close."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from moderation.domain.personal_runs import RUNS_MAX
from moderation.domain.policies.backtests import SURVEY_AGAIN_MS, SURVEY_FRESH_MS, BacktestJob, Backtests
from streams.errors import DependencyAway
from streams.log.evidence import EvidenceRecord
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
    first.began_seconds -= SURVEY_FRESH_MS / 1000 + 1
    second = backtests.survey(LIVE)
    third = backtests.survey(NEW)
    assert len({first.id, second.id, third.id}) == 3
    await backtests.close()


async def test_jobs_are_bounded_and_belong_to_their_person(policies: InMemoryPolicies) -> None:
    _, backtests, _ = policies.services()
    jobs = [backtests.impact(LIVE, NEW, 1, f"person-{number}") for number in range(RUNS_MAX + 1)]
    assert backtests.find(jobs[0].id, "person-0") is None, "the oldest is gone"
    assert backtests.find(jobs[1].id, "person-1") is jobs[1]
    assert backtests.find(jobs[1].id, "person-2") is None
    await backtests.close()
    assert all(job.state in ("done", "failed") for job in jobs)


async def test_person_with_many_jobs_pushes_out_no_other(policies: InMemoryPolicies) -> None:
    _, backtests, _ = policies.services()
    other = backtests.impact(LIVE, NEW, 1, "ben")
    own = [backtests.impact(LIVE, NEW, 1, "ann") for _ in range(RUNS_MAX + 1)]
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


async def test_failed_survey_says_so_and_is_soon_begun_again(policies: InMemoryPolicies) -> None:
    fails: list[Exception] = [DependencyAway("Kafka does not answer"), ValueError("bug")]

    async def feed(since_ms: int) -> AsyncGenerator[tuple[EvidenceRecord, int, int], None]:
        if fails:
            raise fails.pop()
        async for one in policies.feed(since_ms):
            yield one

    backtests = Backtests(feed)
    for words in ("the run failed", "Kafka does not answer"):
        job = await ended(backtests.survey(LIVE))
        assert (job.state, str(job.error)) == ("failed", words)
        assert backtests.survey(LIVE) is job, "a page that is reloaded does not read at once"
        job.began_seconds -= SURVEY_AGAIN_MS / 1000 + 1
    assert (await ended(backtests.survey(LIVE))).state == "done"
    await backtests.close()


async def test_cancelled_call_ends_its_thread(policies: InMemoryPolicies) -> None:
    policies.wait_seconds = 0.05
    read: list[int] = []

    async def feed(since_ms: int) -> AsyncGenerator[tuple[EvidenceRecord, int, int], None]:
        async for one in policies.feed(since_ms):
            read.append(one[1])
            yield one

    backtests = Backtests(feed)
    call = asyncio.create_task(backtests.judge(LIVE, NEW, 1))
    while not read:
        await asyncio.sleep(0.01)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    await asyncio.sleep(0.2)
    seen = len(read)
    await asyncio.sleep(0.2)
    assert len(read) == seen < len(policies.evidence)
