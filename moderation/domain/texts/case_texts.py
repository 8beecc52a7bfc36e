"""The texts of a case: the random sample of one of its items, and on request those with the highest scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from moderation.domain.appeals.items import ReviewItem
from moderation.domain.cases.case import HashtagCase
from moderation.domain.texts.answers import CaseTextsAnswer, HighestTextsAnswer, TextAnswer
from moderation.domain.texts.reader import TextReader
from moderation.domain.texts.shown_text import (
    NO_POSITION,
    WORDS,
    ShownText,
    sample_words,
    tag_address,
    tweet_address,
)
from streams.errors import CallerMistake
from streams.log.decisions import Evidence, SampledAt
from streams.settings import Settings

HIGHEST_WORDS = "the sampled tweets with the highest scores; they say nothing about the other tweets"


@dataclass(frozen=True, slots=True)
class CaseTexts:
    """Texts of one item of a case, as a person has read them."""

    case: HashtagCase
    item: ReviewItem
    hidden: bool
    random: list[ShownText]
    highest: list[ShownText] | None
    """None: not requested, or not for a blind reviewer."""

    @property
    def evidence(self) -> Evidence:
        """Evidence that names the tweets."""
        assert self.item.evidence is not None
        return self.item.evidence


def texts_view(texts: CaseTexts, settings: Settings, *, numbers: bool = True) -> CaseTextsAnswer:
    """Describe the texts; without `numbers` it does not say how many highest-scoring tweets there are."""
    highest = texts.highest
    return CaseTextsAnswer(
        case=texts.case.id,
        hashtag=texts.case.hashtag,
        item="" if texts.hidden else texts.item.id,  # the id is a statement's reference, if it was suppressed
        country=texts.item.country,
        blinded=texts.hidden,
        url=tag_address(settings.tag_url, texts.case.hashtag),
        sample=sample_words(texts.evidence),
        items=[text_view(text, settings.tweet_url) for text in texts.random],
        highest=HighestTextsAnswer(
            what=HIGHEST_WORDS,
            count=len(texts.evidence.highest) if numbers and not texts.hidden else 0,
            items=None if highest is None else [text_view(text, settings.tweet_url) for text in highest],
        ),
    )


def text_view(text: ShownText, tweet_url: str = "") -> TextAnswer:
    """Describe a text; `tweet_url` is the address of a tweet with {id}, "" for none."""
    return TextAnswer(
        id=text.id,
        state=text.state,
        note=WORDS[text.state],
        lang=text.lang,
        text=text.text,
        masked=text.masked,
        kept=text.kept,
        url=tweet_address(tweet_url, text.id) if text.state != "deleted" else None,
    )


def item_to_read(case: HashtagCase, item: str | None, *, hidden: bool) -> ReviewItem:
    """Choose the item of a case whose texts are read: the blind look, one by its id, or the one that reaches most.

    Raises:
        CallerMistake: no item of the case has sampled tweets, or the case has no such item.
    """
    shown = [case.look] if hidden and case.look is not None else case.open_items or case.items
    items = [part.item for part in shown]
    if item is not None:
        items = [candidate for candidate in items if candidate.id == item]
        if not items:
            raise CallerMistake(f"{case.id} has no item {item}", fix=f"hushtag cases show {case.id}")
    items = [candidate for candidate in items if candidate.evidence is not None and candidate.evidence.sampled]
    if not items:
        raise CallerMistake(f"{case.id}: no item of it names sampled tweets", fix="look at the hashtag on the platform")
    return max(items, key=lambda candidate: (candidate.reach, candidate.id))


async def read_case_texts(
    reader: TextReader,
    case: HashtagCase,
    *,
    hidden: bool,
    actor: str,
    purpose: str,
    item: str | None = None,
    highest: bool = False,
    tweets: Sequence[str] = (),
) -> CaseTexts:
    """Read the texts of a case for a person, as one reading.

    Args:
        reader: reader of texts.
        case: the case.
        hidden: whether the person may see neither numbers nor verdicts of it.
        actor: person who reads.
        purpose: reason of the reading.
        item: id of an item of the case; None: the one that reaches most.
        highest: whether to read the highest-scoring tweets, too; never for a blind reviewer.
        tweets: ids of the only tweets to read; empty: all.

    Raises:
        CallerMistake: there is nothing to read, or a tweet is not among those that may be read.
        ExposureLimit: the person has opened as many texts as one may in a shift.
    """
    chosen = item_to_read(case, item, hidden=hidden)
    evidence = chosen.evidence
    assert evidence is not None
    places = sample_places(evidence)
    if opened := highest and not hidden:
        places |= dict(zip(evidence.highest, evidence.highest_at, strict=True))
    if unknown := [tweet for tweet in tweets if tweet not in places]:
        raise CallerMistake(
            f"{unknown[0][:40]!r} is not among the sampled tweets of {case.id}", fix=f"hushtag cases show {case.id}"
        )
    places = {tweet: at for tweet, at in places.items() if not tweets or tweet in tweets}
    texts = await reader.read(case.hashtag, [*places], [*places.values()], actor=actor, purpose=purpose, case=case.id)
    texts_by_id = {text.id: text for text in texts}
    return CaseTexts(
        case=case,
        item=chosen,
        hidden=hidden,
        random=[texts_by_id[tweet] for tweet in evidence.sampled if tweet in texts_by_id],
        highest=[texts_by_id[tweet] for tweet in evidence.highest if tweet in texts_by_id] if opened else None,
    )


def sample_places(evidence: Evidence) -> dict[str, SampledAt]:
    """Return the positions of the sampled tweets of a decision, by id; -1 where it names none."""
    places = dict.fromkeys(evidence.sampled, NO_POSITION)
    return places | dict(zip(evidence.sampled, evidence.sampled_at, strict=False))
