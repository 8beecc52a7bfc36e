"""Backtests of policies on the kept evidence: one at a time in a thread, each takes a core for some seconds.

A job can be asked for its progress, and its result is kept for a while in memory. A person has one impact at a time: a
new one ends the one before. All people share the survey of the live policy's thresholds.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, Protocol

from moderation.domain.personal_runs import PersonalRuns
from streams.clock import monotonic_seconds, now_ms
from streams.constants import HOUR_MS, MINUTE_MS
from streams.errors import CallerMistake, DependencyAway, HushtagError
from streams.log.evidence import EvidenceRecord
from streams.log.evidence_reading import read_evidence
from streams.policy import Policy
from streams.settings import Settings

if TYPE_CHECKING:  # its import takes half a second
    from models.share import Scale
    from streams.backtest import ImpactReport

DAY_MS = 24 * HOUR_MS
SURVEY_FRESH_MS = 15 * MINUTE_MS
"""Age up to which a survey is shown again."""
SURVEY_AGAIN_MS = 30_000
"""Age after which a failed survey is begun again."""
Feed = Callable[[int], AsyncGenerator[tuple[EvidenceRecord, int, int], None]]
"""A time to the records since, each with the number read and the total."""


class _Backtest(Protocol):
    def add(self, record: EvidenceRecord) -> None: ...

    def finish(self) -> Any: ...


class _Ended(Exception):
    """End of a job that its owner no longer wants."""


class BacktestJob:
    """One run over the evidence."""

    def __init__(self, owner: str, revision: str, *, tries_scale: bool = False) -> None:
        self.tries_scale = tries_scale
        """Whether the scale of the model is tried, not a policy."""
        self.id = secrets.token_urlsafe(12)
        self.owner = owner
        """Person who asked for it; "" for the survey."""
        self.revision = revision
        """Revision of the policy that is tried."""
        self.state: Literal["waiting", "running", "done", "failed"] = "waiting"
        self.done = 0
        self.total = 0
        """Records of evidence; 0: not known yet."""
        self.began_seconds = monotonic_seconds()
        self.report: Any = None
        self.error: HushtagError | None = None
        self.unwanted = False


class Backtests:
    """Jobs over the evidence.

    Args:
        feed: reads the evidence since a time.
        clock: present time, Unix time in ms.
    """

    def __init__(self, feed: Feed, *, clock: Callable[[], int] = now_ms) -> None:
        self._feed = feed
        self._clock = clock
        self._one = asyncio.Lock()
        self._jobs = PersonalRuns[BacktestJob]()
        self._tasks: set[asyncio.Task[None]] = set()
        self._survey: BacktestJob | None = None
        self._judged: set[BacktestJob] = set()
        """Jobs of calls that wait for their reports."""

    async def judge(self, live: Policy, new: Policy, back_ms: int) -> ImpactReport:
        """Judge the past under two policies and return the differences."""
        job = BacktestJob("", new.revision)
        self._judged.add(job)
        try:
            report: ImpactReport = await self._run(job, _impact(live, new), back_ms)
            return report
        except _Ended:
            raise DependencyAway("the API is being stopped", fix="repeat it in a moment") from None
        finally:
            job.unwanted = True  # a call that was cancelled leaves its thread behind
            self._judged.discard(job)

    def impact(
        self, live: Policy, new: Policy, back_ms: int, owner: str, *, scales: Mapping[bytes, Scale] | None = None
    ) -> BacktestJob:
        """Begin a comparison of two policies on the past; the owner's last one ends if it still runs.

        With `scales` the new side also reads the evidence on other scales (see `Impact`).
        """
        job = BacktestJob(owner, new.revision, tries_scale=scales is not None)
        self._jobs.add(job)
        self._begin(job, _impact(live, new, scales), back_ms)
        return job

    def find(self, job: str, owner: str) -> BacktestJob | None:
        """Return a person's job; None for an unknown one."""
        return self._jobs.find(job, owner)

    def survey(self, live: Policy) -> BacktestJob:
        """Return the survey of the live policy over the last day; begin one if there is none or it is old."""
        survey = self._survey
        if survey is None or survey.revision != live.revision or _is_old(survey):
            if survey is not None:
                survey.unwanted = True
            survey = self._survey = BacktestJob("", live.revision)
            self._begin(survey, lambda: _survey(live), DAY_MS)
        return survey

    async def close(self) -> None:
        """End all running jobs."""
        for job in (*self._jobs, *self._judged, *filter(None, [self._survey])):
            job.unwanted = True
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, job: BacktestJob, make: Callable[[], _Backtest], back_ms: int) -> None:
        async def run() -> None:
            try:
                await self._run(job, make, back_ms)
            except HushtagError as error:
                job.error = error
            except _Ended:
                job.error = CallerMistake("a later one took its place", fix="look at the later one")
            except Exception:
                job.error = DependencyAway("the run failed", fix="the log of `hushtag api` has the trace")
                raise
            finally:
                job.state = "done" if job.error is None and job.report is not None else "failed"

        task = asyncio.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, job: BacktestJob, make: Callable[[], _Backtest], back_ms: int) -> Any:
        async with self._one:
            job.report = await asyncio.to_thread(self._judge, job, make, back_ms)
            return job.report

    def _judge(self, job: BacktestJob, make: Callable[[], _Backtest], back_ms: int) -> Any:
        job.state = "running"
        backtest = make()

        async def feed() -> None:
            async for record, job.done, job.total in self._feed(self._clock() - back_ms):
                if job.unwanted:
                    raise _Ended
                backtest.add(record)

        asyncio.run(feed())
        return backtest.finish()


def evidence_feed(settings: Settings) -> Feed:
    """Return the reader of the configured topic."""
    return lambda since_ms: read_evidence(settings, since_ms)


def _is_old(survey: BacktestJob) -> bool:
    age_ms = (monotonic_seconds() - survey.began_seconds) * 1000
    return {"done": age_ms > SURVEY_FRESH_MS, "failed": age_ms > SURVEY_AGAIN_MS}.get(survey.state, False)


def _impact(live: Policy, new: Policy, scales: Mapping[bytes, Scale] | None = None) -> Callable[[], _Backtest]:
    def make() -> _Backtest:
        from streams.backtest import Impact

        return Impact(live, new, scales=scales)

    return make


def _survey(live: Policy) -> _Backtest:
    from streams.backtest.survey import ThresholdSurvey

    return ThresholdSurvey(live)
