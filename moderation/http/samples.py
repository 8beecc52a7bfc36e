"""Routes of a case's sampled tweets: the list of them without texts, and what people mark them as."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field
from starlette.responses import Response

from moderation.access.access import GuardedRoute, needs, write_once
from moderation.access.answers import JsonReply
from moderation.access.blinding import reader_of
from moderation.access.bodies import IdempotencyKey, WriteBody
from moderation.access.services import services_of
from moderation.answers import AnswerModel
from moderation.domain.cases.markings import Mark
from moderation.domain.texts.case_sample import CaseSample, sampled_tweets
from streams.errors import CallerMistake

router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply, tags=["cases"])
CasePath = Annotated[str, Path(pattern=r"^case-[0-9a-f]{16}$")]
ItemQuery = Annotated[
    str | None, Query(max_length=64, description="Item of the case; by default the one that reaches most.")
]


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


class CaseSampleAnswer(AnswerModel):
    """Sampled tweets of one item of a case."""

    case: str
    hashtag: str
    item: str = Field(description="Id of the item; empty while it is blinded.")
    country: str
    blinded: bool
    url: str | None = Field(description="Address of the hashtag on the platform, by HUSHTAG_TAG_URL.")
    sample: str = Field(description="What the sample is.", examples=["10 of 64 sampled authors, at random"])
    items: list[SampledTweetAnswer]


class MarkingBody(WriteBody):
    """Marking of a sampled tweet."""

    tweet: Annotated[str, Field(pattern=r"^[0-9]{1,20}$", description="Id of a sampled tweet of the case.")]
    mark: Annotated[Mark, Field(description="`none` removes your marking.")]
    reason: Annotated[str, Field(min_length=1, max_length=2000)] = "marked"


class MarkingAnswer(AnswerModel):
    """Your marking of a sampled tweet."""

    case: str
    tweet: str
    mark: Mark | None = Field(description="null: you have none.")


@router.get("/cases/{case}/sample", openapi_extra=needs("decide"), response_model=CaseSampleAnswer)
async def sample(request: Request, case: CasePath, item: ItemQuery = None) -> Response:
    """List a case's sampled tweets without their texts; nothing is recorded. `/texts?tweet=` opens one of them."""
    services, person = services_of(request), reader_of(request)
    hashtag_case = await services.cases.find(case)
    listed = CaseSample(
        hashtag_case,
        hidden=services.cases.is_blind(hashtag_case, person),
        person=person,
        opened=await services.texts.opened(person, hashtag_case.hashtag, hashtag_case.id),
        markings=await services.markings.refresh(),
        item=item,
    )
    return JsonReply(listed.as_dict(services.texts.settings))


@router.post("/cases/{case}/markings", openapi_extra=needs("decide"), response_model=MarkingAnswer, status_code=201)
async def mark(request: Request, case: CasePath, body: MarkingBody, idempotency_key: IdempotencyKey) -> Response:
    """Mark a sampled tweet; it changes neither the case's version nor what surfaces show."""
    services = services_of(request)

    async def work(actor: str) -> dict[str, Any]:
        hashtag_case = await services.cases.find(case)
        if body.tweet not in sampled_tweets(hashtag_case, hidden=services.cases.is_blind(hashtag_case, actor)):
            fix = f"GET /v1/cases/{hashtag_case.id}/sample lists them"
            raise CallerMistake(f"{body.tweet} is not among the sampled tweets of {hashtag_case.id}", fix=fix)
        markings = await services.markings.mark(
            hashtag_case.id, hashtag_case.hashtag, body.tweet, body.mark, actor=actor, reason=body.reason
        )
        own_mark = markings.of_person(hashtag_case.id, actor).get(body.tweet)
        return {"case": hashtag_case.id, "tweet": body.tweet, "mark": own_mark}

    return await write_once(request, idempotency_key, body.actor, work)
