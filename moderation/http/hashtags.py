"""Routes of hashtags: explanation, statements of reasons, names by prefix, and automated decisions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from hushtag_client.normalise import normalise
from pydantic import Field
from starlette.responses import Response

from moderation.access.access import GuardedRoute, may, needs
from moderation.access.answers import JsonReply
from moderation.access.blinding import hidden_hashtags_for, hidden_list, hidden_reply
from moderation.access.bodies import CountryQuery, HashtagPath, HashtagQuery
from moderation.access.numbers import (
    hidden_numbers_for,
    hidden_word,
    hide_numbers,
    hide_numbers_in_rows,
    without_numbers,
)
from moderation.access.paging import CursorQuery, PageSize, page_answer, page_of
from moderation.access.services import services_of
from moderation.answers import AnswerModel, BlindedAnswer, DecisionJson, HiddenList, Millis, NextCursor
from moderation.domain.cases.answers import Numbers
from moderation.domain.restrictions.collection import active_restrictions, all_restrictions
from moderation.http.overrides import OverrideAnswer
from moderation.outward.statements.proofs import prove_statements
from moderation.outward.statements.text import statement_as_dict
from moderation.publiclog.proving import DocumentProof
from streams.explain.hashtag_report import decision_as_dict

router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply, tags=["hashtags"])
_CLOSED = DocumentProof(note="the entry in the public log is not open to you: its reason has what is withheld here")


class SignalAnswer(AnswerModel):
    """Signal behind an action, and the threshold that it passed."""

    signal: str
    value: float
    threshold: float
    margin: float


class RegisterAnswer(AnswerModel):
    """Decision of one source as surfaces read it; docs/flags-contract.md has the meaning of its members."""

    version: str
    action: str
    expires_at_ms: int
    keep_until_ms: int
    hashtag: str
    display: str
    surface: str
    country: str
    source: str
    category: str
    weight: float | None = Field(description="null before your first answer.")
    reasons: list[SignalAnswer] = Field(description="Empty before your first answer.")
    evidence: dict[str, Any] | None = Field(description="null before your first answer.")
    actor: str
    policy_revision: str
    model_revision: str
    provisional: bool
    decided_at_ms: int
    outcome: Literal["wins", "overruled", "expired", "cleared", "lifted"] | None = None


class PlaceAnswer(AnswerModel):
    """State of a hashtag on a surface for viewers in a country."""

    surface: str
    country: str
    shown: bool
    weight: float | None = Field(
        description="Factor on its tweets in rankings; below 1 by a discount; null before your first answer."
    )
    decided_by: str | None = Field(description="Register that decides; null: none.")
    registers: list[RegisterAnswer] = Field(description="All registers that apply, the strongest first.")


class TimelineAnswer(AnswerModel):
    """Change in the history of a hashtag."""

    at_ms: Millis
    source: str
    country: str
    version: str
    what: str
    actor: str
    reason: str
    repeats: int = Field(description="Later decisions that only renewed it.")


class HashtagAnswer(AnswerModel):
    """Everything known of a hashtag."""

    hashtag: str
    display: str
    known: bool
    at_ms: Millis
    redis: bool = Field(description="Whether Redis answered; otherwise the logs replace it.")
    places: list[PlaceAnswer]
    unpublished: list[RegisterAnswer] = Field(description="Registers that Redis does not have yet.")
    decisions: list[DecisionJson]
    people: list[OverrideAnswer]
    timeline: list[TimelineAnswer]
    note: str
    numbers: Numbers


class StatementAnswer(AnswerModel):
    """Statement of reasons in all its forms."""

    reference: str = Field(description="Reference that an appeal names.")
    restriction: dict[str, Any]
    dsa: dict[str, Any] | None = Field(description="For the DSA Transparency Database; null: none is due.")
    text: dict[str, str] = Field(description="Text for users, by language; empty before your first answer.")
    entry: dict[str, str | None] | None = Field(
        None, description="Opened fields of the decision's entry in the public log; null: there is none yet."
    )
    proof: dict[str, Any] | None = Field(
        None, description="Proof for `hushtag proof verify`; null: not yet, or before your first answer."
    )
    proof_note: str | None = Field(None, description="Reason why there is no proof.")


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
    blinded: HiddenList
    numbers: Numbers


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
    items = [{"hashtag": tag, "display": spellings[tag]} for tag in page]
    return JsonReply(page_answer(items, following, **hidden_list(hidden_tags)))


@router.get("/hashtags/{hashtag}", openapi_extra=needs("read"), response_model=HashtagAnswer | BlindedAnswer)
async def explain(request: Request, hashtag: HashtagPath, country: CountryQuery = None) -> Response:
    """Explain a hashtag: where it is shown or hidden, why, by whom, and its history."""
    if hashtag in await hidden_hashtags_for(request):
        return hidden_reply(hashtag)
    report, note = await services_of(request).report(hashtag, country)
    answer = hide_numbers(report.as_dict() | {"note": note}, hashtag, await hidden_numbers_for(request))
    return JsonReply(answer if may(request, "orders") else without_orders(answer))


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
    items = [statement_as_dict(each, proof=proofs.get(each.reference, _CLOSED)) for each in restrictions]
    if hashtag in hidden_numbers:
        items = [_without_texts(statement) for statement in items]
    items = items if may(request, "orders") else without_orders(items)
    return JsonReply(page_answer(items, None, note=note, numbers=hidden_word([{"hashtag": hashtag}], hidden_numbers)))


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
    rows, hidden_numbers = [decision_as_dict(decision) for decision in page], await hidden_numbers_for(request)
    numbers = hidden_word(rows, hidden_numbers)
    return JsonReply(
        page_answer(hide_numbers_in_rows(rows, hidden_numbers), following, numbers=numbers, **hidden_list(hidden_tags))
    )


def _without_texts(statement: dict[str, Any]) -> dict[str, Any]:
    """Leave the reference and the restriction of an automated decision: its texts have the numbers."""
    if statement["restriction"]["source"] != "automated":
        return statement
    return statement | {"restriction": without_numbers(statement["restriction"]), "dsa": None, "text": {}}


def without_orders(node: Any) -> Any:
    """Remove what only the legal team may know: who acted on a legal order, and why."""
    if isinstance(node, list):
        return [without_orders(element) for element in node]
    if not isinstance(node, dict):
        return node
    hidden = {"actor": "", "reason": "", "evidence": {}} if node.get("source") == "legal" else {}
    return {name: hidden[name] if value and name in hidden else without_orders(value) for name, value in node.items()}
