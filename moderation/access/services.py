"""Services behind the API: writers of decisions, and readers of Kafka and Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import Request

from moderation.access.feed import EventFeed, RawRecord
from moderation.domain.appeals.automated_decisions import DecisionsFollower
from moderation.domain.appeals.service import ReviewService
from moderation.domain.calibration.kafka_service import label_book
from moderation.domain.calibration.service import CalibrationService
from moderation.domain.cases.case_log import CaseLog
from moderation.domain.cases.first_answer import skip_within_ms_of
from moderation.domain.cases.markings import MarkingService
from moderation.domain.cases.presence import Presence
from moderation.domain.cases.service import CaseService
from moderation.domain.crowd.follower import CrowdFollower, CrowdSource
from moderation.domain.orders.service import OrderService
from moderation.domain.policies.backtests import Backtests, evidence_feed
from moderation.domain.policies.changes import PolicyChanges, publisher
from moderation.domain.policies.shadow import Shadows, shadow_follower
from moderation.domain.publication_times import PublicationWait, publication_wait
from moderation.domain.texts.reader import TextReader, open_text_reader
from moderation.log.present_time import open_moderation
from moderation.log.service import ModerationService
from moderation.log.session_ends import SessionEnds
from moderation.outward.audited_restrictions import AuditedRestrictions
from moderation.outward.report.report_inputs import report_reader
from moderation.outward.report.runs import ReportRuns
from moderation.outward.report.service import ReportService
from moderation.publiclog.proving import KafkaLog, PublicLog
from moderation.publiclog.reading import read_page
from moderation.publiclog.rows import AuditFilter, AuditRow
from streams.clock import monotonic_seconds
from streams.explain.hashtag_report import HashtagReport
from streams.explain.sources import gather_report
from streams.log.policies import PolicyTopic, read_policy_topic
from streams.log.policy_names import LivePolicyNames
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import MODERATION
from streams.policy.names import PolicyNames
from streams.settings import Settings

_POLICY_SECONDS = 2.0
"""Age up to which the policy topic is not read again."""
_FIRST_ANSWER_SECONDS = 60.0
"""The same for the rule of first answers, on which each call about a case depends."""
_CONCURRENT_READS = 4
"""Calls that read a topic at the same time; further calls wait."""


@dataclass(frozen=True, slots=True)
class Services:
    """Services that the routes use."""

    moderation: ModerationService
    orders: OrderService
    reviews: ReviewService
    cases: CaseService
    report: Callable[[str, str | None], Awaitable[tuple[HashtagReport, str]]]
    """Hashtag and country to the hashtag's report, and the reason why Redis is missing in it."""
    audit_page: Callable[[AuditFilter, int, int], Awaitable[tuple[list[AuditRow], int | None]]]
    """Filter, first entry and number of rows to the rows and the next page's first entry."""
    public_log: PublicLog
    names: Callable[[], Awaitable[PolicyNames]]
    """Reader of the surfaces and categories of the live policy."""
    policy_topic: Callable[[], Awaitable[PolicyTopic]]
    policy_changes: PolicyChanges
    backtests: Backtests
    shadows: Shadows
    feed: EventFeed
    texts: TextReader
    markings: MarkingService
    presence: Presence
    published: PublicationWait
    crowds: CrowdSource
    reports: ReportService
    session_ends: SessionEnds
    calibration: CalibrationService


def services_of(request: Request) -> Services:
    """Return the services of the application that serves a request."""
    services: Services = request.app.state.services
    return services


def present_ms(request: Request) -> int:
    """Return the present time by the log's clock: what is in force, due or over for the API's readers depends on it."""
    return services_of(request).moderation.now_ms()


@asynccontextmanager
async def connect_services(settings: Settings, *, share: float) -> AsyncGenerator[Services, None]:
    """Open the services on the configured Kafka and Redis.

    Args:
        settings: addresses and topic names.
        share: share of suppressions sampled for a second look, in [0, 1].

    Raises:
        DependencyAway: Kafka does not answer.
    """
    async with AsyncExitStack() as stack:
        moderation = await stack.enter_async_context(open_moderation(settings, renews=True))
        follower = await stack.enter_async_context(DecisionsFollower(settings, share=share))
        reads = asyncio.Semaphore(_CONCURRENT_READS)

        async def report(hashtag: str, country: str | None) -> tuple[HashtagReport, str]:
            async with reads:
                return await gather_report(settings, hashtag, country, clock=moderation.now_ms)

        async def audit_page(filters: AuditFilter, first: int, most: int) -> tuple[list[AuditRow], int | None]:
            async with reads:
                return await read_page(settings, filters, first, most)

        public_log = KafkaLog(settings)
        audited = AuditedRestrictions(public_log, settings.appeal_days)
        names = LivePolicyNames(settings)
        reviews = ReviewService(moderation, follower, ended=audited)
        policies = _Policies(settings)
        cases = CaseLog(moderation, reviews, first_answers=policies.skip_first_answer_ms)

        async def open_hashtags() -> set[str]:
            return {case.hashtag for case in (await cases.refresh()).values() if case.is_open}

        yield Services(
            moderation,
            OrderService(moderation),
            reviews,
            CaseService(cases),
            report,
            audit_page,
            public_log,
            names.read,
            policies.read,
            PolicyChanges(policies.read_on, publisher(settings), settings.shards, clock=moderation.now_ms),
            await _closed(stack, Backtests(evidence_feed(settings), clock=moderation.now_ms)),
            await _closed(stack, Shadows(shadow_follower(settings))),
            EventFeed(await _moderation_records(settings, stack), policies.live),
            texts := await stack.enter_async_context(open_text_reader(settings, moderation)),
            markings := MarkingService(moderation),
            Presence(),
            publication_wait(settings, moderation.now_ms),
            await stack.enter_async_context(CrowdFollower(settings, open_hashtags, clock=moderation.now_ms)),
            ReportService(
                await _closed(stack, ReportRuns(report_reader(settings, moderation.now_ms))),
                moderation,
                settings.reports,
            ),
            SessionEnds(moderation),
            CalibrationService(label_book(settings, moderation, markings, cases, texts)),
        )


_Closing = TypeVar("_Closing", Backtests, Shadows, ReportRuns)


async def _closed(stack: AsyncExitStack, work: _Closing) -> _Closing:
    """End the work in threads when the services close."""
    stack.push_async_callback(work.close)
    return work


class _Policies:
    """Reader of the topic `policy` that reads on from its last end."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topic: PolicyTopic | None = None
        self._read_at = 0.0
        self._lock = asyncio.Lock()

    async def read(self) -> PolicyTopic:
        return await self._read(_POLICY_SECONDS)

    async def read_on(self) -> PolicyTopic:
        """Read up to the present end, also right after another read."""
        return await self._read(-1.0)

    async def _read(self, fresh_seconds: float) -> PolicyTopic:
        async with self._lock:
            if self._topic is None or monotonic_seconds() - self._read_at > fresh_seconds:
                self._topic = await read_policy_topic(self._settings, self._topic)
                self._read_at = monotonic_seconds()
            return self._topic

    async def skip_first_answer_ms(self) -> int:
        """Return how soon a hold lapses that needs no first answer; a change counts within a minute."""
        live = (await self._read(_FIRST_ANSWER_SECONDS)).live
        return skip_within_ms_of(live.policy if live is not None else "")

    async def live(self) -> tuple[int, dict[str, Any]]:
        return live_policy_facts(await self.read())


def live_policy_facts(topic: PolicyTopic) -> tuple[int, dict[str, Any]]:
    """Return the offset after the live record, and the facts that an event of it names."""
    live = topic.live
    if live is None:
        return 0, {}
    actor = live.actor or live.proposed_by
    return topic.sequence + 1, {"revision": live.revision, "serial": live.serial, "actor": actor}


async def _moderation_records(
    settings: Settings, stack: AsyncExitStack
) -> Callable[[int], Awaitable[Sequence[RawRecord]]]:
    """Open a reader of the moderation topic for the event feed."""
    reader = await stack.enter_async_context(LogReader(connection(settings), settings.topic(MODERATION)))

    async def read(begin: int) -> Sequence[RawRecord]:
        return [
            (record.offset, record.value or b"")
            async for batch in reader.to_end({0: begin or None})
            for record in batch
        ]

    return read
