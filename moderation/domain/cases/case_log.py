"""Reader and writer of case records: finds cases, and writes a record together with its effects.

Each record is read back, and the fold decides whether it is accepted.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from moderation.domain.appeals.service import ReviewService
from moderation.domain.cases.answers import CaseClosingAnswer
from moderation.domain.cases.blinding import hidden_hashtags, is_hidden
from moderation.domain.cases.case import HashtagCase
from moderation.domain.cases.case_board import CaseBoard
from moderation.domain.cases.closing import closing_of
from moderation.domain.cases.first_answer import HiddenNumbers, owes_first_answer
from moderation.domain.cases.fold import CLAIM_MS, CaseFold, change_words
from moderation.domain.cases.heartbeats import Heartbeats
from moderation.domain.cases.records import CaseRecord, encode_case_record
from moderation.log.drafts import AcceptedRecord
from moderation.log.errors import NoSuchCase, StaleReview
from moderation.log.follower import Follower
from moderation.log.service import ModerationService
from streams.flags.moderation_fold import Scope
from streams.log.moderation import Override, TagRecord, encode_moderation
from streams.naming import tag_of

FirstAnswerRule = Callable[[], Awaitable[int]]
"""Reader of the live policy's `review.skip_first_answer_within`, in ms."""


class CaseLog:
    """Cases on a moderation service and the service of appeals, which the caller opens and closes.

    Raises (from every method):
        DependencyAway: Kafka does not answer.
        NoSuchCase: no case has this id or hashtag.
        StaleReview: another person acted first.

    Args:
        service: service of people's decisions.
        reviews: service of appeals and automated decisions.
        clock: present time, Unix time in ms.
        first_answers: reader of the rule of first answers; None: no person owes one.
    """

    def __init__(
        self,
        service: ModerationService,
        reviews: ReviewService,
        *,
        clock: Callable[[], int] | None = None,
        first_answers: FirstAnswerRule | None = None,
    ) -> None:
        self.fold = CaseFold()
        """Case records at the last refresh or write."""
        self.beats = Heartbeats()
        self.service = service
        """Service of people's decisions, on which the records are written."""
        self._reviews = reviews
        self.now_ms = clock or service.now_ms
        self._records = Follower(self.fold.decode_and_apply)
        self._board = CaseBoard()
        self._first_answers = first_answers
        self._skip_within_ms = 0

    async def refresh(self) -> dict[str, HashtagCase]:
        """Read the topics to their present ends and return the cases by id."""
        return dict((await self._read()).cases)

    @property
    def cases(self) -> Mapping[str, HashtagCase]:
        """Cases by id at the last read."""
        return self._board.cases

    async def changed_since(self, sequence: int) -> tuple[int, set[str]]:
        """Read on to the present ends; return the last change's number, and the cases changed after an earlier one."""
        return (await self._read()).changed_since(sequence)

    def hidden_hashtags(self, actor: str) -> frozenset[str]:
        """Return the hashtags about which an actor may see no numbers now, at the last refresh."""
        return hidden_hashtags(self.fold, actor, self.now_ms())

    async def hidden_hashtags_now(self, actor: str) -> frozenset[str]:
        """Read on to the present end, and return the hashtags about which an actor may see no numbers."""
        await self.service.refresh()
        self._fold_new()
        return self.hidden_hashtags(actor)

    def owes_first_answer(self, case: HashtagCase, person: str) -> bool:
        """Return whether a person who may decide owes a first answer on a case."""
        if self._first_answers is None:
            return False
        return owes_first_answer(case, person, self.now_ms(), self._skip_within_ms)

    def hidden_numbers(self, person: str) -> HiddenNumbers:
        """Return the hashtags about which a person who may decide gets no numbers now, at the last refresh."""
        return HiddenNumbers(self._board.open_of_tag, lambda case: self.owes_first_answer(case, person))

    async def hidden_numbers_now(self, person: str) -> HiddenNumbers:
        """Read on to the present ends, and return the hashtags about which a person gets no numbers."""
        await self._read()
        return self.hidden_numbers(person)

    def is_blind(self, case: HashtagCase, actor: str) -> bool:
        """Return whether an actor sees a case without numbers, states and verdicts of others."""
        return case.is_blind or self.holds_blind(case, actor)

    def holds_blind(self, case: HashtagCase, actor: str) -> bool:
        """Return whether an actor has claimed a second look of the case's hashtag, and owes its verdict."""
        return is_hidden(self.fold, case.hashtag, actor, self.now_ms())

    def claimant(self, case: HashtagCase) -> str:
        """Return the person who holds a case now; "" for no person."""
        claim = case.progress.claim
        return claim.actor if claim is not None and self.claimed_until_ms(case) > self.now_ms() else ""

    def claimed_until_ms(self, case: HashtagCase) -> int:
        """Return the end of a case's claim without a further heartbeat; 0 without a claim."""
        claim = case.progress.claim
        return max(claim.at_ms, self.beats.last_ms(claim.id)) + CLAIM_MS if claim is not None else 0

    def closing(self, case: HashtagCase) -> CaseClosingAnswer | None:
        """Return how and by whom a case was closed; None while it is open."""
        overrides = [record for _, record in self._board.overrides.overrides(case.hashtag)]
        appeals = self._reviews.fold.by_tag.get(case.hashtag, ())
        return closing_of(case, overrides, appeals, self._reviews.automated)

    async def find(self, name: str) -> HashtagCase:
        """Return a case by its id, or the newest case of a hashtag."""
        board = await self._read()
        if not name.startswith("case-"):
            hashtag = tag_of(name).hashtag
            if not (cases := board.of_tag(hashtag)):
                raise NoSuchCase(f"#{hashtag} has no case", fix="hushtag cases list")
            return max(cases.values(), key=lambda case: (case.is_open, case.began_ms))
        if (case := board.cases.get(name)) is None:
            raise NoSuchCase(f"there is no case {name[:40]!r}", fix="hushtag cases list")
        return case

    async def of_tag(self, hashtag: str) -> list[HashtagCase]:
        """Return the cases of a hashtag (normalised)."""
        return [*(await self._read()).of_tag(hashtag).values()]

    def version(self, case: HashtagCase) -> str:
        """Return the version that a decision must name: of the case's records and people's overrides; "" for none."""
        return max(self.fold.progress(case.id).version, self.service.view.fold.version(self._scopes(case)))

    def require_version(self, case: HashtagCase, version: str) -> None:
        """Refuse a write if the case has changed since a version, and say who changed it."""
        if version == self.version(case):
            return
        if case.is_blind and not version:  # who did what is not for the next reviewer of the look
            raise StaleReview(case.id, "it has changed, and only its second look is open")
        words = change_words(self.fold.progress(case.id), version)
        for record in () if words else self.service.view.fold.changed(self._scopes(case), version)[-1:]:
            verb = record.action if isinstance(record, Override) else "undo"
            words = f"{record.actor} has decided since ({verb}): {record.reason}"
        raise StaleReview(case.id, words or f"the version {version[:80]!r} never existed")

    async def write(
        self, case: HashtagCase, make: Callable[[], tuple[CaseRecord, list[TagRecord]]]
    ) -> tuple[AcceptedRecord, ...]:
        """Write a record with its effects, check that all were accepted, and return the effects."""

        def encoded(view: object) -> list[tuple[bytes, bytes]]:
            self._fold_new()
            record, effects = make()
            if problem := self.fold.problem(record):
                raise StaleReview(case.id, problem)
            return [encode_case_record(record), *map(encode_moderation, effects)]

        offsets = await self.service.transact(encoded)
        self._fold_new()
        if problem := self.fold.refused.get(offsets[0]):
            raise StaleReview(case.id, problem)
        if any(offset in self.service.view.fold.stale for offset in offsets[1:]):
            raise StaleReview(
                case.id, "a part has no effect: another decision was taken at the same moment (hushtag moderation list)"
            )
        return tuple(AcceptedRecord(self.service.view.record_at(offset), offset) for offset in offsets[1:])

    def again(self, case: HashtagCase) -> HashtagCase:
        """Return a case as it is after what was written, without reading on."""
        return self._updated().cases[case.id]

    def _scopes(self, case: HashtagCase) -> Sequence[Scope]:
        self._board.overrides.follow(self.service.view)
        return self._board.overrides.scopes(case.hashtag)

    async def _read(self) -> CaseBoard:
        """Read the topics to their present ends."""
        await self._reviews.refresh()
        if self._first_answers is not None:
            self._skip_within_ms = await self._first_answers()
        return self._updated()

    def _updated(self) -> CaseBoard:
        self._fold_new()
        reviews = self._reviews
        self._board.update(self.fold, reviews.automated, self.service.view, reviews.fold, self.now_ms())
        return self._board

    def _fold_new(self) -> None:
        self._records.follow(self.service.view)
