"""Commands `hushtag pause` and `resume`: the stop button, which lifts every automated flag at once.

The stop button is one register a surface, on the hashtag `*`. Nothing is undone: the pipeline goes on deciding, and
`resume` puts its current decisions in force. Human decisions and legal orders are not affected.
"""

from __future__ import annotations

import json
from typing import Annotated

import typer

from moderation.cli.options import Actor, Country, Expected, Json, Reason, Surfaces, Until, Wait
from moderation.cli.publishing import Write, finish, write_and_wait
from moderation.cli.terminal import actor_of, end_option, out, policy_names
from moderation.domain.override_answers import written_answer
from moderation.domain.override_words import written_end_words
from moderation.log.drafts import STOP, AcceptedRecord, End, override_draft, undo_draft, words_of
from moderation.log.service import ModerationService
from streams.countries import in_country
from streams.log.moderation import Override
from streams.naming import country_of
from streams.settings import Settings, load_settings


def register(app: typer.Typer) -> None:
    """Add `pause` and `resume` to the command."""
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
        str, typer.Option("--for", help="Duration; automation resumes at its end.", metavar="DURATION")
    ] = "24h",
    until: Until = None,
    actor: Actor = None,
    if_version: Expected = None,
    wait: Wait = 5.0,
    as_json: Json = False,
) -> None:
    """Lift every automated suppression and discount within a second; human decisions and orders stay in force."""
    settings, where = load_settings(), country_of(country)
    end, (who, why) = _end(lasts, until), words_of(actor_of(actor), reason)
    draft = override_draft(
        policy_names(settings),
        STOP,
        "allow",
        country=where,
        surfaces=surface or (),
        actor=who,
        reason=why,
        end=end,
        category=category,
    )

    async def write(service: ModerationService) -> list[AcceptedRecord]:
        return [await service.pause(draft, expected=if_version)]

    _write(settings, write, wait, as_json)


def _end(lasts: str, until: str | None) -> End:
    return end_option(None if until else lasts, until, lasts)


def resume(
    reason: Annotated[str, typer.Option("--reason", "-r", help="Reason to resume.")] = "resumed",
    country: Annotated[
        str | None, typer.Option("--country", "-c", help="In this country, or *.", show_default="the paused country")
    ] = None,
    surface: Annotated[
        list[str] | None,
        typer.Option("--surface", "-s", help="Only on this surface.", show_default="every paused surface"),
    ] = None,
    actor: Actor = None,
    if_version: Expected = None,
    wait: Wait = 5.0,
    as_json: Json = False,
) -> None:
    """Put the current automated suppressions in force again."""
    settings, where = load_settings(), None if country is None else country_of(country)
    who, why = words_of(actor_of(actor), reason)
    draft = undo_draft(policy_names(settings), STOP, country=where, surfaces=surface or (), actor=who, reason=why)

    async def write(service: ModerationService) -> list[AcceptedRecord]:
        return [await service.undo(draft, expected=if_version)]

    _write(settings, write, wait, as_json)


def _write(settings: Settings, write: Write, wait: float, as_json: bool) -> None:
    result = write_and_wait(settings, write, wait)
    [accepted], [status] = result.accepted, result.statuses
    if as_json:
        answer = written_answer(accepted, status).members() | {"seconds": round(result.seconds, 3) if status else 0.0}
        del answer["now"]
        print(json.dumps(answer, ensure_ascii=False))
    else:
        _print_accepted(accepted, result.seconds if status and status.published else None)
    finish(result, lambda _: "it")


def _print_accepted(accepted: AcceptedRecord, published_seconds: float | None) -> None:
    record = accepted.record
    scope = f"{in_country(record.country)} on {', '.join(record.surfaces)}"
    if isinstance(record, Override):
        of = f" of {record.category}" if record.category else ""
        out.print(f"automated suppression{of} is paused {scope}, ends {written_end_words(record)}")
    else:
        out.print(f"automated suppression is in force again {scope}")
    out.print(f"  version {accepted.version}, by {record.actor}: {record.reason}")
    if published_seconds is not None:
        out.print(f"  published to the surfaces after {published_seconds:.2f} s")
