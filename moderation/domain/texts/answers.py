"""Answers on sampled texts: what the API answers, pages show and commands print."""

from __future__ import annotations

from pydantic import Field

from moderation.domain.cases.markings import Mark
from moderation.domain.texts.exposure import LEAST_PEOPLE
from moderation.domain.texts.shown_text import TextState
from streams.answers import AnswerModel


class TextAnswer(AnswerModel):
    """Text of one sampled tweet, or the reason why it is not shown."""

    id: str
    state: TextState
    note: str = Field(description="State in words; empty where the text is shown.")
    lang: str = Field(description="Primary language subtag of BCP 47, `und` where unknown.")
    text: str
    masked: str = Field(description="Text without handles, addresses and long numbers, to show before the text.")
    kept: bool = Field(description="Whether it comes from the kept texts, not from the source topic.")
    url: str | None = Field(description="Address on the platform, by HUSHTAG_TWEET_URL.")


class HighestTextsAnswer(AnswerModel):
    """Highest-scoring sampled tweets, closed until `highest=true` is asked for."""

    what: str
    count: int = Field(description="0 before your first answer, and in a blind second look.")
    items: list[TextAnswer] | None


class _ItemAnswer(AnswerModel):
    """Item of a case, and what was sampled of it."""

    case: str
    hashtag: str
    item: str = Field(description="Id of the item; empty while it is blinded.")
    country: str
    blinded: bool
    url: str | None = Field(description="Address of the hashtag on the platform, by HUSHTAG_TAG_URL.")
    sample: str = Field(description="What the sample is.", examples=["10 of 64 sampled authors, at random"])


class CaseTextsAnswer(_ItemAnswer):
    """Texts behind one item of a case."""

    items: list[TextAnswer]
    highest: HighestTextsAnswer


class OtherMarkAnswer(AnswerModel):
    """Marking of a tweet by another person."""

    actor: str
    mark: Mark


class SampledTweetAnswer(AnswerModel):
    """Sampled tweet, without its text."""

    id: str
    lang: str = Field(description="Primary language subtag of BCP 47, `und` where unknown.")
    url: str | None = Field(description="Address on the platform, by HUSHTAG_TWEET_URL.")
    opened: bool = Field(description="Whether you have opened its text in this case within 8 hours.")
    mark: Mark | None = Field(description="Your marking; null without one.")
    others: list[OtherMarkAnswer] | None = Field(
        description="Markings of others; null until your first answer or the decision, and in a blind second look."
    )


class CaseSampleAnswer(_ItemAnswer):
    """Sampled tweets of one item of a case."""

    items: list[SampledTweetAnswer]


class MarkingAnswer(AnswerModel):
    """Your marking of a sampled tweet."""

    case: str
    tweet: str
    mark: Mark | None = Field(description="null: you have none.")


class TeamExposureAnswer(AnswerModel):
    """Texts that all people together have opened within the shift."""

    people: int = Field(description="People who have opened a text.")
    opened: int | None = Field(description=f"Sum of their texts; null with fewer than {LEAST_PEOPLE} people.")


class ExposureAnswer(AnswerModel):
    """Texts that you have opened within the sliding shift that ends now."""

    shift_ms: int
    opened: int = Field(description="Distinct tweets.")
    limit: int | None = Field(description="Greatest number, by HUSHTAG_TEXTS_PER_SHIFT; null: no limit.")
    left: int | None = Field(description="Number that you may open now; null: no limit.")
    next_at_ms: int | None = Field(description="Time from which another text opens; null: now.")
    team: TeamExposureAnswer | None = Field(description="Totals of all people, for leads; null for others.")
