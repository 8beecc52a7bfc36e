"""Service for cases: claims, decisions, second looks, notes and escalations.

A decision and the overrides that put it into effect are written together.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from msgspec.structs import replace

from moderation.domain.appeals.appeals import A_WEEK
from moderation.domain.cases.case import HashtagCase, covered_items, is_look_open
from moderation.domain.cases.case_log import CaseLog
from moderation.domain.cases.effects import ids_of, overrides_of, undos_of
from moderation.domain.cases.fold import claim_problem, look_problem, look_result
from moderation.domain.cases.records import (
    MOST_COVERED,
    CaseClaim,
    CaseDecision,
    CaseEscalation,
    CaseLook,
    CaseNote,
    CaseRecord,
    CaseSkip,
    CaseUndo,
    CaseVerdict,
    CoveredItem,
    FirstAnswerRecord,
    FirstWord,
    SkipCause,
)
from moderation.log.drafts import AcceptedRecord, End, words_of
from moderation.log.errors import FirstAnswerDue, NothingToUndo, StaleReview
from streams.errors import CallerMistake
from streams.log.moderation import TagRecord
from streams.orders.speakers import same_person

Check = Callable[[HashtagCase, Sequence[CoveredItem]], None]
"""Check of a person's rights on the parts of a case that a write covers; it raises what refuses the write."""
_Record = TypeVar("_Record", bound=CaseRecord)
_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


@dataclass(frozen=True, slots=True)
class CaseResult:
    """Result of a decision, a verdict or an undo."""

    record: CaseDecision | CaseLook | CaseUndo
    effects: tuple[AcceptedRecord, ...]
    """Records that change what is shown."""
    case: HashtagCase
    """The case after it."""


class CaseService:
    """Writes what people do with cases, on a log of cases that the caller reads, too.

    Raises (from every method):
        DependencyAway: Kafka does not answer.
        NoSuchCase: no case has this id or hashtag.
        StaleReview: another person acted first.
    """

    def __init__(self, log: CaseLog) -> None:
        self.log = log

    async def claim(self, name: str, *, actor: str, reason: str = "to look at it") -> HashtagCase:
        """Claim a case until a decision, a skip or a minute without a heartbeat."""
        actor, reason = words_of(actor, reason)
        case = await self.log.find(name)
        if not case.is_open:
            raise StaleReview(case.id, "nothing of it is open")
        return await self._claim(case, actor, reason, take_over=False)

    async def take_over(self, name: str, *, actor: str, reason: str) -> HashtagCase:
        """Take a case from the person who holds it."""
        actor, reason = words_of(actor, reason)
        case = await self.log.find(name)
        holder = self.log.claimant(case)
        if not holder or same_person(holder, actor):
            raise CallerMistake(f"no other person holds {case.id}", fix="hushtag cases show")
        return await self._claim(case, actor, reason, take_over=True)

    async def heartbeat(self, name: str, *, actor: str) -> int:
        """Extend a claim by a minute; nothing is written.

        Returns:
            End of the claim, Unix time in ms.

        Raises:
            StaleReview: the person has no claim, or another person has taken the case.
        """
        case = await self.log.find(name)
        claim = case.progress.claim
        if claim is None or not same_person(claim.actor, actor):
            raise StaleReview(case.id, f"{claim.actor} has claimed it" if claim else f"{actor} does not hold the claim")
        self.log.beats.beat(claim.id, self.log.now_ms())
        return self.log.claimed_until_ms(case)

    async def skip(self, name: str, why: SkipCause, *, actor: str, reason: str) -> HashtagCase:
        """Give a case up without a decision; it does not come back to this person."""
        actor, reason = words_of(actor, reason)
        case = await self.log.find(name)
        return await self._write(case, self._record(CaseSkip, case, actor, reason, why=why))

    async def answer(self, name: str, answer: FirstWord, *, actor: str, reason: str) -> HashtagCase:
        """Keep a person's first answer, given before the numbers are seen.

        Raises:
            CallerMistake: the case is a blind second look.
            StaleReview: nothing of the case is open, or the person has given a first answer.
        """
        actor, reason = words_of(actor, reason)
        case = await self.log.find(name)
        if self.log.is_blind(case, actor):
            raise CallerMistake("a second look has no first answer", fix="decide hide or show")
        if not case.is_open:
            raise StaleReview(case.id, "nothing of it is open")
        return await self._write(case, self._record(FirstAnswerRecord, case, actor, reason, answer=answer))

    async def note(
        self, name: str, *, actor: str, reason: str, add: Sequence[str] = (), remove: Sequence[str] = ()
    ) -> HashtagCase:
        """Add a note, and add or remove labels."""
        actor, reason = words_of(actor, reason)
        case = await self.log.find(name)
        record = self._record(CaseNote, case, actor, reason, add=_slugs(add), remove=_slugs(remove))
        return await self._write(case, record)

    async def escalate(self, name: str, team: str, *, actor: str, reason: str) -> HashtagCase:
        """Hand a case to another team, whose list then has it."""
        actor, reason = words_of(actor, reason)
        case = await self.log.find(name)
        return await self._write(case, self._record(CaseEscalation, case, actor, reason, team=_slugs([team])[0]))

    async def decide(
        self,
        name: str,
        verdict: CaseVerdict,
        *,
        actor: str,
        reason: str,
        countries: Sequence[str] = (),
        surfaces: Sequence[str] = (),
        items: Sequence[str] = (),
        end: End = A_WEEK,
        expected: str | None = None,
        check: Check = lambda case, covers: None,
    ) -> CaseResult:
        """Decide on a case, or give a verdict in its second look.

        A decision covers the open items that all filters select; an empty filter selects all. What it does not cover
        stays open. A second look covers its own item, and takes no filter.

        Args:
            name: id of the case, or its hashtag.
            verdict: `hide` blocks what is covered, `show` allows it, `leave` leaves it as it is.
            actor: person who decides.
            reason: text for the log, not empty.
            countries: only items of these countries, `*` for those of the world.
            surfaces: only these surfaces.
            items: only these items.
            end: end of the resulting overrides; by default a week.
            expected: version of the case that the person saw; None uses the present one.
            check: called with what is covered, before anything is written.

        Raises:
            CallerMistake: the filters select nothing, or the verdict does not fit.
            FirstAnswerDue: the person owes a first answer on the case.
        """
        actor, reason = words_of(actor, reason)
        case = await self.log.find(name)
        if expected is not None and not self.log.holds_blind(case, actor):
            # before a look that began meanwhile takes the verdict for its own
            self.log.require_version(case, expected)
        if self.log.is_blind(case, actor):
            if countries or surfaces or items:
                raise CallerMistake("a second look has no filters", fix="decide hide or show")
            return await self._judge(case, verdict, actor, reason, check)
        if self.log.owes_first_answer(case, actor):
            if not same_person(holder := self.log.claimant(case) or actor, actor):
                raise StaleReview(case.id, f"{holder} holds the claim")
            raise FirstAnswerDue(case.id, case.display)
        version = self.log.version(case) if expected is None else expected
        covers = covered_items(case, countries, surfaces, items)
        check(case, covers)
        record = self._record(CaseDecision, case, actor, reason, verdict=verdict, covers=covers, edits=version)

        def make() -> tuple[CaseDecision, list[TagRecord]]:
            effects: list[TagRecord] = [
                *overrides_of(
                    case,
                    verdict,
                    covers,
                    self.log.service,
                    actor=actor,
                    reason=reason,
                    end=end,
                )
            ]
            return replace(record, effects=ids_of(effects)), effects

        return await self._decide(case, make, version)

    async def undo(
        self,
        name: str,
        *,
        actor: str,
        reason: str,
        expected: str | None = None,
        check: Check = lambda case, covers: None,
    ) -> CaseResult:
        """Undo the newest decision on a case, with its overrides; what it covered is open again.

        Raises:
            CallerMistake: the person holds a blind second look of the hashtag.
            NothingToUndo: the case has no decision.
        """
        actor, reason = words_of(actor, reason)
        case = await self.log.find(name)
        if self.log.holds_blind(case, actor):
            raise CallerMistake(f"{actor} reviews #{case.display} blind", fix="give your verdict first, or skip it")
        if not case.progress.decisions:
            raise NothingToUndo(f"no decision on {case.id} is left to undo", fix="hushtag cases show")
        last, at_ms = case.progress.decisions[-1], self.log.now_ms()
        check(case, last.covers)
        version = self.log.version(case) if expected is None else expected
        record = self._record(CaseUndo, case, actor, reason, undoes=last.id, edits=version)

        def make() -> tuple[CaseUndo, list[TagRecord]]:
            return record, [*undos_of(last.effects, self.log.service, actor=actor, reason=reason, at_ms=at_ms)]

        return await self._decide(case, make, version)

    def _record(self, kind: Callable[..., _Record], case: HashtagCase, actor: str, reason: str, **more: Any) -> _Record:
        return kind(
            id=secrets.token_hex(8),
            case=case.id,
            hashtag=case.hashtag,
            began_ms=case.began_ms,
            items=tuple(part.item.id for part in case.items[-MOST_COVERED:]),
            actor=actor,
            reason=reason,
            at_ms=self.log.now_ms(),
            **more,
        )

    async def _write(self, case: HashtagCase, record: CaseRecord) -> HashtagCase:
        await self.log.write(case, lambda: (record, []))
        return self.log.again(case)

    async def _claim(self, case: HashtagCase, actor: str, reason: str, *, take_over: bool) -> HashtagCase:
        claim, at_ms = case.progress.claim, self.log.now_ms()
        blind = self.log.is_blind(case, actor)
        beat_ms = self.log.beats.last_ms(claim.id) if claim is not None else 0
        problem = "" if take_over else claim_problem(claim, actor, at_ms, beat_ms)
        if not problem and blind:
            problem = look_problem(case.progress, actor, at_ms)
        if problem:
            raise StaleReview(case.id, problem)
        after = claim.id if claim is not None else ""
        return await self._write(
            case, self._record(CaseClaim, case, actor, reason, after=after, blind=blind, take_over=take_over)
        )

    async def _judge(
        self, case: HashtagCase, verdict: CaseVerdict, actor: str, reason: str, check: Check
    ) -> CaseResult:
        look = case.look
        if verdict == "leave":
            raise CallerMistake("a second look is answered by hide or show", fix="if you cannot judge it, skip it")
        if look is None or not is_look_open(case):
            raise StaleReview(case.id, "its reviewers have decided")
        item = look.item
        covers = [CoveredItem(item.id, item.country, item.surfaces)]
        check(case, covers)
        suppressed = item.kind == "second_look"
        record = self._record(CaseLook, case, actor, reason, item=item.id, verdict=verdict, suppressed=suppressed)

        def make() -> tuple[CaseLook, list[TagRecord]]:
            earlier = self.log.fold.progress(case.id).looks.get(item.id, [])
            effects: list[TagRecord] = []
            if suppressed and look_result([*earlier, record]) == "show":
                effects += overrides_of(case, "show", covers, self.log.service, actor=actor, reason=reason)
            return replace(record, effects=ids_of(effects)), effects

        return await self._decide(case, make)

    async def _decide(
        self, case: HashtagCase, make: Callable[[], tuple[Any, list[TagRecord]]], version: str | None = None
    ) -> CaseResult:
        claim = case.progress.claim
        written: list[Any] = []

        def checked() -> tuple[Any, list[TagRecord]]:
            if version is not None:
                self.log.require_version(case, version)
            record, effects = make()
            beat_ms = self.log.beats.last_ms(claim.id) if claim is not None else 0
            if problem := claim_problem(claim, record.actor, record.at_ms, beat_ms):
                raise StaleReview(case.id, problem)
            written[:] = [record]
            return record, effects

        effects = await self.log.write(case, checked)
        return CaseResult(written[0], effects, self.log.again(case))


def _slugs(words: Sequence[str]) -> tuple[str, ...]:
    """Check names of labels or teams.

    Raises:
        CallerMistake: one is malformed, or there are more than 20.
    """
    if wrong := [word for word in words if not _SLUG.fullmatch(word)]:
        raise CallerMistake(
            f"{wrong[0][:60]!r} cannot be a label or a team", fix="lower-case letters, digits, - and _; at most 40"
        )
    if len(words) > 20:
        raise CallerMistake(f"{len(words)} labels are too many", fix="at most 20 at once")
    return tuple(dict.fromkeys(words))
