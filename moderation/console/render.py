"""Templates of the console, with the values that every page needs."""

from __future__ import annotations

from functools import cache
from typing import Any

from fastapi import Request
from jinja2 import Environment
from starlette.responses import HTMLResponse

from moderation.access.blinding import reader_of
from moderation.access.rights import Caller
from moderation.access.services import present_ms, services_of
from moderation.access.sessions import Session
from moderation.console import words
from moderation.console.navigation import LINKS
from moderation.console.refusals import page_tables, step_words
from moderation.console.stop_notice import countdown_words, notice_values
from moderation.domain.cases.answers import facts_of
from moderation.domain.cases.languages import reader_words
from streams import countries
from streams.languages import language_name, shares_words
from web.assets import asset_url
from web.templates import page_templates

PageValues = dict[str, Any]
"""Values of a template, by name."""


@cache
def templates() -> Environment:
    """Return the environment of the console's templates."""
    environment = page_templates("moderation.console")
    environment.filters.update(
        clock=words.clock_words,
        moment=words.moment_words,
        short=words.short_words,
        machine=words.machine_time,
        left=words.left_words,
        ago=words.ago_words,
        place=words.place_words,
        places=words.places_words,
        plain=words.plain_words,
        percent=words.percent_words,
        sentence=words.sentence_words,
        counted=words.counted,
        countdown=countdown_words,
        listed=words.listed,
        language=language_name,
        reader=reader_words,
        facts=facts_of,
        shares_of=shares_words,
        step=step_words,
    )
    environment.globals.update(
        refusals=page_tables(), asset_url=asset_url, name_of=countries.country_name, why_words=words.WHY
    )
    return environment


def page(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """Render a whole page, or a part of one, for the caller of a request.

    Every template has `caller`, `person`, `may(permission)`, `csrf`, `links`, `path`, `now_ms`, `paused`,
    `stream` and `texts`.
    """
    return HTMLResponse(templates().get_template(template).render(**_common(request) | values), status)


def _common(request: Request) -> PageValues:
    caller: Caller | None = getattr(request.state, "caller", None)
    session: Session | None = getattr(request.state, "session", None)
    return {
        "caller": caller,
        "person": "" if caller is None else reader_of(request),
        "may": (lambda permission: False) if caller is None else caller.may,
        "csrf": "" if session is None else session.csrf,
        "links": [link for link in LINKS if caller is not None and caller.may(link.permission)],
        "path": request.url.path,
        "now_ms": (at_ms := present_ms(request)),
        "paused": notice_values(services_of(request).moderation.view if caller is not None else None, at_ms),
        "stream": "",
        "texts": _texts(request, caller),
    }


def _texts(request: Request, caller: Caller | None) -> dict[str, str]:
    """Return the live texts as they are now, so that a page does not wait for its stream."""
    live: Any = getattr(request.app.state, "live_console", None)
    return {} if caller is None or live is None else live.texts(caller, reader_of(request))
