"""Reports in the making: the logs are read in a thread, and the result waits for the person who asked.

What is published later is exactly what the person saw, so a run keeps its report for a while.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import Literal

from moderation.domain.personal_runs import PersonalRuns
from moderation.outward.report.prepared_report import Period, PreparedReport
from moderation.outward.report.report_inputs import OnRead
from streams.clock import now_ms
from streams.errors import HushtagError

Read = Callable[[Period, OnRead], Awaitable[PreparedReport]]
"""Reads the logs and makes the report of a period."""


class ReportRun:
    """One report in the making."""

    def __init__(self, owner: str, period: Period) -> None:
        self.id = secrets.token_urlsafe(12)
        self.owner = owner
        self.period = period
        self.began_ms = now_ms()
        self.state: Literal["waiting", "running", "done", "failed"] = "waiting"
        self.reading = ""
        """Name of what is read now."""
        self.records = 0
        """Number of its records so far."""
        self.report: PreparedReport | None = None
        self.error: HushtagError | None = None
        self.unwanted = False


class _Unwanted(Exception):
    """A run that another one replaced."""


class ReportRuns:
    """Runs of all people, one at a time."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._one = asyncio.Lock()
        self._runs = PersonalRuns[ReportRun]()
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, period: Period, owner: str) -> ReportRun:
        """Begin a report; the owner's last run ends if it still runs."""
        run = ReportRun(owner, period)
        self._runs.add(run)
        task = asyncio.create_task(self._make(run))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return run

    def find(self, run: str, owner: str) -> ReportRun | None:
        """Return a person's run; None for an unknown one."""
        return self._runs.find(run, owner)

    async def close(self) -> None:
        """End all runs and wait for their tasks."""
        for run in self._runs:
            run.unwanted = True
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _make(self, run: ReportRun) -> None:
        def on_read(what: str, records: int) -> None:
            if run.unwanted:
                raise _Unwanted
            run.reading, run.records = what, records

        async def read() -> PreparedReport:
            return await self._read(run.period, on_read)

        try:
            async with self._one:
                run.state = "running"
                run.report = await asyncio.to_thread(lambda: asyncio.run(read()))
        except HushtagError as error:
            run.error = error
        except _Unwanted:
            pass
        finally:
            run.state = "failed" if run.report is None else "done"
