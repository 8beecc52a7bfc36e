"""The services behind the HTTP API, on a log in memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from devkit.scenario.languages import coverage
from moderation.access.feed import EventFeed
from moderation.access.services import Services, live_policy_facts
from moderation.domain.appeals.service import ReviewService
from moderation.domain.calibration.label_book import LabelBook
from moderation.domain.calibration.service import CalibrationService
from moderation.domain.cases.case_log import CaseLog
from moderation.domain.cases.first_answer import skip_within_ms_of
from moderation.domain.cases.markings import MarkingService
from moderation.domain.cases.presence import Presence
from moderation.domain.cases.service import CaseService
from moderation.domain.orders.service import OrderService
from moderation.domain.publication_times import PublishedAnswer, SurfacePublishedAnswer, published_view
from moderation.log.drafts import AcceptedRecord
from moderation.log.session_ends import SessionEnds
from moderation.outward.report.prepared_report import Period, PreparedReport, make_report
from moderation.outward.report.report_inputs import OnRead
from moderation.outward.report.runs import ReportRuns
from moderation.outward.report.service import ReportService
from moderation.publiclog.inputs import AuditInput, SourcePosition
from moderation.publiclog.rows import AuditFilter, AuditRow, row_of
from streams.constants import HOUR_MS
from streams.explain.hashtag_report import HashtagReport
from streams.flags.overrides import OverrideHistory
from streams.log.decisions import Decision
from streams.policy.names import PolicyNames
from tests.support.in_memory_calibration import InMemoryModels
from tests.support.in_memory_crowds import InMemoryCrowds
from tests.support.in_memory_log import FixedDecisions, InMemoryLog, in_memory_service
from tests.support.in_memory_policies import POLICY, InMemoryPolicies
from tests.support.in_memory_public_log import InMemoryPublicLog
from tests.support.in_memory_texts import in_memory_texts

__all__ = ["POLICY", "in_memory_services"]


def in_memory_services(
    log: InMemoryLog,
    decisions: Sequence[Decision] = (),
    *,
    share: float = 1.0,
    policies: InMemoryPolicies | None = None,
    reports: Path | None = None,
    models: InMemoryModels | None = None,
) -> Services:
    """Build the services on a log, with fixed automated decisions.

    Args:
        log: the moderation topic.
        decisions: automated decisions.
        share: share of suppressions that get a second look.
        policies: the topic of policies; None: the shipped one without evidence.
        reports: folder of published reports; None: nothing can be published.
        models: models that were live; None: the committed one.
    """
    policies = policies or InMemoryPolicies()
    moderation = in_memory_service(log)
    follower = FixedDecisions(decisions, share=share, secret=b"s")

    async def report(hashtag: str, country: str | None) -> tuple[HashtagReport, str]:
        await moderation.refresh()
        return HashtagReport(hashtag, decisions, moderation.view, None, moderation.now_ms(), country), ""

    def inputs() -> list[AuditInput]:
        return [AuditInput(SourcePosition("moderation", 0, one.offset, 1), one.key, one.value) for one in log.records]

    public_log = InMemoryPublicLog(inputs)

    async def audit_page(wanted: AuditFilter, first: int, most: int) -> tuple[list[AuditRow], int | None]:
        entries = [entry for entry in public_log.all_entries() if entry.number >= first]
        rows = [row for entry in entries if wanted.selects(entry, row := row_of(entry))]
        return rows[:most], rows[most].seq if len(rows) > most else None

    async def names() -> PolicyNames:
        return PolicyNames(("search", "trends"), ("abuse",))

    async def records(begin: int) -> list[tuple[int, bytes]]:
        return [(one.offset, one.value) for one in log.records[begin:]]

    async def live() -> tuple[int, dict[str, object]]:
        return live_policy_facts(await policies.topic())

    async def published(records: Sequence[AcceptedRecord], wait_seconds: float) -> PublishedAnswer:
        """Publish every decision a second after it."""
        places = [
            SurfacePublishedAnswer(
                surface=surface,
                country=one.record.country,
                published=True,
                published_at_ms=records[-1].record.at_ms + 1_000,
            )
            for one in records
            for surface in one.record.surfaces
        ]
        return published_view(records, places)

    async def skip_first_answer_ms() -> int:
        return skip_within_ms_of(POLICY.canonical)

    async def made_report(period: Period, on_read: OnRead) -> PreparedReport:
        people = OverrideHistory()
        for one in list(log.records):
            people.apply(one.offset, one.key, one.value)
        on_read("decisions of people", people.next_offset)
        hours = {(one.shard, one.from_ms): one for one in coverage(period.from_ms + 4 * HOUR_MS)}
        return make_report(people, decisions, period, moderation.now_ms(), coverage=[*hours.values()])

    reviews = ReviewService(moderation, follower)
    cases = CaseLog(moderation, reviews, first_answers=skip_first_answer_ms)
    texts, markings = in_memory_texts(moderation), MarkingService(moderation)
    return Services(
        moderation,
        OrderService(moderation),
        reviews,
        CaseService(cases),
        report,
        audit_page,
        public_log,
        names,
        policies.topic,
        *policies.services(),
        EventFeed(records, live),
        texts,
        markings,
        Presence(),
        published,
        InMemoryCrowds(),
        ReportService(ReportRuns(made_report), moderation, reports),
        SessionEnds(moderation),
        CalibrationService(
            LabelBook(moderation, markings, cases, texts, models or InMemoryModels(), secret=b"key"),
        ),
    )
