"""Reports in the making: how many are kept, and whose."""

from __future__ import annotations

from moderation.domain.personal_runs import RUNS_EACH, RUNS_MAX
from moderation.outward.report.prepared_report import Period, PreparedReport
from moderation.outward.report.report_inputs import OnRead
from moderation.outward.report.runs import ReportRuns
from streams.errors import CallerMistake


async def test_person_with_many_runs_pushes_out_no_other() -> None:
    async def read(period: Period, on_read: OnRead) -> PreparedReport:
        raise CallerMistake("nothing to read", fix="none")

    runs = ReportRuns(read)
    other = runs.begin(Period(0, 1, None), "ben")
    own = [runs.begin(Period(0, 1, None), "ann") for _ in range(RUNS_MAX + 1)]
    assert runs.find(other.id, "ben") is other
    assert [one for one in own if runs.find(one.id, "ann") is one] == own[-RUNS_EACH:]
    await runs.close()
