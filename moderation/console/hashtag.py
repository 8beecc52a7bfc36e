"""Any hashtag, also one without a case or never seen: where it is shown, why, its history, and people's decisions."""

from __future__ import annotations

from fastapi import Request
from hushtag_client.normalise import normalise
from starlette.responses import Response

from moderation.access.access import may, needs
from moderation.access.blinding import hidden_hashtags_for
from moderation.access.services import services_of
from moderation.console.case_words import DURATIONS, grounds_of
from moderation.console.hashtag_limits import country_choices, limit_words, longest_ms
from moderation.console.hashtag_numbers import case_due, cases_of_tag
from moderation.console.hashtag_view import (
    countries_named,
    history_of,
    overrides_now,
    places_of,
    statements_of,
    version_of_tag,
)
from moderation.console.hashtag_words import ANSWERS, UNDO_REASONS, hashtag_path
from moderation.console.orders_words import scripts_words
from moderation.console.render import PageValues, page
from moderation.console.route import page_router
from moderation.console.stream import live_of
from moderation.log.drafts import duration_ms
from streams.naming import TypedHashtag, tag_of
from streams.policy import Policy

router = page_router()


@router.get("/hashtags/{written:path}", openapi_extra=needs("read"))
async def show_hashtag(request: Request, written: str, part: bool = False) -> Response:
    """Show a hashtag in any spelling; `part`: without the frame of the page."""
    tag = tag_of(written)
    template = "hashtag_part.html" if part else "hashtag.html"
    hidden_tags = await hidden_hashtags_for(request)
    if tag.hashtag in hidden_tags:
        return page(request, template, tag=tag, display=tag.display, blind=True)
    return page(request, template, tag=tag, blind=False, **await _values(request, tag, hidden_tags))


async def _values(request: Request, tag: TypedHashtag, hidden_tags: frozenset[str]) -> PageValues:
    services, caller, show_legal = services_of(request), request.state.caller, may(request, "orders")
    report, note = await services.report(tag.hashtag, None)
    await services.reviews.refresh()
    due = await case_due(request, tag.hashtag)
    cases = await cases_of_tag(request, tag.hashtag)
    places = places_of(report, hide_numbers=bool(due), show_legal=show_legal)
    overrides = overrides_now(report)
    names, limit = await services.names(), longest_ms(caller)
    automated = services.reviews.automated
    spellings = {record.hashtag: record.display for _, record in services.moderation.view.history}
    categories = sorted({ruling.category for decision in report.latest() for ruling in decision.rulings})
    relatives = [
        {
            "hashtag": relative.hashtag,
            "display": relative.display,
            "path": hashtag_path(relative.hashtag),
            "scripts": scripts_words(relative.hashtag),
            "version": version_of_tag(services.moderation.view, relative.hashtag),
        }
        for relative in live_of(request).families.look_alikes_of(tag.hashtag, automated, spellings)
        if relative.hashtag not in hidden_tags | {"*"}
    ]
    display = report.display if report.known else tag.display
    return {
        "display": display,
        "spelling": display if normalise(display) == tag.hashtag else tag.hashtag,
        "known": report.known,
        "scripts": scripts_words(tag.hashtag) if relatives else "",
        "path_of_tag": hashtag_path(tag.hashtag),
        "note": note,
        "due": due,
        "mixed": not services.crowds.is_calibrated,
        "places": places,
        "overrides": overrides,
        "events": history_of(report, show_legal=show_legal),
        "statements": statements_of(report, hide_numbers=bool(due), show_legal=show_legal),
        "cases": cases,
        "relatives": relatives,
        "protected": await _is_protected(request, tag.hashtag),
        "version": version_of_tag(services.moderation.view, tag.hashtag),
        "surfaces": names.surfaces,
        "countries": country_choices(caller, countries_named(places, overrides)),
        "durations": [
            (preset.value, preset.words, preset.key)
            for preset in DURATIONS
            if limit is None or duration_ms(preset.value) <= limit
        ],
        "limits": limit_words(caller),
        "answers": ANSWERS,
        "reasons": {
            name: [(ground.name, ground.reason) for ground in grounds_of(answer.grounds, categories)]
            for name, answer in ANSWERS.items()
        },
        "undo_reasons": UNDO_REASONS,
    }


async def _is_protected(request: Request, hashtag: str) -> bool:
    """Return whether the live policy never suppresses a hashtag."""
    live = (await services_of(request).policy_topic()).live
    return live is not None and Policy.from_canonical(live.policy).is_never_suppressed(hashtag)
