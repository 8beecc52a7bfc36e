"""Reading of a report's logs: what the public log has below its checkpoint, and the openings of all of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any, Self

import pytest

from moderation.outward.report.prepared_report import Period
from moderation.outward.report.report_inputs import ReadLogs, checkpoint_of, read_logs
from moderation.publiclog.entries import AuditEntry
from moderation.publiclog.faults import AuditBroken
from moderation.publiclog.inputs import AuditInput, SourcePosition
from moderation.publiclog.reading import CheckpointState, LogState
from streams.constants import HOUR_MS
from streams.errors import CallerMistake
from streams.log.moderation import encode_moderation
from streams.settings import Settings
from tests.support.in_memory_public_log import AT_MS, InMemoryPublicLog
from tests.support.report_cases import DAY_MS
from tests.support.statement_builders import override

DAY = AT_MS // DAY_MS * DAY_MS
PERIOD = Period(DAY, DAY + DAY_MS)


class NoDecisions:
    """A topic of decisions without records."""

    partitions = (0,)

    def __init__(self, *given: object) -> None:
        pass

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        pass

    async def bounds(self) -> Mapping[int, Any]:
        return {}

    async def to_end(self, starts: object) -> AsyncGenerator[list[object], None]:
        for nothing in ():
            yield nothing


def logs_of(
    log: InMemoryPublicLog,
    monkeypatch: pytest.MonkeyPatch,
    broken_at: int | None = None,
    *,
    settings: Settings | None = None,
    with_openings: bool = True,
) -> ReadLogs:
    async def read_batches(settings: Settings, first: int, end: int) -> AsyncGenerator[list[AuditEntry], None]:
        for entry in log.all_entries()[first:end]:
            if entry.number == broken_at:
                raise AuditBroken("audit", f"entry {entry.number}: changed")
            yield [entry]

    async def log_state(settings: Settings) -> LogState:
        return await log.state() if log.all_entries() else LogState(0, None, None)

    monkeypatch.setattr("moderation.outward.report.report_inputs.LogReader", NoDecisions)
    monkeypatch.setattr("moderation.outward.report.report_inputs.read_batches", read_batches)
    monkeypatch.setattr("moderation.outward.report.report_inputs.log_state", log_state)
    return asyncio.run(read_logs(settings or Settings(), PERIOD, with_openings=with_openings))


@pytest.fixture
def log() -> InMemoryPublicLog:
    """A log of three blocks, the last one above the checkpoint."""
    inputs = []
    for offset, ident in ((4, "a"), (6, "b"), (9, "c")):
        value, key = encode_moderation(override(ident, at_ms=AT_MS, expires_at_ms=AT_MS + HOUR_MS))
        inputs.append(AuditInput(SourcePosition("moderation", 0, offset, AT_MS + offset), key, value))
    return InMemoryPublicLog(lambda: inputs, uncovered=1)


def test_report_counts_up_to_the_checkpoint(log: InMemoryPublicLog, monkeypatch: pytest.MonkeyPatch) -> None:
    read = logs_of(log, monkeypatch)
    assert read.log is not None
    assert (read.log.size, read.log.by_type, read.log.checkpoint) == (2, {"override/block/*": 2}, log.checkpoint())
    assert (read.people_end, read.at_ms, read.unread) == (7, AT_MS + 6, "")


def test_openings_cover_erased_entries(log: InMemoryPublicLog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    log.erased.add(0)
    read = logs_of(log, monkeypatch)
    assert read.log is not None and read.openings is not None
    assert read.log.by_type == {"override/block/*": 2}
    read.openings.copy_to(tmp_path / "openings.jsonl")
    assert len((tmp_path / "openings.jsonl").read_text().splitlines()) == 2


def test_openings_are_written_to_the_folder_of_reports(
    log: InMemoryPublicLog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    missing = Settings(reports=tmp_path / "none")
    with pytest.raises(CallerMistake, match="none: No such file or directory"):
        logs_of(log, monkeypatch, settings=missing)
    read = logs_of(log, monkeypatch, settings=missing, with_openings=False)
    assert read.log is not None and (read.log.size, read.openings) == (2, None)


def test_broken_log_is_not_counted(log: InMemoryPublicLog, monkeypatch: pytest.MonkeyPatch) -> None:
    read = logs_of(log, monkeypatch, broken_at=1)
    assert (read.log, read.people_end, read.openings) == (None, None, None)
    assert read.unread == "audit: entry 1: changed"


def test_platform_without_a_log_is_reported_without_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    read = logs_of(InMemoryPublicLog(), monkeypatch)
    assert (read.log, read.unread) == (None, "")


def test_report_prefers_a_recent_checkpoint_that_all_cosigned() -> None:
    newest, recent, old = (
        CheckpointState("", n, "", AT_MS - age) for n, age in ((9, 0), (8, 60_000), (7, 2 * HOUR_MS))
    )
    assert checkpoint_of(LogState(9, newest, newest, recent)) == recent
    assert checkpoint_of(LogState(9, newest, newest, old)) == newest
    assert checkpoint_of(LogState(9, newest, None, None)) == newest
    assert checkpoint_of(LogState(0, None, None)) is None
