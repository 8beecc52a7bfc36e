"""The stop button: what it would release, the form that presses it, and what is paused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import Query, Request
from hushtag_client.registers import ANY_HASHTAG
from starlette.responses import Response

from moderation.api.access import may, needs
from moderation.api.blinding import blinded_for
from moderation.api.held import HeldTag, held_tags
from moderation.api.keys import Permission
from moderation.api.rights import Caller
from moderation.api.services import services_of
from moderation.api.stop import pauses_in_force, stop_version
from moderation.console.hashtag_limits import category_choices, country_choices, limit_words, longest_ms
from moderation.console.held import held_row, in_order
from moderation.console.render import page
from moderation.console.route import page_router
from moderation.console.stop_notice import countdown_words, scope_words
from moderation.drafts import duration_ms
from streams.clock import now_ms
from streams.flags.overrides import OverrideHistory
from streams.log.moderation import Override

router = page_router()
SHOWN = 20
"""Rows of the list of what it would release; the list of what is held has all."""
DURATIONS = (("1h", "1 hour"), ("6h", "6 hours"), ("24h", "24 hours"), ("3d", "3 days"))
PAUSE_REASONS = (
    ("Wrong flags", "It hides hashtags that break no rule."),
    ("Model or policy fault", "A new model or policy decides wrongly; it is being checked."),
    ("Public event", "A public event changes what people write; people decide meanwhile."),
    ("Drill", "Drill of the stop button."),
)
RELEASE_REASONS = (
    ("Corrected", "The cause is corrected and checked."),
    ("No fault found", "The decisions were checked, and no fault was found."),
    ("Drill over", "The drill is over."),
)


@router.get("/stop", openapi_extra=needs("read"))
async def show_stop(
    request: Request,
    country: str = "",
    surface: Annotated[Sequence[str], Query()] = (),
    category: str = "",
) -> Response:
    """Show the stop button; the address has the scope that is about to be paused."""
    services, at_ms, blinded = services_of(request), now_ms(), await blinded_for(request)
    await services.reviews.refresh()
    names, automated, view = await services.names(), services.reviews.automated, services.moderation.view
    caller: Caller = request.state.caller
    permission: Permission = "decide" if may(request, "decide") else "read"
    categories = category_choices(caller, names.categories, permission)
    scope = {
        "country": country if country == "*" or country.isalpha() else "",
        "surfaces": sorted(set(surface) & set(names.surfaces)) or list(names.surfaces),
        "category": category if category in dict(categories) else next(iter(dict(categories)), ""),
    }
    pauses = pauses_in_force(view, at_ms)
    with_stops = held_tags(automated.latest.values(), view, at_ms)
    without = held_tags(automated.latest.values(), view, at_ms, stops=False) if pauses else with_stops
    lifted = [one for one in held_back(without, with_stops) if one.register.hashtag not in blinded]
    held = [one for one in with_stops if one.register.hashtag not in blinded]
    released = in_order([one for one in held if would_release(one, scope)], "reach", automated)
    limit = longest_ms(caller)
    return page(
        request,
        "stop.html",
        scope=scope,
        scope_words=scope_words(scope | {"country": scope["country"] or "*"}),
        chosen=frozenset(surface),
        pauses=[
            one
            | {
                "words": scope_words(one),
                "countdown": countdown_words(one["expires_at_ms"], at_ms),
                "hides": len({h.register.hashtag for h in lifted if would_release(h, one)}),
            }
            for one in pauses
        ],
        rows=[held_row(one, automated, show_legal=may(request, "orders")) for one in released[:SHOWN]],
        total=len(released),
        hashtags=len({one.register.hashtag for one in released}),
        surfaces=names.surfaces,
        countries=country_choices(caller, sorted({one.register.country for one in held}), permission),
        categories=categories,
        durations=[one for one in DURATIONS if limit is None or duration_ms(one[0]) <= limit],
        limits=limit_words(caller),
        pause_reasons=PAUSE_REASONS,
        release_reasons=RELEASE_REASONS,
        version=stop_version(view),
        past=past_presses(view),
    )


def past_presses(history: OverrideHistory, most: int = 10) -> list[dict[str, Any]]:
    """List the last presses and releases, the newest first; refused ones had no effect and are left out."""
    found = [one for offset, one in history.history if one.hashtag == ANY_HASHTAG and offset not in history.fold.stale]
    return [
        {
            "verb": "paused" if isinstance(one, Override) else "resumed",
            "words": scope_words(
                {
                    "country": one.country,
                    "surfaces": sorted(one.surfaces),
                    "category": one.category if isinstance(one, Override) else "",
                }
            ),
            "actor": one.actor,
            "reason": one.reason,
            "at_ms": one.at_ms,
        }
        for one in found[: -most - 1 : -1]
    ]


def would_release(held: HeldTag, scope: Mapping[str, Any]) -> bool:
    """Return whether a stop button of a scope lifts what holds a hashtag: only the pipeline's decisions.

    A scope without a country has all of them.
    """
    one = held.register
    return (
        one.source == "automated"
        and (scope["country"] in ("", "*") or one.country in (scope["country"], "*"))
        and bool(set(held.surfaces) & set(scope["surfaces"]))
        and scope["category"] in ("", one.category)
    )


def held_back(without: Sequence[HeldTag], with_stops: Sequence[HeldTag]) -> list[HeldTag]:
    """List what is held only without the stop buttons: each with the surfaces on which they show it."""
    found = {_key(one): frozenset(one.surfaces) for one in with_stops}
    return [
        HeldTag(one.register, more)
        for one in without
        if (more := sorted(set(one.surfaces) - found.get(_key(one), frozenset())))
    ]


def _key(held: HeldTag) -> tuple[str, ...]:
    one = held.register
    return one.hashtag, one.country, one.source, one.action, one.category, one.version
