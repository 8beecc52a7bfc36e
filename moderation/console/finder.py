"""The finder (Ctrl+K): any hashtag in any spelling, also one that was never seen, and the pages by name."""

from __future__ import annotations

from collections.abc import Collection, Container
from typing import Annotated, NamedTuple

from fastapi import Query, Request
from starlette.responses import RedirectResponse, Response

from moderation.access.access import needs
from moderation.access.blinding import reader_of
from moderation.access.rights import Caller
from moderation.access.services import services_of
from moderation.console.hashtag_words import hashtag_path
from moderation.console.navigation import LINKS
from moderation.console.render import page
from moderation.console.route import page_router
from moderation.console.stream import live_of
from moderation.domain.cases.case import HashtagCase
from streams.errors import CallerMistake
from streams.naming import TypedHashtag, tag_of

router = page_router()
MOST_CASES = 8
Typed = Annotated[str, Query(max_length=300)]


class Match(NamedTuple):
    """Line of the finder."""

    name: str
    href: str
    about: str


@router.get("/finder", openapi_extra=needs("read"))
async def find(request: Request, q: Typed = "") -> Response:
    """List what a text means; a part of the page."""
    matches, hint = await _matches(request, q)
    return page(request, "finder_part.html", matches=matches, hint=hint)


@router.get("/find", openapi_extra=needs("read"))
async def open_first(request: Request, q: Typed = "") -> Response:
    """Open the first match of a text, for browsers without scripts."""
    matches, _ = await _matches(request, q)
    return RedirectResponse(matches[0].href if matches else "/console", 303)


async def _matches(request: Request, typed: str) -> tuple[list[Match], str]:
    caller: Caller = request.state.caller
    words = typed.strip()
    pages = [] if words.startswith(("#", "＃")) else page_matches(words, caller)
    try:
        tag = tag_of(words)
    except CallerMistake as error:
        return pages, "" if pages else str(error) if words.strip("#＃") else "Type a hashtag."
    board = live_of(request).board
    await board.follow()
    cases = board.named(tag.hashtag, MOST_CASES + 1) if caller.may("decide") else []
    hidden_tags = services_of(request).cases.log.hidden_hashtags(reader_of(request))
    return [*hashtag_matches(tag, cases, hidden_tags), *pages], "; ".join(tag.notes)


def hashtag_matches(tag: TypedHashtag, cases: Collection[HashtagCase], hidden_tags: Container[str] = ()) -> list[Match]:
    """List the cases of a hashtag and of those that begin with it; without a case the hashtag itself comes first.

    Of a hashtag that the person reviews blind no state is named.
    """
    matches = [Match(f"#{case.display}", f"/console/cases/{case.id}", _state(case, hidden_tags)) for case in cases]
    own = Match(f"#{tag.hashtag}", hashtag_path(tag.hashtag), "any hashtag: state, history, decisions")
    exact = any(case.hashtag == tag.hashtag for case in cases)
    return [*matches[:1], own, *matches[1:]] if exact else [own, *matches]


def _state(case: HashtagCase, hidden_tags: Container[str]) -> str:
    if case.hashtag in hidden_tags or case.is_blind:
        return "case"
    return "open case" if case.is_open else "closed case"


def page_matches(words: str, caller: Caller) -> list[Match]:
    """List the pages whose name holds a text; all for an empty one."""
    return [
        Match(link.name, link.path, "page")
        for link in LINKS
        if caller.may(link.permission) and words.casefold() in link.name.casefold()
    ]
