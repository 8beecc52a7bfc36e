"""Service for reviews and appeals; a decision takes effect as an override, an undo or a ruling on an order.

A verdict and the record that it leads to are written together. The queue is not stored: it is derived from the
automated decisions and the reviews done.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from moderation.drafts import OverrideDraft, words_of
from moderation.errors import NoSuchCase, StaleReview
from moderation.review.appeals import (
    OVERRIDE_MS,
    AppealSubject,
    Effect,
    also_lifted,
    find_restriction,
    resolve_appeal,
    reversal,
)
from moderation.review.automated import AutomatedFold, AutomatedSource
from moderation.review.fold import AppealStatus, ItemProgress, ReviewFold
from moderation.review.items import ReviewItem
from moderation.review.records import (
    Appeal,
    AppealOutcome,
    ReviewClaim,
    ReviewRecord,
    ReviewRelease,
    ReviewVerdict,
    Verdict,
    encode_review,
)
from moderation.service import ModerationService
from streams.clock import now_ms
from streams.errors import CallerMistake
from streams.log.moderation import encode_moderation
from streams.naming import tag_of
from streams.orders.records import OrderRuling, encode_case

CLAIM_MS = 30 * 60_000
_QUEUE_ORDER = {"hold": 0, "review": 1, "contested": 2, "second_look": 3}


@dataclass(frozen=True, slots=True)
class ReviewResult:
    """Result of a verdict, or of the end of an appeal."""

    record: ReviewRecord
    effect: Effect | None
    """Record that changes what is shown, if any."""
    also_lifts: tuple[str, ...] = ()
    """References of other automated restrictions of the hashtag that an `allow` lifts as well."""
    ended: str = ""
    """Reason why an appeal had no restriction left to reverse; "" if it had one."""


class ReviewService:
    """Reviews and appeals on a moderation service and a decisions follower, which the caller opens and closes.

    Raises (from every method):
        DependencyAway: Kafka does not answer.
        NoSuchCase: the id is unknown.
        StaleReview: another reviewer acted first, or the claim has expired.
    """

    def __init__(
        self, service: ModerationService, follower: AutomatedSource, *, clock: Callable[[], int] = now_ms
    ) -> None:
        self.fold = ReviewFold()
        """Reviews and appeals at the last refresh or write."""
        self.automated = AutomatedFold()
        """Automated decisions at the last refresh."""
        self._service = service
        self._follower = follower
        self._clock = clock
        self._folded = 0

    async def refresh(self) -> None:
        """Read both topics to their present ends."""
        self.automated = await self._follower.refresh(self._clock())
        await self._service.refresh()
        self._fold_new()

    async def queue(self) -> list[tuple[ReviewItem, ItemProgress]]:
        """Return the items that need a verdict, holds first, then by age."""
        await self.refresh()
        at_ms = self._clock()
        waiting = [
            (item, progress)
            for item in self.automated.items.values()
            if (progress := self.fold.progress(item.id)).wants(item.looks)
            and (item.kind == "second_look" or item.ends_ms > at_ms)
        ]
        return sorted(waiting, key=lambda pair: (_QUEUE_ORDER[pair[0].kind], pair[0].began_ms, pair[0].id))

    async def claim(self, item: str, *, actor: str) -> ReviewItem:
        """Claim an item exclusively until it is released or decided, or the claim expires."""
        actor, _ = words_of(actor, "claim")
        await self.refresh()
        found = self._item(item)
        if not self.fold.progress(item).wants(found.looks):
            raise StaleReview(item, "it is already decided")
        at_ms = self._clock()
        await self._write(ReviewClaim(id=_id(), case=item, actor=actor, at_ms=at_ms, until_ms=at_ms + CLAIM_MS))
        return found

    async def release(self, item: str, *, actor: str) -> None:
        """Give up a claim without a verdict."""
        actor, _ = words_of(actor, "release")
        await self.refresh()
        self._item(item)
        await self._write(ReviewRelease(id=_id(), case=item, actor=actor, at_ms=self._clock()))

    async def decide(
        self, item: str, verdict: Verdict, *, actor: str, reason: str, expires_at_ms: int | None = None
    ) -> ReviewResult:
        """Give a verdict on a claimed item.

        A hold or a queued item is then blocked or allowed by the reviewer. A contested hashtag stays contested, or is
        allowed. A sampled suppression is allowed once all of its reviewers overturn it.

        Args:
            item: id of the item.
            verdict: verdict of the reviewer.
            actor: reviewer who has claimed the item.
            reason: text for the log, not empty.
            expires_at_ms: end of the resulting override; None ends it in a week.
        """
        actor, reason = words_of(actor, reason)
        await self.refresh()
        found, at_ms = self._item(item), self._clock()
        record = ReviewVerdict(
            id=_id(),
            case=item,
            hashtag=found.hashtag,
            second_look=found.kind == "second_look",
            verdict=verdict,
            actor=actor,
            reason=reason,
            at_ms=at_ms,
        )

        def effect() -> Effect | None:
            verdicts = [*(one.verdict for one in self.fold.progress(item).verdicts), verdict]
            if record.second_look and (len(verdicts) < found.looks or set(verdicts) != {"overturn"}):
                return None
            if found.kind == "contested" and verdict == "uphold":
                return None
            draft = OverrideDraft(
                tag=tag_of(found.display if tag_of(found.display).hashtag == found.hashtag else found.hashtag),
                action="block" if verdict == "uphold" else "allow",
                country=found.country,
                surfaces=found.surfaces,
                actor=actor,
                reason=reason,
                expires_at_ms=expires_at_ms or at_ms + OVERRIDE_MS,
            )
            return self._service.record_of(draft)

        return ReviewResult(record, await self._write(record, effect))

    async def appeal(self, reference: str, *, actor: str, reason: str) -> Appeal:
        """File an appeal against a restriction, by the reference in its statement."""
        actor, reason = words_of(actor, reason)
        await self.refresh()
        at_ms = self._clock()
        contested = find_restriction(reference, self.automated, self._service.view, at_ms)
        filed = Appeal(
            id=_id(),
            case=reference,
            hashtag=contested.restriction.target,
            actor=actor,
            reason=reason,
            at_ms=at_ms,
            order=contested.order,
            number=None if contested.row is None else contested.row.number,
            deciders=contested.deciders,
        )
        await self._write(filed)
        return filed

    async def end_appeal(self, appeal: str, verdict: Verdict, *, actor: str, reason: str) -> ReviewResult:
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
        return ReviewResult(outcome, written, lifts, subject.ended)

    def _item(self, item: str) -> ReviewItem:
        found = self.automated.items.get(item)
        if found is None:
            raise NoSuchCase(f"there is no review item {item[:40]!r}", fix="hushtag review list")
        return found

    def _appeal(self, appeal: str) -> AppealStatus:
        found = self.fold.appeals.get(appeal)
        if found is None:
            raise NoSuchCase(f"there is no appeal {appeal[:40]!r}", fix="hushtag appeal list")
        return found

    async def _write(
        self, record: ReviewRecord, make_effect: Callable[[], Effect | None] = lambda: None
    ) -> Effect | None:
        """Write a record with its effect, and check that both were accepted.

        Args:
            record: record of the review.
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
                return [encode_review(record)]
            encode_effect = encode_case(effect) if isinstance(effect, OrderRuling) else encode_moderation(effect)
            return [encode_review(record), encode_effect]

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
        others = self._service.view.others
        for offset, other in others[self._folded :]:
            self.fold.decode_and_apply(offset, other)
        self._folded = len(others)


def _id() -> str:
    return secrets.token_hex(8)
