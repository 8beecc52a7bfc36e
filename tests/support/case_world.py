"""Automated decisions and a harness for tests of cases: all services on one log in memory."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from moderation.domain.appeals.service import ReviewService
from moderation.domain.cases.case import HashtagCase
from moderation.domain.cases.case_log import CaseLog
from moderation.domain.cases.service import CaseService
from moderation.log.drafts import OverrideDraft, UndoDraft
from moderation.outward.audited_restrictions import AuditedRestrictions
from moderation.publiclog.inputs import AuditInput
from streams.log.decisions import (
    NOT_ASSESSED,
    Action,
    Decision,
    DecisionReason,
    Evidence,
    ScopeDecision,
    version_of,
)
from streams.log.moderation import Override, Verb
from streams.naming import tag_of
from tests.support.in_memory_log import FixedDecisions, InMemoryLog, in_memory_service
from tests.support.in_memory_public_log import InMemoryPublicLog

HOUR_MS = 3_600_000
EVIDENCE = Evidence(window_ms=1, tweets=9, authors=8, scored=7, share=0.6, lower=0.5, upper=0.7, sampled=("17",),
                    established=2)  # fmt: skip


def ruling(action: Action, surface: str = "trends", *, tweets: int = 9, **changes: Any) -> ScopeDecision:
    evidence = Evidence(window_ms=1, tweets=tweets, authors=8, scored=7, share=0.6, lower=0.5, upper=0.7,
                        sampled=("17",), established=2)  # fmt: skip
    fields: dict[str, Any] = {
        "category": "abuse", "surface": surface, "action": action, "since_ms": 1, "expires_at_ms": HOUR_MS,
        "evidence": evidence,
    }  # fmt: skip
    return ScopeDecision(**fields | changes)


UNREAD = replace(EVIDENCE, scored=12, unread={"bn": 9, "ta": 41, "other": 2}, copies=0.5)
"""Evidence of a hashtag most of whose sampled authors write in languages that the model does not read."""


def unread_ruling(surface: str = "trends", **changes: Any) -> ScopeDecision:
    """Build the review of a hashtag that was not assessed."""
    reasons = (DecisionReason("scored_share", 0.188, 0.5), DecisionReason("copies", 0.5, 0.4))
    return ruling("review", surface, **{"valve": NOT_ASSESSED, "reasons": reasons, "evidence": UNREAD} | changes)


def decision(
    *rulings: ScopeDecision,
    tag: str = "tag",
    country: str = "IN",
    provisional: bool = False,
    number: int = 1,
    at_ms: int = 1,
) -> Decision:
    return Decision(
        hashtag=tag, display=tag.title(), country=country, rulings=rulings, version=version_of(number, 0), tick_ms=1,
        settled_ms=1, decided_at_ms=at_ms, policy_revision="p", model_revision="m", provisional=provisional,
    )  # fmt: skip


class CaseHarness:
    """All services on one log in memory, with a clock that the test sets."""

    def __init__(self, *decisions: Decision, share: float = 0.0) -> None:
        self.log = InMemoryLog()
        self.now_ms = 100
        self.service = in_memory_service(self.log, lambda: self.now_ms)
        self.automated = FixedDecisions(decisions, share=share, secret=b"s")
        self.audited: list[AuditInput] = []
        """Records of the audit log."""
        self.reviews = ReviewService(
            self.service,
            self.automated,
            ended=AuditedRestrictions(InMemoryPublicLog(lambda: self.audited), appeal_days=183),
            clock=lambda: self.now_ms,
        )
        self.cases = CaseService(CaseLog(self.service, self.reviews, clock=lambda: self.now_ms))

    def another(self) -> CaseService:
        """Build the service of another process on the same log."""
        service = in_memory_service(self.log, lambda: self.now_ms)
        reviews = ReviewService(service, self.automated, clock=lambda: self.now_ms)
        return CaseService(CaseLog(service, reviews, clock=lambda: self.now_ms))

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
        [accepted] = await self.service.override([draft])
        assert isinstance(accepted.record, Override)
        return accepted.record

    async def undo(self, *, country: str = "IN", tag: str = "tag") -> None:
        await self.service.undo(UndoDraft(tag_of(tag), country, None, "zoe", "wrong"))

    async def look(self, actor: str, verdict: Any, tag: str = "tag") -> Any:
        """Claim a second look and give a verdict."""
        await self.cases.claim(tag, actor=actor)
        return await self.cases.decide(tag, verdict, actor=actor, reason="seen")
