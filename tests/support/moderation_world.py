"""Moderation in memory: the services of the API, the console and the commands, on one log and one clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, cast

from fastapi import FastAPI
from fastapi.testclient import TestClient

from devkit.scenario.languages import coverage
from moderation.access.feed import EventFeed
from moderation.access.services import Services, live_policy_facts
from moderation.domain.appeals.service import ReviewService
from moderation.domain.calibration.label_book import LabelBook
from moderation.domain.calibration.service import CalibrationService
from moderation.domain.cases.case import HashtagCase
from moderation.domain.cases.case_log import CaseLog
from moderation.domain.cases.first_answer import skip_within_ms_of
from moderation.domain.cases.markings import MarkingService
from moderation.domain.cases.presence import Presence
from moderation.domain.cases.service import CaseService
from moderation.domain.orders.service import OrderService
from moderation.domain.publication_times import PublishedAnswer, SurfacePublishedAnswer, published_view
from moderation.domain.texts.reader import TextReader
from moderation.log.drafts import AcceptedRecord, OverrideDraft, UndoDraft
from moderation.log.session_ends import SessionEnds
from moderation.outward.audited_restrictions import AuditedRestrictions
from moderation.outward.report.prepared_report import Period, PreparedReport, make_report
from moderation.outward.report.report_inputs import OnRead
from moderation.outward.report.runs import ReportRuns
from moderation.outward.report.service import ReportService
from moderation.publiclog.inputs import AuditInput, SourcePosition
from moderation.publiclog.rows import AuditFilter, AuditRow, row_of
from streams.clock import now_ms
from streams.constants import HOUR_MS
from streams.explain.hashtag_report import HashtagReport
from streams.flags.overrides import OverrideHistory
from streams.log.decisions import Decision
from streams.log.moderation import Override, Verb
from streams.naming import tag_of
from streams.policy.names import PolicyNames
from streams.settings import Settings
from tests.support.in_memory_calibration import InMemoryModels
from tests.support.in_memory_crowds import InMemoryCrowds
from tests.support.in_memory_log import FixedDecisions, InMemoryLog, in_memory_service
from tests.support.in_memory_policies import InMemoryPolicies
from tests.support.in_memory_public_log import InMemoryPublicLog
from tests.support.in_memory_texts import InMemoryTexts

_SETTINGS = Settings(tweet_url="https://example.org/t/{id}", tag_url="https://example.org/tags/{hashtag}")
"""Frozen, and built once: reading the environment takes longer than many a test."""


class World:
    """Topics in memory, and the services on them; a test names the parts that it needs.

    Args:
        decisions: automated decisions.
        share: share of suppressions that get a second look.
        clock: present time, Unix time in ms; None: `now_ms`, which the test sets.
        log: the moderation topic; None: an empty one.
        policies: the topic of policies; None: the shipped one without evidence.
        tweets: kept texts and source records; None: none.
        models: models that were live; None: the committed one.
        settings: settings of texts.
        first_answers: whether people owe a first answer before a decision; by commands they do not.
    """

    def __init__(
        self,
        *decisions: Decision,
        share: float = 0.0,
        clock: Callable[[], int] | None = None,
        log: InMemoryLog | None = None,
        policies: InMemoryPolicies | None = None,
        tweets: InMemoryTexts | None = None,
        models: InMemoryModels | None = None,
        settings: Settings = _SETTINGS,
        first_answers: bool = False,
    ) -> None:
        self.now_ms = 100
        self.log = log or InMemoryLog()
        self.policies = policies or InMemoryPolicies()
        self.tweets = tweets or InMemoryTexts()
        self.models = models or InMemoryModels()
        self.audited: list[AuditInput] = []
        """Records of other topics in the audit log; those of the log follow them."""
        self.automated = FixedDecisions(decisions, share=share, secret=b"s")
        self.moderation = in_memory_service(self.log, clock or (lambda: self.now_ms))
        self.public_log = InMemoryPublicLog(self._inputs)
        self._decisions, self._settings = decisions, settings
        self._first_answers = self._skip_first_answer_ms if first_answers else None

    def another(self) -> World:
        """Build another process: it shares the topics and the clock, and has read nothing yet."""
        other = World(
            *self._decisions, clock=self.moderation.host_ms, log=self.log, policies=self.policies, tweets=self.tweets,
            models=self.models, settings=self._settings, first_answers=self._first_answers is not None,
        )  # fmt: skip
        other.automated, other.audited = self.automated, self.audited
        return other

    @cached_property
    def orders(self) -> OrderService:
        return OrderService(self.moderation)

    @cached_property
    def reviews(self) -> ReviewService:
        ended = AuditedRestrictions(self.public_log, self._settings.appeal_days)
        return ReviewService(self.moderation, self.automated, ended=ended)

    @cached_property
    def cases(self) -> CaseService:
        return CaseService(CaseLog(self.moderation, self.reviews, first_answers=self._first_answers))

    @cached_property
    def markings(self) -> MarkingService:
        return MarkingService(self.moderation)

    @cached_property
    def texts(self) -> TextReader:
        return TextReader(self._settings, self.moderation, self.tweets, self.tweets)

    @cached_property
    def calibration(self) -> CalibrationService:
        book = LabelBook(self.moderation, self.markings, self.cases.log, self.texts, self.models, secret=b"key")
        return CalibrationService(book)

    @cached_property
    def crowds(self) -> InMemoryCrowds:
        return InMemoryCrowds()

    @cached_property
    def services(self) -> Services:
        """All services, for an application."""
        changes, backtests, shadows = self.policies.services()
        return Services(
            moderation=self.moderation, orders=self.orders, reviews=self.reviews, cases=self.cases, report=self._report,
            audit_page=self._audit_page, public_log=self.public_log, names=_names, policy_topic=self.policies.topic,
            policy_changes=changes, backtests=backtests, shadows=shadows, feed=EventFeed(self._records, self._live),
            texts=self.texts, markings=self.markings, presence=Presence(), published=_published, crowds=self.crowds,
            reports=ReportService(ReportRuns(self._prepared_report), self.moderation, None),
            session_ends=SessionEnds(self.moderation), calibration=self.calibration,
        )  # fmt: skip

    async def case(self, tag: str = "tag") -> HashtagCase:
        return await self.cases.log.find(tag)

    async def open_places(self, tag: str = "tag") -> set[tuple[str, str, str]]:
        """List what is open: kind, country and surface ("" for what has none)."""
        return {
            (one.item.kind, one.item.country, surface)
            for one in (await self.case(tag)).items
            if one.is_open
            for surface in one.open_surfaces or ("",)
        }

    async def person(self, action: Verb, *, country: str = "IN", surfaces: tuple[str, ...] = ("trends",),
                     actor: str = "zoe", tag: str = "tag", lasts_ms: int = 10 * HOUR_MS) -> Override:  # fmt: skip
        """Write an override by a command outside the case."""
        draft = OverrideDraft(tag_of(tag), action, country, surfaces, actor, "seen", self.now_ms + lasts_ms)
        [accepted] = await self.moderation.override([draft])
        assert isinstance(accepted.record, Override)
        return accepted.record

    async def undo(self, *, country: str = "IN", tag: str = "tag") -> None:
        await self.moderation.undo(UndoDraft(tag_of(tag), country, None, "zoe", "wrong"))

    async def look(self, actor: str, verdict: Any, tag: str = "tag") -> Any:
        """Claim a second look and give a verdict."""
        await self.cases.claim(tag, actor=actor)
        return await self.cases.decide(tag, verdict, actor=actor, reason="seen")

    def _inputs(self) -> list[AuditInput]:
        places = ((SourcePosition("moderation", 0, one.offset, 1), one) for one in self.log.records)
        return [*self.audited, *(AuditInput(place, one.key, one.value) for place, one in places)]

    async def _audit_page(self, wanted: AuditFilter, first: int, most: int) -> tuple[list[AuditRow], int | None]:
        entries = [entry for entry in self.public_log.all_entries() if entry.number >= first]
        rows = [row for entry in entries if wanted.selects(entry, row := row_of(entry))]
        return rows[:most], rows[most].seq if len(rows) > most else None

    async def _report(self, hashtag: str, country: str | None) -> tuple[HashtagReport, str]:
        view = await self.moderation.refresh()
        return HashtagReport(hashtag, self._decisions, view, None, self.moderation.now_ms(), country), ""

    async def _records(self, begin: int) -> list[tuple[int, bytes]]:
        return [(one.offset, one.value) for one in self.log.records[begin:]]

    async def _live(self) -> tuple[int, dict[str, object]]:
        return live_policy_facts(await self.policies.topic())

    async def _skip_first_answer_ms(self) -> int:
        return skip_within_ms_of(self.policies.records[-1].policy if self.policies.records else "")

    async def _prepared_report(self, period: Period, on_read: OnRead) -> PreparedReport:
        people = OverrideHistory()
        for one in list(self.log.records):
            people.apply(one.offset, one.key, one.value)
        on_read("decisions of people", people.next_offset)
        hours = {(one.shard, one.from_ms): one for one in coverage(period.from_ms + 4 * HOUR_MS)}
        return make_report(people, self._decisions, period, self.moderation.now_ms(), coverage=[*hours.values()])


class ApiWorld(World):
    """World of the API and the console: the host's clock, and people owe first answers."""

    def __init__(self, *decisions: Decision, **options: Any) -> None:
        super().__init__(*decisions, **{"clock": now_ms, "first_answers": True} | options)

    def serve(self, client: TestClient) -> TestClient:
        """Put the services behind the application of a client, and return it."""
        cast(FastAPI, client.app).state.services = self.services
        return client


async def _names() -> PolicyNames:
    return PolicyNames(("search", "trends"), ("abuse",))


async def _published(records: Sequence[AcceptedRecord], wait_seconds: float) -> PublishedAnswer:
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
