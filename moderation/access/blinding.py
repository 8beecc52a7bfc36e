"""Blinding of answers: no call gives a reviewer numbers, states or verdicts about a hashtag of a blind second look.

The answer about one hashtag is then `BlindedAnswer`. Lists leave its items out, and name all hidden hashtags, so that
a gap in a list reveals nothing. Writes about it are refused, because a conflict would reveal its state.
"""

from __future__ import annotations

from fastapi import Request

from moderation.access.answers import JsonReply
from moderation.access.problems import RefusedCall
from moderation.access.rights import Caller
from moderation.access.services import services_of

READER_HEADER = "Hushtag-Actor"
"""Header by which a service that acts for others names the person who reads."""


def reader_of(request: Request) -> str:
    """Return the person who reads an answer; the header is UTF-8, although HTTP reads it as Latin-1."""
    caller: Caller = request.state.caller
    named = request.headers.get(READER_HEADER, "") if caller.acts_for_others else ""
    return named.encode("latin-1").decode("utf-8", "replace").strip() or caller.writes_as


async def hidden_hashtags_for(request: Request, person: str | None = None) -> frozenset[str]:
    """Return the hashtags that a person reviews blind; None: the person who reads the answer."""
    return await services_of(request).cases.log.hidden_hashtags_now(person or reader_of(request))


def hidden_reply(hashtag: str) -> JsonReply:
    """Build the answer about a hidden hashtag."""
    return JsonReply({"hashtag": hashtag, "blinded": True})


async def refuse_hidden(request: Request, hashtag: str, actor: str) -> None:
    """Refuse a write about a hashtag that its actor reviews blind.

    Raises:
        RefusedCall: the actor holds a blind second look of it (403).
    """
    if hashtag in await hidden_hashtags_for(request, actor):
        raise RefusedCall("blinded", f"{actor} reviews #{hashtag} blind", "give your verdict on its case, or skip it")


async def refuse_while_blind(request: Request, person: str | None = None) -> None:
    """Refuse what is complete or not given to a person with a blind second look: a gap would reveal a state.

    Args:
        request: request, admitted already.
        person: the person; None: the one who reads the answer.

    Raises:
        RefusedCall: the person holds one, of any hashtag (403).
    """
    if await hidden_hashtags_for(request, person):
        words = "this is complete or not given, and you review a hashtag blind"
        raise RefusedCall("blinded", words, "give your verdict on its case, or skip it")
