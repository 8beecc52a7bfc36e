"""Where items are claimed and decided, and appeals taken in and ended; what is decided takes effect as an override.

A verdict and the override that it leads to go to the log together. The queue itself is stored nowhere: it is what the
decisions ask for, less what the book says was done.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from moderation.drafts import Draft, tag_of, words_of
from moderation.review.automated import Automated, Follows
from moderation.review.book import Appealed, Book, Progress
from moderation.review.errors import NoSuchCase, StaleReview
from moderation.review.items import Item
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
from moderation.review.remains import Remains, remains
from moderation.review.reversal import LASTS_MS, Effect, also_lifted, find, reversal
from moderation.writer import Desk
from streams.clock import now_ms
from streams.errors import CallerMistake
from streams.log.moderation import encode_moderation
from streams.orders.records import OrderRuling, encode_case

CLAIM_MS = 30 * 60_000


@dataclass(frozen=True, slots=True)
class Done:
    """What a verdict, or the end of an appeal, led to. `effect`: the record that changes what is shown, if any."""

    record: ReviewRecord
    effect: Effect | None
    also_lifts: tuple[str, ...] = ()
    """References of other automated restrictions of the hashtag that an `allow` lifts, too, for it is over them all."""
    ended: str = ""
    """Of an appeal: in words, why nothing was left of what it is against; "" where something was."""


class ReviewDesk:
    """Reviews and appeals on a `Desk`, which the caller enters and leaves, as it does `follower`.

    Raises (from every method):
        DependencyAway: Kafka is silent.
        NoSuchCase: nothing is known by this id.
        StaleReview: somebody else was quicker, or the claim has run out.
    """

    def __init__(self, desk: Desk, follower: Follows, *, clock: Callable[[], int] = now_ms) -> None:
        self.book = Book()
        """As of the last look."""
        self.automated = Automated()
        """As of the last look."""
        self._desk = desk
        self._follower = follower
        self._clock = clock
        self._heard = 0

    async def refresh(self) -> None:
        """Everything as of now."""
        self.automated = await self._follower.refresh(self._clock())
        await self._desk.refresh()
        self._fold()

    async def queue(self) -> list[tuple[Item, Progress]]:
        """What waits for a verdict, holds first, then by age."""
        await self.refresh()
        at_ms = self._clock()
        waiting = [
            (item, progress)
            for item in self.automated.items.values()
            if (progress := self.book.of(item.id)).wants(item.looks)
            and (item.kind == "second_look" or item.ends_ms > at_ms)
        ]
        order = {"hold": 0, "review": 1, "second_look": 2}
        return sorted(waiting, key=lambda pair: (order[pair[0].kind], pair[0].began_ms, pair[0].id))

    async def claim(self, item: str, *, actor: str, lasts_ms: int = CLAIM_MS) -> Item:
        """Take an item to look at; nobody else can until it is released, decided, or the claim runs out."""
        who, _ = words_of(actor, "claim")
        await self.refresh()
        found = self._item(item)
        if not self.book.of(item).wants(found.looks):
            raise StaleReview(item, "it is decided")
        at_ms = self._clock()
        claim = ReviewClaim(id=_id(), case=item, actor=who, at_ms=at_ms, until_ms=at_ms + lasts_ms)
        await self._write(lambda: ([claim], None))
        return found

    async def release(self, item: str, *, actor: str) -> None:
        """Give an item back undecided."""
        who, _ = words_of(actor, "release")
        await self.refresh()
        self._item(item)
        release = ReviewRelease(id=_id(), case=item, actor=who, at_ms=self._clock())
        await self._write(lambda: ([release], None))

    async def decide(
        self, item: str, verdict: Verdict, *, actor: str, reason: str, expires_at_ms: int | None = None
    ) -> Done:
        """Give a verdict on an item that one has claimed.

        A hold or a queued item is then blocked or allowed by the person; a suppression of the sample is allowed once
        all who looked said that it should be shown.

        Args:
            expires_at_ms: when the override ends that it leads to; None: in a week.
        """
        who, why = words_of(actor, reason)
        await self.refresh()
        found, at_ms = self._item(item), self._clock()
        said = ReviewVerdict(
            id=_id(), case=item, hashtag=found.hashtag, second_look=found.kind == "second_look", verdict=verdict,
            actor=who, reason=why, at_ms=at_ms,
        )  # fmt: skip

        def make() -> tuple[list[ReviewRecord], Effect | None]:
            before = [one.verdict for one in self.book.of(item).verdicts]
            if not self._takes_effect(found, [*before, verdict]):
                return [said], None
            draft = Draft(
                tag=tag_of(found.display if tag_of(found.display).hashtag == found.hashtag else found.hashtag),
                action="block" if verdict == "uphold" else "allow",
                country=found.country,
                surfaces=found.surfaces,
                actor=who,
                reason=why,
                expires_at_ms=expires_at_ms or at_ms + LASTS_MS,
            )
            return [said], self._desk.drafted(draft)

        return Done(said, await self._write(make))

    async def appeal(self, reference: str, *, actor: str, reason: str) -> Appeal:
        """Take in an appeal against a restriction, by the reference in its statement."""
        who, why = words_of(actor, reason)
        await self.refresh()
        at_ms = self._clock()
        against = find(reference, self.automated, self._desk.view, at_ms)
        filed = Appeal(
            id=_id(), case=reference, hashtag=against.restriction.target, actor=who, reason=why, at_ms=at_ms,
            order=against.order, number=None if against.row is None else against.row.number,
            deciders=against.deciders,
        )  # fmt: skip
        await self._write(lambda: ([filed], None))
        return filed

    async def end_appeal(self, appeal: str, verdict: Verdict, *, actor: str, reason: str) -> Done:
        """Decide on an appeal. `overturn` reverses what is left of the restriction, see `remains` and `reversal`.

        Raises:
            CallerMistake: whoever took the decision may not judge the appeal.
        """
        who, why = words_of(actor, reason)
        await self.refresh()
        appealed, at_ms = self._appeal(appeal).appeal, self._clock()
        outcome = AppealOutcome(
            id=_id(), appeal=appeal, case=appealed.case, hashtag=appealed.hashtag, verdict=verdict, actor=who,
            reason=why, at_ms=at_ms,
        )  # fmt: skip
        left: list[Remains] = []

        def make() -> tuple[list[ReviewRecord], Effect | None]:
            left[:] = [remains(appealed, self.automated, self._desk.view, at_ms)]
            against = left[0].against
            if left[0].decided_by(who):
                raise CallerMistake(
                    f"{who} took the decision that is appealed against", fix="somebody else must decide"
                )
            if verdict == "uphold" or against is None:
                return [outcome], None
            return [outcome], reversal(against, self._desk, actor=who, reason=why, at_ms=at_ms)

        effect = await self._write(make)
        against, ended = left[0].against, left[0].ended
        lifts = () if against is None else also_lifted(effect, against.restriction, self.automated, at_ms)
        return Done(outcome, effect, lifts, ended)

    def _takes_effect(self, item: Item, verdicts: Sequence[Verdict]) -> bool:
        if item.kind != "second_look":
            return True
        return len(verdicts) >= item.looks and set(verdicts) == {"overturn"}

    def _item(self, item: str) -> Item:
        found = self.automated.items.get(item)
        if found is None:
            raise NoSuchCase(f"there is no item {item[:40]!r} to review", fix="hushtag review list")
        return found

    def _appeal(self, appeal: str) -> Appealed:
        found = self.book.appeals.get(appeal)
        if found is None:
            raise NoSuchCase(f"there is no appeal {appeal[:40]!r}", fix="hushtag appeal list")
        return found

    async def _write(self, make: Callable[[], tuple[list[ReviewRecord], Effect | None]]) -> Effect | None:
        effects: list[Effect | None] = []
        made: list[ReviewRecord] = []

        def encoded(view: object) -> list[tuple[bytes, bytes]]:
            self._fold()
            made[:], effect = make()
            self._check(made)
            effects[:] = [effect]
            records = [encode_review(record) for record in made]
            if effect is not None:
                records.append(encode_case(effect) if isinstance(effect, OrderRuling) else encode_moderation(effect))
            return records

        offsets = await self._desk.transact(encoded)
        self._fold()
        for record, offset in zip(made, offsets, strict=False):
            if why := self.book.refused.get(offset):
                raise StaleReview(record.case, why)
        fold = self._desk.view.fold
        if len(offsets) > len(made) and (offsets[-1] in fold.stale or offsets[-1] in fold.cases.refused):
            where = "hushtag orders show" if isinstance(effects[0], OrderRuling) else "hushtag moderation list"
            raise StaleReview(made[0].case, f"it is noted, but somebody decided on it at the same moment ({where})")
        return effects[0]

    def _check(self, records: Sequence[ReviewRecord]) -> None:
        """Refuse before it is sent what would be refused when it is read back."""
        for record in records:
            if isinstance(record, ReviewClaim | ReviewRelease | ReviewVerdict):
                holder = self.book.of(record.case).holder(record.at_ms)
                if isinstance(record, ReviewClaim):
                    if holder not in (None, record.actor):
                        raise StaleReview(record.case, f"{holder} looks at it")
                elif holder != record.actor:
                    raise StaleReview(record.case, f"{holder} looks at it" if holder else "claim it first")
            elif isinstance(record, AppealOutcome) and self._appeal(record.appeal).outcome is not None:
                raise StaleReview(record.case, "the appeal is decided")

    def _fold(self) -> None:
        others = self._desk.view.others
        for offset, other in others[self._heard :]:
            self.book.hear(offset, other)
        self._heard = len(others)


def _id() -> str:
    return secrets.token_hex(8)
