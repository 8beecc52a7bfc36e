"""Route of texts: what sampled authors of a case wrote, read by a named person and audited."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from moderation.access.access import GuardedRoute, needs, refuse_foreign_read
from moderation.access.answers import JsonReply
from moderation.access.blinding import reader_of
from moderation.access.bodies import CasePath, ItemQuery
from moderation.access.numbers import hidden_numbers_for, refuse_hidden_numbers
from moderation.access.services import services_of
from moderation.domain.texts.answers import CaseTextsAnswer
from moderation.domain.texts.case_texts import read_case_texts, texts_view

router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply, tags=["cases"])


TweetId = Annotated[str, Field(pattern=r"^[0-9]{1,20}$")]


@router.get("/cases/{case}/texts", openapi_extra=needs("decide"), response_model=CaseTextsAnswer)
async def read_texts(
    request: Request,
    case: CasePath,
    purpose: Annotated[
        str, Query(min_length=1, max_length=2000, description="Reason of the reading, for the audit log.")
    ] = "review of the case",
    item: ItemQuery = None,
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
    hashtag_case = await services.cases.log.find(case)
    hidden = services.cases.log.is_blind(hashtag_case, person)
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
    numbers = hashtag_case.hashtag not in await hidden_numbers_for(request)
    return JsonReply(texts_view(texts, services.texts.settings, numbers=numbers))
