"""Markings of sampled tweets by people: what a tweet is, in the words of the person who read it.

Markings are records of the `moderation` topic, which other folds ignore. The last one of a person and
a tweet in a case counts. It changes neither the case's version nor what surfaces show.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import Literal, get_args

import msgspec

from moderation.domain.cases.records import CaseId
from moderation.log.drafts import words_of
from moderation.log.follower import Follower
from moderation.log.service import ModerationService
from streams.errors import ContractError
from streams.flags.overrides import OverrideHistory
from streams.log.moderation import Id, Ms, OtherRecord, RecordCodec, Tag, Text, TweetId
from streams.policy.look_alikes import visual_form

KIND = "text_marking"
Mark = Literal["attack", "counter_speech", "news", "reclaimed", "unrelated", "none"]
"""Kind of a tweet: it attacks, answers attacks, reports, uses a slur of its author's own group, or is off the topic.

`none` removes a marking.
"""
MARKS: tuple[Mark, ...] = get_args(Mark)


class TextMarking(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag=KIND):
    """One person's marking of a sampled tweet in a case."""

    id: Id
    case: CaseId
    hashtag: Tag
    tweet: TweetId
    mark: Mark
    """`none` removes the person's marking."""
    actor: Text
    reason: Text
    at_ms: Ms


_codec: RecordCodec[TextMarking] = RecordCodec(
    TextMarking, lambda marking: f"texts:{marking.hashtag}|review|{marking.id}|*".encode()
)
encode_marking = _codec.encode
decode_marking = _codec.decode


class MarkingFold:
    """Markings by case, tweet and person. Records must come in the order of the log."""

    def __init__(self) -> None:
        self._cases: dict[str, dict[str, dict[str, TextMarking]]] = {}

    def apply(self, record: TextMarking) -> None:
        """Apply a marking; the last of a person and a tweet counts."""
        marks = self._cases.setdefault(record.case, {}).setdefault(record.tweet, {})
        person = visual_form(record.actor)
        marks.pop(person, None)
        if record.mark != "none":
            marks[person] = record

    def decode_and_apply(self, offset: int, other: OtherRecord) -> None:
        """Apply an undecoded record of the topic; other kinds and malformed records are ignored."""
        try:
            record = decode_marking(other)
        except ContractError:
            return
        if record is not None:
            self.apply(record)

    def of_person(self, case: str, actor: str) -> dict[str, Mark]:
        """Return an actor's markings in a case, by tweet."""
        person = visual_form(actor)
        return {tweet: marks[person].mark for tweet, marks in self._of(case).items() if person in marks}

    def of_others(self, case: str, actor: str) -> dict[str, list[TextMarking]]:
        """Return the markings of the other people in a case, by tweet, oldest first."""
        person = visual_form(actor)
        return {
            tweet: [marking for key, marking in marks.items() if key != person]
            for tweet, marks in self._of(case).items()
            if marks.keys() - {person}
        }

    def by_case(self) -> Iterator[tuple[str, list[TextMarking]]]:
        """Yield each case with all markings in it, by tweet and person."""
        for case, tweets in self._cases.items():
            yield case, [marking for marks in tweets.values() for marking in marks.values()]

    def _of(self, case: str) -> Mapping[str, Mapping[str, TextMarking]]:
        return self._cases.get(case, {})


class MarkingService:
    """Reader and writer of markings on a moderation service, which the caller opens and closes.

    Raises (from every method):
        DependencyAway: Kafka does not answer.
    """

    def __init__(self, service: ModerationService, *, clock: Callable[[], int] | None = None) -> None:
        self._service = service
        self._clock = clock or service.now_ms
        self._markings = MarkingFold()
        self._records = Follower(self._markings.decode_and_apply)

    async def refresh(self) -> MarkingFold:
        """Read the topic to its present end, and return the markings."""
        return self._fold(await self._service.refresh())

    async def mark(self, case: str, hashtag: str, tweet: str, mark: Mark, *, actor: str, reason: str) -> MarkingFold:
        """Write a marking, and return all of them.

        Args:
            case: id of the case.
            hashtag: its hashtag, normalised.
            tweet: id of a sampled tweet; the caller checks that the case has it.
            mark: kind of the tweet; `none` removes the person's marking.
            actor: person who marks.
            reason: text for the log, not empty.
        """
        actor, reason = words_of(actor, reason)
        record = TextMarking(
            id=secrets.token_hex(8),
            case=case,
            hashtag=hashtag,
            tweet=tweet,
            mark=mark,
            actor=actor,
            reason=reason,
            at_ms=self._clock(),
        )

        def records(view: OverrideHistory) -> list[tuple[bytes, bytes]]:
            present = self._fold(view).of_person(case, actor).get(tweet, "none")
            return [encode_marking(record)] if present != mark else []

        await self._service.transact(records)
        return self._fold(self._service.view)

    def _fold(self, view: OverrideHistory) -> MarkingFold:
        self._records.follow(view)
        return self._markings
