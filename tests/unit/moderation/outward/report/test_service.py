"""Publication of reports: exactly what was made, one folder an edition, and a record with its hashes."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from moderation.outward.report.folder import ReportFolder
from moderation.outward.report.prepared_report import FILES, Period, PreparedReport, make_report
from moderation.outward.report.publications import (
    ReportPublished,
    decode_publication,
    encode_publication,
    name_of,
    overlapping,
    publications_in,
)
from moderation.outward.report.report_inputs import OnRead
from moderation.outward.report.rounding_notes import rounded_words
from moderation.outward.report.runs import ReportRuns
from moderation.outward.report.service import ReportService
from streams.errors import CallerMistake, ContractError, DependencyAway
from streams.log.moderation import OtherRecord
from tests.support.in_memory_log import InMemoryLog, in_memory_service
from tests.support.orders_world import NOW_MS
from tests.support.report_cases import DAY_MS, decided, order_world

T = TypeVar("T")
PERIOD = Period(NOW_MS - DAY_MS, NOW_MS + DAY_MS)
SCRIPT = "<script>alert(1)</script> \u202e " + "x" * 200


def made(period: Period = PERIOD, at_ms: int = NOW_MS) -> PreparedReport:
    world, _ = order_world()
    decisions = [decided(NOW_MS + one, ("abuse", "suppress", NOW_MS + DAY_MS), tag=f"t{one}") for one in range(9)]
    return make_report(world.log.view, decisions, period, at_ms)


def service(folder: Path | None, log: InMemoryLog | None = None) -> ReportService:
    async def read(period: Period, on_read: OnRead) -> PreparedReport:
        return made(period)

    return ReportService(ReportRuns(read), in_memory_service(log or InMemoryLog()), folder, clock=lambda: NOW_MS)


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def test_publication_has_the_made_bytes_and_their_hashes(tmp_path: Path) -> None:
    log, report = InMemoryLog(), made()
    record = run(service(tmp_path, log).publish(report, actor="ann", reason=SCRIPT))
    assert record.target == name_of(PERIOD)
    assert [one.name for one in tmp_path.iterdir()] == [record.target], "no hidden folder is left"
    for name, content in report.files().items():
        assert (tmp_path / record.target / name).read_bytes() == content
        assert record.files[name] == hashlib.sha256(content).hexdigest()
    assert [record] == run(service(tmp_path, log).publications())


def test_publication_has_the_time_of_the_log(tmp_path: Path) -> None:
    reports = service(tmp_path, InMemoryLog(broker_clock=lambda: NOW_MS + 7))
    record = run(reports.publish(made(), actor="ann", reason="r"))
    assert record.at_ms == NOW_MS + 7
    assert [record] == run(reports.publications())


def test_second_report_of_a_period_needs_a_correction(tmp_path: Path) -> None:
    log = InMemoryLog()
    reports = service(tmp_path, log)
    first = run(reports.publish(made(), actor="ann", reason="r"))
    later = made(at_ms=NOW_MS + 60_000)
    with pytest.raises(CallerMistake, match="is published for this period"):
        run(reports.publish(later, actor="ben", reason="r"))
    assert len(log.records) == 1
    second = run(reports.publish(later, actor="ben", reason="r", correction="India was missing"))
    assert (second.target, second.edition) == (f"{first.target}-edition-2", 2)
    assert b"India was missing" in (tmp_path / second.target / "correction.txt").read_bytes()
    assert (tmp_path / first.target / "report.html").read_bytes() == made().files()["report.html"], "it stays"
    assert sorted(one.name for one in tmp_path.iterdir()) == [first.target, second.target]


def test_same_report_is_not_published_twice(tmp_path: Path) -> None:
    reports = service(tmp_path)
    run(reports.publish(made(), actor="ann", reason="r"))
    with pytest.raises(CallerMistake, match="exactly this report is published"):
        run(reports.publish(made(), actor="ann", reason="r", correction="none"))


def test_other_country_is_another_first_edition(tmp_path: Path) -> None:
    reports = service(tmp_path)
    run(reports.publish(made(), actor="ann", reason="r"))
    record = run(reports.publish(made(replace(PERIOD, country="IN")), actor="ann", reason="r"))
    assert (record.edition, record.target.endswith("-IN")) == (1, True)
    with pytest.raises(CallerMistake, match="no report that could be corrected"):
        run(reports.publish(made(replace(PERIOD, country="FR")), actor="ann", reason="r", correction="c"))


@pytest.mark.parametrize(
    ("published", "reveals"),
    [
        (PERIOD, True),
        (replace(PERIOD, country="IN"), True),
        (replace(PERIOD, to_ms=PERIOD.from_ms + DAY_MS), True),
        (Period(PERIOD.to_ms, PERIOD.to_ms + DAY_MS), False),
    ],
)
def test_reports_that_can_be_subtracted_are_named(tmp_path: Path, published: Period, reveals: bool) -> None:
    record = run(service(tmp_path).publish(made(published), actor="ann", reason="r"))
    assert overlapping(PERIOD, [record]) == ([record] if reveals else [])
    in_france = replace(PERIOD, country="FR")
    assert overlapping(in_france, [record]) == ([record] if reveals and not published.country else [])


def test_foreign_folder_with_the_name_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / name_of(PERIOD)).mkdir()
    (tmp_path / name_of(PERIOD) / "own.txt").write_text("kept")
    record = run(service(tmp_path).publish(made(), actor="ann", reason="r"))
    assert record.target == name_of(PERIOD, 2)
    assert (tmp_path / name_of(PERIOD) / "own.txt").read_text() == "kept"


@pytest.mark.parametrize("reason", ["", " ", "x" * 2001, "a\x00b"])
def test_unusable_reason_publishes_nothing(tmp_path: Path, reason: str) -> None:
    log = InMemoryLog()
    with pytest.raises(CallerMistake):
        run(service(tmp_path, log).publish(made(), actor="ann", reason=reason))
    assert (list(tmp_path.iterdir()), log.records) == ([], [])


def test_failed_record_leaves_no_file(tmp_path: Path) -> None:
    reports = service(tmp_path)

    async def away(make: object) -> None:
        raise DependencyAway("Kafka does not answer")

    reports._service.transact = away  # type: ignore[method-assign, assignment]
    with pytest.raises(DependencyAway):
        run(reports.publish(made(), actor="ann", reason="r"))
    assert list(tmp_path.iterdir()) == []


def test_repetition_after_an_unknown_outcome_puts_the_files_into_place(tmp_path: Path) -> None:
    log, report = InMemoryLog(), made()
    reports = service(tmp_path, log)
    transact = reports._service.transact

    async def unknown(make: Any) -> list[int]:
        await transact(make)
        raise DependencyAway("it is not known whether the record was written")

    reports._service.transact = unknown  # type: ignore[method-assign]
    with pytest.raises(DependencyAway):
        run(reports.publish(report, actor="ann", reason="r"))
    reports._service.transact = transact  # type: ignore[method-assign]
    record = run(reports.publish(report, actor="ann", reason="r"))
    assert (len(log.records), [one.name for one in tmp_path.iterdir()]) == (1, [record.target])
    assert (tmp_path / record.target / "report.html").read_bytes() == report.files()["report.html"]
    with pytest.raises(CallerMistake, match="exactly this report is published"):
        run(reports.publish(report, actor="ann", reason="r"))


def test_second_of_two_processes_at_once_publishes_nothing(tmp_path: Path) -> None:
    log, first, second = InMemoryLog(), tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    late, other = service(second, log), service(first, log)
    refresh = late._service._read

    async def overtaken() -> None:
        late._service._read = refresh  # type: ignore[method-assign]
        await refresh()
        await other.publish(made(at_ms=NOW_MS + 1), actor="ben", reason="r")

    late._service._read = overtaken  # type: ignore[method-assign]
    with pytest.raises(CallerMistake, match="at the same moment by someone else"):
        run(late.publish(made(), actor="ann", reason="r"))
    [published] = run(late.publications())
    assert (published.actor, len(log.records)) == ("ben", 2)
    assert ([one.name for one in first.iterdir()], list(second.iterdir())) == ([published.target], [])


def test_without_a_usable_folder_nothing_is_recorded(tmp_path: Path) -> None:
    log = InMemoryLog()
    with pytest.raises(CallerMistake, match="no folder for reports"):
        run(service(None, log).publish(made(), actor="ann", reason="r"))
    with pytest.raises(CallerMistake, match="cannot be written"):
        run(service(tmp_path / "missing", log).publish(made(), actor="ann", reason="r"))
    assert log.records == []


def test_changed_file_is_not_given_out(tmp_path: Path) -> None:
    record = run(service(tmp_path).publish(made(), actor="ann", reason="r"))
    folder = ReportFolder(tmp_path)
    assert all(folder.read(record.target, name, record.files[name])[0] == "kept" for name in FILES)
    (tmp_path / record.target / "report.csv").write_text("number,value\n")
    (tmp_path / record.target / "update.txt").unlink()
    assert folder.read(record.target, "report.csv", record.files["report.csv"]) == ("changed", b"")
    assert folder.read(record.target, "update.txt", record.files["update.txt"]) == ("missing", b"")


def test_record_of_another_key_or_kind_is_not_read(tmp_path: Path) -> None:
    record = run(service(tmp_path).publish(made(), actor="ann", reason="r"))
    value, key = encode_publication(record)
    good, bad = OtherRecord("report_published", key, value), OtherRecord("report_published", b"report:x", value)
    with pytest.raises(ContractError):
        decode_publication(bad)
    assert decode_publication(OtherRecord("text_reading", key, value)) is None
    assert publications_in([(0, bad), (1, good)]) == [record]
    assert isinstance(record, ReportPublished)


def test_later_run_of_a_person_ends_the_earlier_one() -> None:
    async def both() -> tuple[str, str]:
        reports = service(None)
        first = reports.runs.begin(PERIOD, "ann")
        second = reports.runs.begin(replace(PERIOD, country="IN"), "ann")
        assert reports.runs.find(second.id, "ben") is None
        await asyncio.gather(*reports.runs._tasks)
        await reports.runs.close()
        return first.state, second.state

    assert run(both())[1] == "done"


def test_rounded_counts_are_described_in_words() -> None:
    world, _ = order_world()
    few = [decided(NOW_MS, ("abuse", "suppress", NOW_MS + DAY_MS), tag=f"t{one}") for one in range(2)]
    facts = make_report(world.log.view, few, PERIOD, NOW_MS).published.facts
    words = rounded_words(facts)
    assert any("given as fewer than a round number" in line for line in words)
    assert "The median duration of suppressions is left out for one category with few of them." in words
    empty = make_report(type(world.log.view)(), [], PERIOD, NOW_MS).published.facts
    assert rounded_words(empty) == ["Every count is exact: none is small."]
