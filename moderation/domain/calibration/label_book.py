"""Labels of texts: taken in, scored by the live model, and read back as those that count for it.

Nothing of a text is kept: a text of a file is scored at once, and a marked tweet is read again for each comparison.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec
from msgspec.structs import replace

from moderation.domain.calibration.agreed_labels import CalibrationTexts, PersonLabel, combine
from moderation.domain.calibration.drafts import LabelDraft
from moderation.domain.calibration.fold import LabelFold
from moderation.domain.calibration.live_models import LiveModel, ModelStore
from moderation.domain.calibration.marked_tweets import marked_tweets, sampled_places
from moderation.domain.calibration.records import TextLabel, encode_label, label_id, text_subject, tweet_subject
from moderation.domain.calibration.scoring import ScoredText, score_texts
from moderation.domain.cases.case import HashtagCase
from moderation.domain.cases.markings import MarkingService
from moderation.domain.tables import RowProblem
from moderation.domain.texts.shown_text import NO_POSITION
from moderation.log.cipher import TextContent
from moderation.log.drafts import words_of
from moderation.log.follower import Follower
from moderation.log.service import ModerationService
from streams.constants import MINUTE_MS
from streams.flags.overrides import OverrideHistory
from streams.log.decisions import SampledAt

AGAIN_MS = 10 * MINUTE_MS
"""Time after which a tweet that could not be read is tried again."""


class Cases(Protocol):
    """Reader of cases; `cases.case_log.CaseLog`."""

    async def refresh(self) -> dict[str, HashtagCase]:
        """Return the cases by id."""


class TextFinder(Protocol):
    """Reader of texts for the model; `evidence.reader.TextReader`."""

    async def read_for_scoring(self, places: Mapping[str, SampledAt]) -> dict[str, TextContent]:
        """Return the texts of tweets by id, as far as they can be read."""


@dataclass(frozen=True, slots=True)
class AddedLabels:
    """Result of handing in labels."""

    added: int
    unchanged: int
    """Labels that the person had given already."""
    problems: tuple[RowProblem, ...]
    """Labels that were not taken, each with the reason."""


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels that count for the live model, and the number of those that do not."""

    live: LiveModel
    texts: CalibrationTexts
    other_model: int
    """Labels of texts that another model has scored; their file must be handed in again."""
    unreadable: int
    """Labels of tweets whose text cannot be read any more."""
    unread: int
    """Labels of texts in languages that the model does not read."""
    marked: int
    """Labels that come from markings in cases."""


class LabelBook:
    """Reader and writer of labels, on services that the caller opens and closes.

    Args:
        secret: key of the hashes of texts; a label made with another key counts as one of another text.

    Raises (from every method):
        CallerMistake: no model is live, or it cannot be used.
        DependencyAway: Kafka does not answer.
    """

    def __init__(
        self,
        moderation: ModerationService,
        markings: MarkingService,
        cases: Cases,
        texts: TextFinder,
        models: ModelStore,
        *,
        secret: bytes,
        clock: Callable[[], int] | None = None,
    ) -> None:
        self._moderation = moderation
        self._markings = markings
        self._cases = cases
        self._texts = texts
        self.models = models
        self._secret = secret
        self._clock = clock or moderation.now_ms
        self._fold = LabelFold()
        self._records = Follower(self._fold.decode_and_apply)
        self._scored: dict[tuple[str, str], ScoredText] = {}
        """Scores of tweets that were read, by digest of the model and tweet."""
        self._missed_ms: dict[str, int] = {}
        """Time at which a tweet could not be read, by id."""

    async def live(self) -> LiveModel:
        """Return the live model."""
        return await self.models.live()

    async def add(
        self,
        drafts: Sequence[LabelDraft],
        *,
        actor: str,
        reason: str,
        places: Sequence[str] = (),
        all_or_none: bool = False,
    ) -> AddedLabels:
        """Score the texts of labels and keep the labels; a sender's later label of a text replaces the earlier.

        Args:
            drafts: labels.
            actor: sender, by the key, session or command; every label counts as the sender's own.
            reason: text for the records.
            places: place of each draft in problems, such as `line 3`; empty: their numbers.
            all_or_none: write nothing if a label has a problem.
        """
        actor, reason = words_of(actor, reason)
        live = await self.models.live()
        at = sampled_places((await self._cases.refresh()).values()) if any(draft.tweet_id for draft in drafts) else {}
        positions = {draft.tweet_id: at.get(draft.tweet_id, ("", NO_POSITION))[1] for draft in drafts if draft.tweet_id}
        contents = await self._texts.read_for_scoring(positions) if positions else {}
        if any(draft.harmful is None for draft in drafts):
            self._records.follow(await self._moderation.refresh())
        problems: list[RowProblem] = []
        records: dict[int, TextLabel] = {}
        texts: list[tuple[str, str]] = []
        kept: list[tuple[int, LabelDraft]] = []
        places = places or [f"label {number}" for number in range(1, len(drafts) + 1)]
        for number, (draft, place) in enumerate(zip(drafts, places, strict=True)):
            if (problem := draft.problem(live.scorer.categories)) is not None:
                problems.append(RowProblem(place, problem[0], "", problem[1], problem[2]))
                continue
            if draft.harmful is None and (earlier := self._fold.find(self._id_of(draft, actor))) is not None:
                records[number] = self._withdrawal(earlier, reason)  # its tweet may be gone
                continue
            content = (
                contents.get(draft.tweet_id) if draft.tweet_id else TextContent(text=draft.text or "", lang=draft.lang)
            )
            if content is None:
                problems.append(RowProblem(place, "tweet_id", draft.tweet_id or "", *_NO_TEXT))
                continue
            kept.append((number, draft))
            texts.append((content.text, content.lang))
        scores = await asyncio.to_thread(score_texts, live.scorer, *_columns(texts))
        for (number, draft), score in zip(kept, scores, strict=True):
            if score.probabilities is None:
                what = f"the model does not read this language ({score.language})"
                problems.append(RowProblem(places[number], "text", "", what, "leave it out"))
            else:
                records[number] = self._record(draft, score, live, at, actor, reason)
        if problems and all_or_none:
            return AddedLabels(0, 0, tuple(problems))
        added = await self._write([records[number] for number in sorted(records)])
        return AddedLabels(added, len(records) - added, tuple(problems))

    async def labels(self) -> Labels:
        """Return the labels that count for the live model."""
        live = await self.models.live()
        markings, cases = await self._markings.refresh(), await self._cases.refresh()
        self._records.follow(self._moderation.view)
        names = live.scorer.categories
        marked = marked_tweets(markings, cases, names)
        stale = [label for label in self._fold if label.scores != live.scores]
        places = {mark.tweet: mark.place for mark in marked}
        places |= {
            _tweet_of(label): SampledAt(label.partition, label.offset, label.lang)
            for label in stale
            if _tweet_of(label)
        }
        scores = await self._scores_of(live, places)
        counted: list[PersonLabel] = []
        unreadable = unread = other_model = 0
        for label in self._fold:
            score = _score_of(label) if label.scores == live.scores else scores.get(_tweet_of(label))
            if score is None:
                other_model += not _tweet_of(label)
                unreadable += bool(_tweet_of(label))
            elif score.probabilities is None:
                unread += 1
            else:
                counted.append(_person_label(label, score, score.probabilities, names))
        n_given = len(counted)
        for mark in marked:
            score = scores.get(mark.tweet)
            if score is None:
                unreadable += 1
            elif score.probabilities is None:
                unread += 1
            else:
                counted.append(
                    PersonLabel(
                        subject=tweet_subject(mark.tweet), actor=mark.actor, harmful=mark.harmful,
                        categories=mark.categories, language=score.language, probabilities=score.probabilities,
                        hashtag=mark.hashtag, at_ms=mark.at_ms,
                    )
                )  # fmt: skip
        return Labels(live, combine(counted), other_model, unreadable, unread, len(counted) - n_given)

    def _record(
        self,
        draft: LabelDraft,
        score: ScoredText,
        live: LiveModel,
        places: Mapping[str, tuple[str, SampledAt]],
        actor: str,
        reason: str,
    ) -> TextLabel:
        assert score.probabilities is not None
        subject = self._subject_of(draft)
        hashtag, at = places.get(draft.tweet_id or "", ("", NO_POSITION))
        return TextLabel(
            id=label_id(subject, actor), subject=subject, hashtag=hashtag, partition=at.partition, offset=at.offset,
            lang=at.lang if draft.tweet_id else draft.lang, harmful=draft.harmful, categories=draft.categories,
            language=score.language, probabilities=score.probabilities, model=live.revision, scores=live.scores,
            actor=actor, reason=reason, at_ms=self._clock(),
        )  # fmt: skip

    def _subject_of(self, draft: LabelDraft) -> str:
        return tweet_subject(draft.tweet_id) if draft.tweet_id else text_subject(draft.text or "", self._secret)

    def _id_of(self, draft: LabelDraft, actor: str) -> str:
        return label_id(self._subject_of(draft), actor)

    def _withdrawal(self, label: TextLabel, reason: str) -> TextLabel:
        return replace(label, harmful=None, categories={}, reason=reason, at_ms=self._clock())

    async def _write(self, records: Sequence[TextLabel]) -> int:
        """Write the records that change a label; return their number."""
        new: list[TextLabel] = []

        def changed(view: OverrideHistory) -> list[tuple[bytes, bytes]]:
            self._records.follow(view)
            by_id = {label.id: label for label in records}
            new[:] = [label for label in by_id.values() if not _is_known(label, self._fold.find(label.id))]
            return [encode_label(label) for label in new]

        await self._moderation.transact(changed)
        self._records.follow(self._moderation.view)
        return len(new)

    async def _scores_of(self, live: LiveModel, places: Mapping[str, SampledAt]) -> dict[str, ScoredText]:
        """Score tweets that can be read; scores are remembered, texts are not."""
        at_ms = self._clock()
        missing = {
            tweet: at
            for tweet, at in places.items()
            if (live.scores, tweet) not in self._scored and at_ms - self._missed_ms.get(tweet, -AGAIN_MS) >= AGAIN_MS
        }
        if missing:
            contents = await self._texts.read_for_scoring(missing)
            self._missed_ms |= {tweet: at_ms for tweet in missing if tweet not in contents}
            texts = [(content.text, content.lang) for content in contents.values()]
            scores = await asyncio.to_thread(score_texts, live.scorer, *_columns(texts))
            self._scored |= {(live.scores, tweet): score for tweet, score in zip(contents, scores, strict=True)}
        return {tweet: score for tweet in places if (score := self._scored.get((live.scores, tweet))) is not None}


_NO_TEXT = ("its text cannot be read", "only tweets that a case has sampled have a position; else give the text")


def _columns(texts: Sequence[tuple[str, str]]) -> tuple[list[str], list[str]]:
    return [text for text, _ in texts], [lang for _, lang in texts]


def _tweet_of(label: TextLabel) -> str:
    """Return the id of the tweet of a label; "" for a text of a file."""
    return label.subject.removeprefix("tweet-") if label.subject.startswith("tweet-") else ""


def _score_of(label: TextLabel) -> ScoredText:
    return ScoredText(label.language, label.probabilities)


def _person_label(
    label: TextLabel, score: ScoredText, probabilities: tuple[float, ...], names: tuple[str, ...]
) -> PersonLabel:
    harmful = bool(label.harmful)
    categories = {name: chosen for name, chosen in label.categories.items() if name in names}
    return PersonLabel(
        subject=label.subject, actor=label.actor, harmful=harmful,
        categories=categories if harmful else dict.fromkeys(names, False), language=score.language,
        probabilities=probabilities, hashtag=label.hashtag, at_ms=label.at_ms,
    )  # fmt: skip


def _is_known(label: TextLabel, earlier: TextLabel | None) -> bool:
    """Return whether a label changes nothing; a withdrawal of no label does not either."""
    if earlier is None:
        return label.harmful is None
    fields = ("harmful", "categories", "scores")
    members, other = msgspec.to_builtins(label), msgspec.to_builtins(earlier)
    return all(members[name] == other[name] for name in fields)
