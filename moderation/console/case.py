"""One case: what is known of the hashtag, the first answer, the machine's numbers after it, and the final answer."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated

from fastapi import Query, Request
from starlette.responses import RedirectResponse, Response

from moderation.access.access import may, needs
from moderation.access.blinding import reader_of
from moderation.access.bodies import CasePath, CountryQuery
from moderation.access.presence import viewers_of
from moderation.access.problems import RefusedCall
from moderation.access.rights import Caller
from moderation.access.services import services_of
from moderation.console import case_words
from moderation.console.case_next import following, free_cases, next_case
from moderation.console.case_view import CaseFacts, case_view
from moderation.console.crowd_chart import crowd_chart, numbered_moments
from moderation.console.queue_filter import FilterQuery, QueueFilter
from moderation.console.render import PageValues, page
from moderation.console.route import page_router
from moderation.console.stream import live_of, viewer_of
from moderation.domain.cases.answers import CaseDetailAnswer
from moderation.domain.cases.case import HashtagCase
from moderation.domain.cases.fold import look_problem
from moderation.domain.cases.view import detailed_view
from moderation.domain.texts.case_sample import sample_view
from moderation.domain.texts.exposure import LEAST_PEOPLE
from moderation.log.errors import NoSuchCase
from moderation.views.crowd import crowd_of
from streams.errors import CallerMistake
from streams.naming import format_duration
from streams.orders.speakers import same_person
from streams.policy import Policy, parse_policy

router = page_router()
CaseQuery = Annotated[str, Query(max_length=40)]


@router.get("/cases/next", openapi_extra=needs("decide"))
async def open_next(request: Request, filters: FilterQuery, after: CaseQuery = "", then: CaseQuery = "") -> Response:
    """Lead to the next case of the queue under its filters, or to the queue when none waits."""
    next_id = next_case(await _order(request, filters), after, then)
    path = f"/console/cases/{next_id}" if next_id else "/console/queue"
    return RedirectResponse(path + (f"?{filters.query}" if filters.query else ""), 303)


@router.get("/cases/{case}", openapi_extra=needs("decide"))
async def show_case(request: Request, case: CasePath, filters: FilterQuery) -> Response:
    """Show a case with its sampled tweets, which are read one by one on request."""
    hashtag_case = await services_of(request).cases.log.find(case)
    sample = await _sample(request, hashtag_case)
    return page(request, "case.html", **sample, **await _values(request, hashtag_case, filters))


@router.get("/cases/{case}/part", openapi_extra=needs("decide"))
async def show_part(request: Request, case: CasePath, filters: FilterQuery) -> Response:
    """Show again what decisions, claims and notes change: everything but the sampled tweets and the crowd."""
    hashtag_case = await services_of(request).cases.log.find(case)
    return page(request, "case_part.html", **await _values(request, hashtag_case, filters))


@router.get("/cases/{case}/crowd", openapi_extra=needs("decide"))
async def show_crowd(request: Request, case: CasePath, country: CountryQuery = None) -> Response:
    """Show the authors of a case's hashtag over time; a person who reviews it blind gets nothing."""
    log = services_of(request).cases.log
    hashtag_case = await log.find(case)
    if log.is_blind(hashtag_case, reader_of(request)):
        raise RefusedCall("blinded", "you review this hashtag blind", "give your verdict on its case, or skip it")
    crowd = await crowd_of(request, hashtag_case, country)
    return page(
        request,
        "case_crowd.html",
        case_id=hashtag_case.id,
        crowd=crowd,
        chart=crowd_chart(crowd),
        moments=numbered_moments(crowd),
        last=crowd.points[-1] if crowd.points else None,
        window=format_duration(crowd.window_ms),
    )


@router.get("/cases/{case}/people", openapi_extra=needs("decide"))
async def show_people(request: Request, case: CasePath, seen: Annotated[str, Query(max_length=80)] = "") -> Response:
    """Show who has claimed a case and looks at it, and whether it has changed since a version."""
    log, person = services_of(request).cases.log, reader_of(request)
    hashtag_case = await log.find(case)
    details = detailed_view(hashtag_case, log, person)
    changed = not details.blinded and details.version != seen
    last = details.history[-1] if changed and details.history else None
    return page(request, "case_people.html", changed=changed, last=last, **_people(request, hashtag_case, details))


async def _order(request: Request, filters: QueueFilter) -> list[str]:
    """Return the cases that the caller can take now, in the order of the queue."""
    board, person = live_of(request).board, reader_of(request)
    await board.follow()
    return free_cases(board.listing(filters, viewer_of(request.state.caller, person)).entries, person)


async def _values(request: Request, case: HashtagCase, filters: QueueFilter) -> PageValues:
    services, person = services_of(request), reader_of(request)
    at_ms = services.moderation.now_ms()
    log, caller = services.cases.log, request.state.caller
    assert isinstance(caller, Caller)
    details = detailed_view(case, log, person)
    then = following(await _order(request, filters), case.id)
    values = _people(request, case, details) | {
        "case": details,
        "words": case_words,
        "next_url": f"/console/cases/next?after={case.id}&then={then}",
        "changed": False,
        "last": None,
        "crowd": None,
    }
    if details.blinded:
        return values | {"view": None, "problem": look_problem(case.progress, person, at_ms)}
    automated, people = services.reviews.automated, services.moderation.view
    hidden_tags = log.hidden_hashtags(person)
    relatives = [
        relative
        for relative in live_of(request).families.look_alikes_of(case.hashtag, automated)
        if relative.hashtag not in hidden_tags
    ]
    facts = CaseFacts(
        case=case,
        details=details,
        grants=caller.grants,
        show_legal=may(request, "orders"),
        latest=[*automated.latest_of_tag(case.hashtag)],
        people=people,
        policy=await _live_policy(request),
        mixed=not services.crowds.is_calibrated,
        relatives=[relative._replace(case=await _open_case(request, relative.hashtag)) for relative in relatives],
        at_ms=at_ms,
        due_case=log.hidden_numbers(person).case(case.hashtag),
    )
    labels = sorted({label for progress in log.fold.cases.values() for label in progress.labels})
    return values | {"view": case_view(facts), "known_labels": labels, "teams": live_of(request).board.teams()}


async def _open_case(request: Request, hashtag: str) -> str:
    """Return the id of the open case of a hashtag; "" for none."""
    try:
        case = await services_of(request).cases.log.find(hashtag)
    except NoSuchCase:
        return ""
    return case.id if case.is_open else ""


def _people(request: Request, case: HashtagCase, details: CaseDetailAnswer) -> PageValues:
    person, claimant = reader_of(request), details.claimed_by
    return {
        "case_id": case.id,
        "claimant": claimant,
        "mine": claimant is not None and same_person(claimant, person),
        "viewers": [viewer for viewer in viewers_of(request, case.id) if not same_person(viewer, person)],
        "is_open": details.blinded or case.is_open,
    }


async def _sample(request: Request, case: HashtagCase) -> PageValues:
    """Return the sampled tweets without texts, or the reason why there are none."""
    services, person = services_of(request), reader_of(request)
    texts = services.texts
    try:
        sample = sample_view(
            case,
            texts.settings,
            await services.markings.refresh(),
            hidden=services.cases.log.is_blind(case, person),
            person=person,
            opened=await texts.opened(person, case.hashtag, case.id),
        )
    except CallerMistake:
        return {"sample": None, "no_sample": "No decision in this case names sampled tweets."}
    team = await texts.team_exposure() if may(request, "lead") else None
    return {"sample": sample, "exposure": await texts.exposure(person), "team": team, "least_people": LEAST_PEOPLE}


async def _live_policy(request: Request) -> Policy | None:
    live = (await services_of(request).policy_topic()).live
    return None if live is None else _parsed(live.revision, live.policy)


@lru_cache(maxsize=2)
def _parsed(revision: str, text: str) -> Policy:
    return parse_policy(text.encode(), f"policy {revision}")
