"""`hushtag pause` and `resume`: the stop button. Every automated suppression is lifted at the surfaces, at once.

One register a surface, on the hashtag `*`, does it: nothing is undone, the pipeline goes on deciding, and after
`resume` what it says by then holds. What people and legal orders decided is not touched.
"""

from __future__ import annotations

import json
from typing import Annotated

import typer
from hushtag_client.registers import ANY_HASHTAG

from moderation.carrying_out import Write, carry_out, finish, undo_draft
from moderation.drafts import Draft, Tag, country_of, expiry_of, words_of
from moderation.options import Actor, Country, Expected, Json, Reason, Surfaces, Until, Wait
from moderation.shell import actor_of, named_surfaces, out
from moderation.view import ends, where, written_json
from moderation.writer import Desk
from moderation.written import Written
from streams.clock import now_ms
from streams.errors import CallerMistake, PolicyError
from streams.log.moderation import Override
from streams.policy.parse import parse_policy
from streams.settings import Settings, load_settings

STOP = Tag(ANY_HASHTAG, ANY_HASHTAG)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(pause)
    app.command()(resume)


def pause(
    reason: Reason,
    country: Country = None,
    category: Annotated[
        str, typer.Option("--category", help="Lift only suppressions of this category of the policy.")
    ] = "",
    surface: Surfaces = None,
    lasts: Annotated[
        str, typer.Option("--for", help="How long; automation comes back by itself then.", metavar="DURATION")
    ] = "24h",
    until: Until = None,
    actor: Actor = None,
    if_version: Expected = None,
    wait: Wait = 5.0,
    as_json: Json = False,
) -> None:
    """Lift every automated suppression at the surfaces, within a second; decisions by people and orders stand."""
    settings = load_settings()
    who, why = words_of(actor_of(actor), reason)
    draft = Draft(
        tag=STOP,
        action="allow",
        country=country_of(country),
        surfaces=named_surfaces(surface, settings),
        actor=who,
        reason=why,
        expires_at_ms=expiry_of(None if until else lasts, until, lasts, now_ms()),
        category=_category(category, settings),
    )

    async def write(desk: Desk) -> list[Written]:
        await desk.refresh()
        refuse_another_category(desk, draft)
        return await desk.override([draft], expected=if_version)

    _write(settings, write, wait, as_json)


def resume(
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why.")] = "resumed",
    country: Annotated[
        str | None, typer.Option("--country", "-c", help="In this country, or *.", show_default="where it is paused")
    ] = None,
    surface: Annotated[
        list[str] | None, typer.Option("--surface", "-s", help="Only here.", show_default="where it is paused")
    ] = None,
    actor: Actor = None,
    if_version: Expected = None,
    wait: Wait = 5.0,
    as_json: Json = False,
) -> None:
    """Let automated suppressions hide again: those that stand now."""
    settings = load_settings()
    draft = undo_draft(STOP, country, surface, actor, reason, settings)

    async def write(desk: Desk) -> list[Written]:
        return [await desk.undo(draft, expected=if_version)]

    _write(settings, write, wait, as_json)


def refuse_another_category(desk: Desk, draft: Draft) -> None:
    """A scope has one stop: a second one for another category would let the first go.

    Raises:
        CallerMistake: a stop for another category is pressed in the scope of `draft`.
    """
    scopes = [scope for scope in desk.view.scopes(ANY_HASHTAG) if scope[2] == draft.country]
    for scope, standing in desk.view.in_force(now_ms(), scopes):
        if scope[1] in draft.surfaces and standing.category != draft.category:
            what = standing.category or "every category"
            by = f"{standing.actor}: {standing.reason}"
            raise CallerMistake(
                f"{what} is paused {where(draft.country)} on {scope[1]} already, by {by}",
                fix="hushtag resume first; or pause without --category, which lifts all",
            )


def _category(given: str, settings: Settings) -> str:
    """A category of the policy. A moderator's machine need not have one; then any may be named."""
    if not given:
        return ""
    try:
        known = list(parse_policy(settings.policy.read_bytes(), str(settings.policy)).categories)
    except (OSError, PolicyError):
        return given
    if given not in known:
        raise CallerMistake(f"the policy has no category {given[:40]!r}", fix=f"one of {', '.join(known)}")
    return given


def _write(settings: Settings, write: Write, wait: float, as_json: bool) -> None:
    outcome = carry_out(settings, write, wait)
    [written], [seen] = outcome.written, outcome.seen
    if as_json:
        plain = written_json(written, seen) | {"seconds": round(outcome.seconds, 3) if seen else 0.0}
        del plain["now"]
        print(json.dumps(plain, ensure_ascii=False))
    else:
        _say(written, outcome.seconds if seen and seen.published else None)
    finish(outcome, lambda _: "it")


def _say(written: Written, seen_after_seconds: float | None) -> None:
    record = written.record
    scope = f"{where(record.country)} on {', '.join(record.surfaces)}"
    if isinstance(record, Override):
        of = f" of {record.category}" if record.category else ""
        out.print(f"automated suppression{of} is paused {scope}, ends {ends(record, now_ms())}")
    else:
        out.print(f"automated suppression hides again {scope}")
    out.print(f"  version {written.version}, by {record.actor}: {record.reason}")
    if seen_after_seconds is not None:
        out.print(f"  the surfaces have it after {seen_after_seconds:.2f} s")
