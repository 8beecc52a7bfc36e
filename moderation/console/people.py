"""People and keys: groups with their grants, API keys, open sessions, and a form that makes a key."""

from __future__ import annotations

import unicodedata

from fastapi import Request
from starlette.responses import Response

from moderation.access.access import needs
from moderation.access.keys import ALLOWED, ROLES
from moderation.access.services import services_of
from moderation.console.render import page
from moderation.console.route import page_router
from moderation.console.words import places_words, plain_words
from moderation.views.people import LimitsAnswer, people_view
from moderation.wording import listed

router = page_router()
ROLE_WORDS = {
    "reader": "reads, decides on nothing",
    "moderator": "decides on hashtags and appeals",
    "legal": "handles legal orders, the audit log and reports",
    "admin": "everything, the policy and this page too",
}
REASONS = ("Left the team", "Lost or stolen device", "Shared computer", "Rights have changed")
"""Templates of the reason to end a session; free text goes, too."""


@router.get("/people", openapi_extra=needs("lead"))
async def show_people(request: Request) -> Response:
    """Show people, keys and sessions."""
    names = await services_of(request).names()
    return page(
        request,
        "people.html",
        people=await people_view(request),
        limits=limit_words,
        odd=odd_letters,
        roles=ROLES,
        role_words=ROLE_WORDS,
        permissions={role: [name for name in ALLOWED if role in ALLOWED[name]] for role in ROLES},
        categories=names.categories,
        reasons=REASONS,
    )


def limit_words(limits: LimitsAnswer) -> str:
    """Describe the limits of a group or a key.

    >>> limit_words(LimitsAnswer(countries=["IN"], categories=None, longest="2d"))
    'only in India; at most 2d'
    >>> limit_words(LimitsAnswer(countries=None, categories=[], longest=None))
    'on no category'
    """
    words = []
    if (countries := limits.countries) is not None:
        words.append(f"only in {places_words(countries, most=8)}" if countries else "in no country")
    if (categories := limits.categories) is not None:
        words.append(f"only on {listed([*map(plain_words, categories)])}" if categories else "on no category")
    if limits.longest:
        words.append(f"at most {limits.longest}")
    return "; ".join(words) or "no limit"


def odd_letters(name: str) -> str:
    r"""Name the characters that tell a name from one that looks alike; "" for plain ASCII.

    >>> odd_letters("\u0430sha"), odd_letters("asha")
    ('CYRILLIC SMALL LETTER A', '')
    """
    odd = dict.fromkeys(letter for letter in name if not letter.isascii())
    return listed([unicodedata.name(letter, f"U+{ord(letter):04X}") for letter in odd][:4])
