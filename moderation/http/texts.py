"""Route of texts: what sampled authors of a case wrote, read by a named person and audited."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field
from starlette.responses import Response

from moderation.access.access import GuardedRoute, needs, refuse_foreign_read
from moderation.access.answers import JsonReply
from moderation.access.blinding import reader_of
from moderation.access.numbers import hidden_numbers_for, refuse_hidden_numbers
from moderation.access.services import services_of
from moderation.answers import AnswerModel
from moderation.domain.texts.case_texts import read_case_texts

router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply, tags=["cases"])


TweetId = Annotated[str, Field(pattern=r"^[0-9]{1,20}$")]


class TextAnswer(AnswerModel):
    """Text of one sampled tweet, or the reason why it is not shown."""

    id: str
    state: Literal["shown", "deleted", "gone", "other", "unreadable", "unknown"]
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


class CaseTextsAnswer(AnswerModel):
    """Texts behind one item of a case."""

    case: str
    hashtag: str
    item: str = Field(description="Id of the item; empty while it is blinded.")
    country: str
    blinded: bool
    url: str | None = Field(description="Address of the hashtag on the platform, by HUSHTAG_TAG_URL.")
    sample: str = Field(description="What the sample is.", examples=["10 of 64 sampled authors, at random"])
    items: list[TextAnswer]
    highest: HighestTextsAnswer


@router.get("/cases/{case}/texts", openapi_extra=needs("decide"), response_model=CaseTextsAnswer)
async def read_texts(
    request: Request,
    case: Annotated[str, Path(pattern=r"^case-[0-9a-f]{16}$")],
    purpose: Annotated[
        str, Query(min_length=1, max_length=2000, description="Reason of the reading, for the audit log.")
    ] = "review of the case",
    item: Annotated[
        str | None, Query(max_length=64, description="Item of the case; by default the one that reaches most.")
    ] = None,
    highest: Annotated[
        bool, Query(description="Whether to open the highest-scoring tweets, too; after your first answer.")
    ] = False,
    tweet: Annotated[
        list[TweetId] | None, Query(max_length=100, description="Open only these sampled tweets; by default all.")
    ] = None,
) -> Response:
    """Read the texts of a case's sampled tweets. Each reading is recorded with your name, the ids and the purpose.

    A text that you open again in the same case within 8 hours is not recorded again. HUSHTAG_TEXTS_PER_SHIFT limits the
    texts that one person opens in 8 hours; beyond it the answer is 429 `exposure_limit`, and no text is opened.
    """
    refuse_foreign_read(request)
    services, person = services_of(request), reader_of(request)
    hashtag_case = await services.cases.find(case)
    hidden = services.cases.is_blind(hashtag_case, person)
    if highest and not hidden:
        await refuse_hidden_numbers(request, hashtag_case.hashtag)
    texts = await read_case_texts(
        services.texts,
        hashtag_case,
        hidden=hidden,
        actor=person,
        purpose=purpose,
        item=item,
        highest=highest,
        tweets=tweet or (),
    )
    answer = texts.as_dict(services.texts.settings)
    if hashtag_case.hashtag in await hidden_numbers_for(request):
        answer["highest"]["count"] = 0
    return JsonReply(answer)
