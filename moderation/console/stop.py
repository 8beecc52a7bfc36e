"""The stop button: what it would release, the form that presses it, and what is paused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Annotated

from fastapi import Query, Request
from hushtag_client.registers import ANY_HASHTAG
from starlette.responses import Response

from moderation.access.access import may, needs
from moderation.access.blinding import hidden_hashtags_for
from moderation.access.keys import Permission
from moderation.access.rights import Caller
from moderation.access.services import Services, services_of
from moderation.console.hashtag_limits import category_choices, country_choices, limit_words, longest_ms
from moderation.console.held import held_row
from moderation.console.render import page
from moderation.console.route import page_router
from moderation.console.stop_notice import ISOLATED, Scope, StopScope, countdown_words, scope_words
from moderation.console.words import moment_words
from moderation.domain.publication_times import PublishedAnswer, records_of_write
from moderation.log.drafts import duration_ms
from moderation.views.held import HeldRegister, held_tags, in_order
from moderation.views.pauses import PausedAnswer, pauses_in_force, stop_version
from streams.countries import WORLD
from streams.flags.overrides import OverrideHistory
from streams.log.moderation import Override

router = page_router()
_NEW_MS, _WAIT_SECONDS = 10_000, 2.0
"""Age of a change below which the page waits for the surfaces, and the longest wait."""
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
    services, hidden_tags = services_of(request), await hidden_hashtags_for(request)
    at_ms = services.moderation.now_ms()
    await services.reviews.refresh()
    names, automated, view = await services.names(), services.reviews.automated, services.moderation.view
    caller: Caller = request.state.caller
    permission: Permission = "decide" if may(request, "decide") else "read"
    categories = category_choices(caller, names.categories, permission)
    scope = StopScope(
        country if country == "*" or country.isalpha() else "",
        sorted(set(surface) & set(names.surfaces)) or list(names.surfaces),
        category if category in dict(categories) else next(iter(dict(categories)), ""),
    )
    pauses = pauses_in_force(view, at_ms)

    @cache
    def held(country: str) -> list[HeldRegister]:
        viewers = "" if country == WORLD else country
        all_held = held_tags(automated.latest.values(), view, at_ms, stops=False, viewers=viewers)
        return [row for row in all_held if row.register.hashtag not in hidden_tags]

    released = in_order(lifted_by(scope, held(scope.country), pauses), "reach", automated)
    limit = longest_ms(caller)
    return page(
        request,
        "stop.html",
        scope=scope,
        scope_words=scope_words(replace(scope, country=scope.country or "*")),
        chosen=frozenset(surface),
        pauses=[
            pressed_view(pause, held(pause.country), pauses_in_force(view, at_ms, released=pause.id), at_ms)
            for pause in pauses
        ],
        there=pressed_there(scope, pauses),
        rows=[held_row(row, automated, show_legal=may(request, "orders")) for row in released[:SHOWN]],
        total=len(released),
        hashtags=len({row.register.hashtag for row in released}),
        surfaces=names.surfaces,
        countries=country_choices(caller, sorted({row.register.country for row in held("")}), permission),
        categories=categories,
        durations=[duration for duration in DURATIONS if limit is None or duration_ms(duration[0]) <= limit],
        limits=limit_words(caller),
        pause_reasons=PAUSE_REASONS,
        release_reasons=RELEASE_REASONS,
        version=stop_version(view),
        past=past_presses(view),
        last=None if "HX-Request" in request.headers else await last_change(services, at_ms),
    )


async def last_change(services: Services, at_ms: int) -> PublishedAnswer | None:
    """Ask whether the surfaces have the last press or release; None before the first. A new one is waited for."""
    records = records_of_write(services.moderation.view, ANY_HASHTAG, "9")
    if not records:
        return None
    return await services.published(records, _WAIT_SECONDS if at_ms - records[-1].record.at_ms < _NEW_MS else 0)


@dataclass(frozen=True, slots=True)
class Press:
    """Press or release of the stop button."""

    verb: str
    words: str
    """Words for its scope."""
    actor: str
    reason: str
    at_ms: int


def past_presses(history: OverrideHistory, most: int = 10) -> list[Press]:
    """List the last presses and releases, the newest first; refused ones had no effect and are left out."""
    fold, everything = history.fold, history.history
    presses = [press for at, press in everything if press.hashtag == ANY_HASHTAG and at not in fold.stale]
    return [
        Press(
            "paused" if isinstance(record, Override) else "resumed",
            scope_words(
                StopScope(
                    record.country,
                    sorted(record.surfaces),
                    record.category if isinstance(record, Override) else "",
                )
            ),
            record.actor,
            record.reason,
            record.at_ms,
        )
        for record in presses[: -most - 1 : -1]
    ]


class PauseInForce(PausedAnswer):
    """Pause in force, and what its release changes."""

    words: str
    countdown: str
    hides: int
    """Hashtags that are held again."""
    after: list[str]
    """Pauses that stay in force there, in words."""


def pressed_view(
    pause: PausedAnswer, held: Sequence[HeldRegister], after: Sequence[PausedAnswer], at_ms: int
) -> PauseInForce:
    """Describe a pause in force, and what its release changes.

    Args:
        pause: the pause.
        held: what is held for its viewers without any pause.
        after: pauses that are in force once this one is released.
        at_ms: present time, Unix time in ms.
    """
    return PauseInForce(
        **pause.members(),
        words=scope_words(pause),
        countdown=countdown_words(pause.resumes_at_ms, at_ms),
        hides=len({row.register.hashtag for row in lifted_by(pause, held, after)}),
        after=[pause_words(other) for other in after if overlaps(other, pause)],
    )


def pressed_there(scope: Scope, pauses: Iterable[PausedAnswer]) -> list[str]:
    """Say which pauses are in force in a scope, and what a new one in it would do."""
    sentences = []
    for pause in pauses:
        same_place = pause.country == scope.country and set(pause.surfaces) & set(scope.surfaces)
        if same_place and pause.category != scope.category:
            sentences.append(f"Paused already {pause_words(pause)}. Release it first: a place has one pause at a time.")
        elif scope.country and overlaps(pause, scope):
            words = pause_words(pause)
            sentences.append(f"Paused already {words}. A new pause does not end it: the longer one counts.")
    return sentences


def pause_words(pause: PausedAnswer) -> str:
    """Name a pause in force with its end and the person who pressed it."""
    return f"{scope_words(pause)}, by {ISOLATED.format(pause.actor)}, until {moment_words(pause.expires_at_ms)}"


def overlaps(scope: Scope, other: Scope) -> bool:
    """Return whether two scopes share viewers, a surface and a category."""
    return (
        (WORLD in (scope.country, other.country) or scope.country == other.country)
        and bool(set(scope.surfaces) & set(other.surfaces))
        and ("" in (scope.category, other.category) or scope.category == other.category)
    )


def lifted_by(scope: Scope, held: Iterable[HeldRegister], others: Sequence[Scope]) -> list[HeldRegister]:
    """List what a stop button of a scope lifts and no other one does: only decisions of the pipeline.

    Args:
        scope: country ("": as for everywhere), surfaces and category.
        held: what is held for its viewers without any pause.
        others: other pauses.

    Returns:
        Each hashtag with the surfaces on which this stop button alone shows it.
    """
    rows = []
    for row in held:
        register = row.register
        if register.source != "automated" or scope.category not in ("", register.category):
            continue
        viewers = register.country if scope.country in ("", WORLD) else scope.country
        lifted = {
            surface
            for other in others
            if other.country in (viewers, WORLD) and other.category in ("", register.category)
            for surface in other.surfaces
        }
        if surfaces := sorted((set(row.surfaces) & set(scope.surfaces)) - lifted):
            rows.append(HeldRegister(register, surfaces))
    return rows
