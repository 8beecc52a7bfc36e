"""Routes of hashtags: explanation, statements of reasons, names by prefix, and automated decisions."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from hushtag_client.normalise import normalise
from starlette.responses import Response

from moderation.access.access import GuardedRoute, may, needs
from moderation.access.answers import JsonReply
from moderation.access.blinding import hidden_hashtags_for, hidden_reply
from moderation.access.bodies import CountryQuery, HashtagPath, HashtagQuery
from moderation.access.numbers import (
    hidden_numbers_for,
    numbers_word,
    redacted,
    without_numbers,
)
from moderation.access.paging import CursorQuery, PageSize, page_of
from moderation.access.services import services_of
from moderation.answers import BlindedAnswer, HiddenList, NextCursor
from moderation.domain.cases.answers import Numbers
from moderation.domain.restrictions.collection import active_restrictions, all_restrictions
from moderation.outward.statements.answers import StatementAnswer, statement_answer
from moderation.outward.statements.proofs import prove_statements
from moderation.publiclog.proving import DocumentProof
from streams.answers import AnswerModel, DecisionJson
from streams.explain.answers import ReportAnswer, decision_json, report_answer

router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply, tags=["hashtags"])
_CLOSED = DocumentProof(note="the entry in the public log is not open to you: its reason has what is withheld here")


class HashtagAnswer(ReportAnswer):
    """Everything known of a hashtag."""

    note: str
    numbers: Numbers


class StatementsAnswer(AnswerModel):
    """Statements of a hashtag's restrictions."""

    items: list[StatementAnswer]
    next: NextCursor
    note: str
    numbers: Numbers


class HashtagNameAnswer(AnswerModel):
    """Hashtag that the logs know."""

    hashtag: str
    display: str


class HashtagNamesAnswer(AnswerModel):
    """Page of the hashtags with a prefix."""

    items: list[HashtagNameAnswer]
    next: NextCursor
    blinded: HiddenList


class DecisionsAnswer(AnswerModel):
    """Page of automated decisions."""

    items: list[DecisionJson]
    next: NextCursor
    numbers: Numbers
    blinded: HiddenList


@router.get("/hashtags", openapi_extra=needs("read"), response_model=HashtagNamesAnswer)
async def names(
    request: Request,
    prefix: Annotated[str, Query(max_length=280, description="Beginning of the hashtag, in any spelling.")] = "",
    cursor: CursorQuery = None,
    limit: PageSize = 100,
) -> Response:
    """List the hashtags that decisions, people or appeals name, by prefix."""
    services, hidden_tags = services_of(request), await hidden_hashtags_for(request)
    await services.reviews.refresh()
    await services.moderation.refresh()
    begins = normalise(prefix.strip().lstrip("#＃"))
    latest = services.reviews.automated.latest.values()
    spellings = {decision.hashtag: decision.display or decision.hashtag for decision in latest}
    for _, record in services.moderation.view.history:
        spellings.setdefault(record.hashtag, record.display or record.hashtag)
    tags = [tag for tag in spellings if tag.startswith(begins) and tag not in hidden_tags | {"*"}]
    page, following = page_of(tags, key=lambda tag: (tag,), order="hashtags", cursor=cursor, size=limit)
    items = [HashtagNameAnswer(hashtag=tag, display=spellings[tag]) for tag in page]
    return JsonReply(HashtagNamesAnswer(items=items, next=following, blinded=sorted(hidden_tags)))


@router.get("/hashtags/{hashtag}", openapi_extra=needs("read"), response_model=HashtagAnswer | BlindedAnswer)
async def explain(request: Request, hashtag: HashtagPath, country: CountryQuery = None) -> Response:
    """Explain a hashtag: where it is shown or hidden, why, by whom, and its history."""
    if hashtag in await hidden_hashtags_for(request):
        return hidden_reply(hashtag)
    report, note = await services_of(request).report(hashtag, country)
    hidden_numbers = await hidden_numbers_for(request)
    numbers = numbers_word([hashtag], hidden_numbers)
    answer = HashtagAnswer(**dict(report_answer(report)), note=note, numbers=numbers)
    if hashtag in hidden_numbers:
        answer = redacted(answer, without_numbers)
    return JsonReply(answer if may(request, "orders") else redacted(answer, without_orders))


@router.get(
    "/hashtags/{hashtag}/statements", openapi_extra=needs("read"), response_model=StatementsAnswer | BlindedAnswer
)
async def statements(
    request: Request, hashtag: HashtagPath, country: CountryQuery = None, history: bool = False
) -> Response:
    """Return the statement of reasons of every restriction of a hashtag."""
    if hashtag in await hidden_hashtags_for(request):
        return hidden_reply(hashtag)
    report, note = await services_of(request).report(hashtag, country)
    restrictions = all_restrictions(report) if history else active_restrictions(report)
    hidden_numbers = await hidden_numbers_for(request)
    open_to_all = [each for each in restrictions if each.source != "legal" or may(request, "orders")]
    proofs = {} if hashtag in hidden_numbers else await prove_statements(services_of(request).public_log, open_to_all)
    items = [statement_answer(each, proof=proofs.get(each.reference, _CLOSED)) for each in restrictions]
    if hashtag in hidden_numbers:
        items = [_without_texts(statement) for statement in items]
    items = items if may(request, "orders") else [redacted(statement, without_orders) for statement in items]
    numbers = numbers_word([hashtag], hidden_numbers)
    return JsonReply(StatementsAnswer(items=items, next=None, note=note, numbers=numbers))


@router.get("/decisions", openapi_extra=needs("read"), response_model=DecisionsAnswer)
async def decisions(
    request: Request,
    hashtag: HashtagQuery = None,
    country: CountryQuery = None,
    cursor: CursorQuery = None,
    limit: PageSize = 100,
) -> Response:
    """List the latest automated decision of each hashtag and country, newest first."""
    reviews, hidden_tags = services_of(request).reviews, await hidden_hashtags_for(request)
    await reviews.refresh()
    matches = [
        decision
        for decision in reviews.automated.latest.values()
        if hashtag in (None, decision.hashtag)
        and country in (None, decision.country)
        and decision.hashtag not in hidden_tags
    ]
    page, following = page_of(
        matches,
        key=lambda decision: (decision.decided_at_ms, decision.hashtag, decision.country),
        order="decisions",
        cursor=cursor,
        size=limit,
        descending=True,
    )
    hidden_numbers = await hidden_numbers_for(request)
    items = [
        without_numbers(row) if decision.hashtag in hidden_numbers else row
        for decision, row in ((decision, decision_json(decision)) for decision in page)
    ]
    numbers = numbers_word((decision.hashtag for decision in page), hidden_numbers)
    return JsonReply(DecisionsAnswer(items=items, next=following, blinded=sorted(hidden_tags), numbers=numbers))


def _without_texts(statement: StatementAnswer) -> StatementAnswer:
    """Leave the reference and the restriction of an automated decision: its texts have the numbers."""
    if statement.restriction.source != "automated":
        return statement
    restriction = redacted(statement.restriction, without_numbers)
    return statement.model_copy(update={"restriction": restriction, "dsa": None, "text": {}})


def without_orders(node: Any) -> Any:
    """Remove what only the legal team may know: who acted on a legal order, and why."""
    if isinstance(node, list):
        return [without_orders(element) for element in node]
    if not isinstance(node, dict):
        return node
    hidden = {"actor": "", "reason": "", "evidence": {}} if node.get("source") == "legal" else {}
    return {name: hidden[name] if value and name in hidden else without_orders(value) for name, value in node.items()}
