"""Routes of a case's sampled tweets: the list of them without texts, and what people mark them as."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from moderation.access.access import GuardedRoute, needs, write_once
from moderation.access.answers import JsonReply
from moderation.access.blinding import reader_of
from moderation.access.bodies import CasePath, IdempotencyKey, ItemQuery, WriteBody
from moderation.access.services import services_of
from moderation.domain.cases.markings import Mark
from moderation.domain.texts.answers import CaseSampleAnswer, MarkingAnswer
from moderation.domain.texts.case_sample import sample_view, sampled_tweets
from streams.errors import CallerMistake

router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply, tags=["cases"])


class MarkingBody(WriteBody):
    """Marking of a sampled tweet."""

    tweet: Annotated[str, Field(pattern=r"^[0-9]{1,20}$", description="Id of a sampled tweet of the case.")]
    mark: Annotated[Mark, Field(description="`none` removes your marking.")]
    reason: Annotated[str, Field(min_length=1, max_length=2000)] = "marked"


@router.get("/cases/{case}/sample", openapi_extra=needs("decide"), response_model=CaseSampleAnswer)
async def sample(request: Request, case: CasePath, item: ItemQuery = None) -> Response:
    """List a case's sampled tweets without their texts; nothing is recorded. `/texts?tweet=` opens one of them."""
    services, person = services_of(request), reader_of(request)
    hashtag_case = await services.cases.log.find(case)
    answer = sample_view(
        hashtag_case,
        services.texts.settings,
        await services.markings.refresh(),
        hidden=services.cases.log.is_blind(hashtag_case, person),
        person=person,
        opened=await services.texts.opened(person, hashtag_case.hashtag, hashtag_case.id),
        item=item,
    )
    return JsonReply(answer)


@router.post("/cases/{case}/markings", openapi_extra=needs("decide"), response_model=MarkingAnswer, status_code=201)
async def mark(request: Request, case: CasePath, body: MarkingBody, idempotency_key: IdempotencyKey) -> Response:
    """Mark a sampled tweet; it changes neither the case's version nor what surfaces show."""
    services = services_of(request)

    async def work(actor: str) -> MarkingAnswer:
        hashtag_case = await services.cases.log.find(case)
        if body.tweet not in sampled_tweets(hashtag_case, hidden=services.cases.log.is_blind(hashtag_case, actor)):
            fix = f"GET /v1/cases/{hashtag_case.id}/sample lists them"
            raise CallerMistake(f"{body.tweet} is not among the sampled tweets of {hashtag_case.id}", fix=fix)
        markings = await services.markings.mark(
            hashtag_case.id, hashtag_case.hashtag, body.tweet, body.mark, actor=actor, reason=body.reason
        )
        own_mark = markings.of_person(hashtag_case.id, actor).get(body.tweet)
        return MarkingAnswer(case=hashtag_case.id, tweet=body.tweet, mark=own_mark)

    return await write_once(request, idempotency_key, body.actor, work)
