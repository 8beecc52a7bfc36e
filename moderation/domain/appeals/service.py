"""Service for appeals; an outcome takes effect as an override, an undo or a ruling on an order.

An outcome and the record that it leads to are written together.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from moderation.domain.appeals.appeals import (
    AppealSubject,
    ContestedRestriction,
    Effect,
    also_lifted,
    find_restriction,
    resolve_appeal,
    reversal,
)
from moderation.domain.appeals.automated_decisions import AutomatedFold, AutomatedSource
from moderation.domain.appeals.fold import AppealFold, AppealStatus
from moderation.domain.appeals.records import Appeal, AppealOutcome, AppealRecord, Verdict, encode_appeal
from moderation.domain.restrictions.restriction import Restriction
from moderation.log.drafts import words_of
from moderation.log.errors import NoSuchCase, StaleReview
from moderation.log.follower import Follower
from moderation.log.service import ModerationService
from streams.errors import CallerMistake
from streams.log.moderation import encode_moderation
from streams.orders.records import OrderRuling, encode_legal


@dataclass(frozen=True, slots=True)
class AppealResult:
    """Result of the end of an appeal."""

    record: AppealOutcome
    effect: Effect | None
    """Record that changes what is shown, if any."""
    also_lifts: tuple[str, ...] = ()
    """References of other automated restrictions of the hashtag that an `allow` lifts as well."""
    ended: str = ""
    """Reason why an appeal had no restriction left to reverse; "" if it had one."""


class EndedRestrictions(Protocol):
    """Restrictions that have left the topic of decisions."""

    async def find(self, reference: str, now_ms: int, /) -> Restriction | None:
        """Find an automated restriction that ended within the appeal period."""


class ReviewService:
    """Appeals on a moderation service and a decisions follower, which the caller opens and closes.

    Raises (from every method):
        DependencyAway: Kafka does not answer.
        NoSuchCase: the id is unknown.
        StaleReview: another person acted first.
    """

    def __init__(
        self,
        service: ModerationService,
        follower: AutomatedSource,
        *,
        ended: EndedRestrictions | None = None,
        clock: Callable[[], int] | None = None,
    ) -> None:
        self.fold = AppealFold()
        """Appeals at the last refresh or write."""
        self.automated = AutomatedFold()
        """Automated decisions at the last refresh."""
        self._service = service
        self._follower = follower
        self._ended = ended
        self._clock = clock or service.now_ms
        self._records = Follower(self.fold.decode_and_apply)

    async def refresh(self) -> None:
        """Read both topics to their present ends."""
        self.automated = await self._follower.refresh(self._clock())
        await self._service.refresh()
        self._fold_new()

    async def restriction(self, reference: str) -> ContestedRestriction:
        """Find the restriction that a statement names, also one that ended within the appeal period.

        Raises:
            NoSuchCase: no restriction has this reference, or it ended too long ago.
        """
        await self.refresh()
        at_ms = self._clock()
        contested = find_restriction(reference, self.automated, self._service.view, at_ms)
        if contested is None and self._ended is not None:
            ended = await self._ended.find(reference, at_ms)
            contested = None if ended is None else ContestedRestriction(ended)
        if contested is None:
            raise NoSuchCase(
                f"there is no restriction {reference[:40]!r}, or it ended before the appeal period",
                fix="give the reference from the statement",
            )
        return contested

    async def appeal(
        self, reference: str, *, actor: str, reason: str, contested: ContestedRestriction | None = None
    ) -> Appeal:
        """File an appeal against a restriction, by the reference in its statement.

        Args:
            reference: reference of the restriction.
            actor: person who files it.
            reason: reason that the appellant gives.
            contested: result of `restriction`, where it is known already.
        """
        actor, reason = words_of(actor, reason)
        contested, at_ms = contested or await self.restriction(reference), self._clock()
        filed = Appeal(
            id=_id(),
            case=reference,
            hashtag=contested.restriction.target,
            actor=actor,
            reason=reason,
            at_ms=at_ms,
            order=contested.order_id,
            number=None if contested.row is None else contested.row.number,
            deciders=contested.deciders,
        )
        await self._write(filed)
        return filed

    async def end_appeal(self, appeal: str, verdict: Verdict, *, actor: str, reason: str) -> AppealResult:
        """Decide an appeal; `overturn` reverses the restriction as far as it is in force.

        Raises:
            CallerMistake: the actor took the contested decision.
        """
        actor, reason = words_of(actor, reason)
        await self.refresh()
        contested_by, at_ms = self._appeal(appeal).appeal, self._clock()
        outcome = AppealOutcome(
            id=_id(),
            appeal=appeal,
            case=contested_by.case,
            hashtag=contested_by.hashtag,
            verdict=verdict,
            actor=actor,
            reason=reason,
            at_ms=at_ms,
        )
        subject = AppealSubject((), None)

        def effect() -> Effect | None:
            nonlocal subject
            subject = resolve_appeal(contested_by, self.automated, self._service.view, at_ms)
            if subject.decided_by(actor):
                raise CallerMistake(
                    f"{actor} took the decision that the appeal contests", fix="another person must judge the appeal"
                )
            if verdict == "uphold" or subject.contested is None:
                return None
            return reversal(subject.contested, self._service, actor=actor, reason=reason, at_ms=at_ms)

        written = await self._write(outcome, effect)
        contested = subject.contested
        lifts = () if contested is None else also_lifted(written, contested.restriction, self.automated, at_ms)
        return AppealResult(outcome, written, lifts, subject.ended)

    def _appeal(self, appeal: str) -> AppealStatus:
        status = self.fold.appeals.get(appeal)
        if status is None:
            raise NoSuchCase(f"there is no appeal {appeal[:40]!r}", fix="hushtag appeal list")
        return status

    async def _write(
        self, record: AppealRecord, make_effect: Callable[[], Effect | None] = lambda: None
    ) -> Effect | None:
        """Write a record with its effect, and check that both were accepted.

        Args:
            record: record of the appeal.
            make_effect: builds the effect from the current state of the log.
        """
        effect: Effect | None = None

        def encoded(view: object) -> list[tuple[bytes, bytes]]:
            nonlocal effect
            self._fold_new()
            effect = make_effect()
            if problem := self.fold.problem(record):
                raise StaleReview(record.case, problem)
            if effect is None:
                return [encode_appeal(record)]
            encode_effect = encode_legal(effect) if isinstance(effect, OrderRuling) else encode_moderation(effect)
            return [encode_appeal(record), encode_effect]

        offsets = await self._service.transact(encoded)
        self._fold_new()
        if problem := self.fold.refused.get(offsets[0]):
            raise StaleReview(record.case, problem)
        fold = self._service.view.fold
        if effect is not None and (offsets[1] in fold.stale or offsets[1] in fold.orders.refused):
            where = "hushtag orders show" if isinstance(effect, OrderRuling) else "hushtag moderation list"
            raise StaleReview(
                record.case, f"it is recorded without effect: another decision was taken at the same moment ({where})"
            )
        return effect

    def _fold_new(self) -> None:
        self._records.follow(self._service.view)


def _id() -> str:
    return secrets.token_hex(8)
