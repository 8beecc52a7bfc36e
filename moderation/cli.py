"""`hushtag block`, `allow`, `hold`, `undo`, `moderation list`: what a moderator does at a terminal."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from moderation.carrying_out import Write, carry_out, finish, undo_draft
from moderation.drafts import Draft, Tag, country_of, expiry_of, tag_of, words_of
from moderation.options import (
    Actor,
    Country,
    Default,
    Expected,
    Family,
    Json,
    Lasts,
    Reason,
    Surfaces,
    Tags,
    Until,
    Wait,
)
from moderation.shell import actor_of, named_surfaces
from moderation.shell import errors as _errors
from moderation.shell import out as _out
from moderation.view import ends, table, where, written_json
from moderation.writer import Desk
from moderation.written import Written
from streams.cli.quiet import quieten
from streams.clock import now_ms
from streams.errors import CallerMistake
from streams.flags.overrides import STATES
from streams.log.moderation import Override, Verb
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from moderation.visible import Visible


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("block")(_verb("block", "Hide hashtags from the surfaces, whatever the pipeline says, for a time."))
    app.command("allow")(_verb("allow", "Keep hashtags shown, whatever the pipeline says, for a time."))
    app.command("hold")(_verb("hold", "Hide hashtags while somebody reviews them, for a time."))
    app.command("undo")(undo)
    group = typer.Typer(no_args_is_help=True, help="What people have decided.")
    group.command("list")(list_)
    app.add_typer(group, name="moderation")


def _verb(action: Verb, told_as: str) -> Callable[..., None]:
    def command(
        tags: Tags,
        reason: Reason,
        surface: Surfaces = None,
        country: Country = None,
        lasts: Lasts = None,
        until: Until = None,
        default_for: Default = "7d",
        family: Family = False,
        actor: Actor = None,
        if_version: Expected = None,
        wait: Wait = 5.0,
        as_json: Json = False,
    ) -> None:
        settings = load_settings()
        meant = list({tag.hashtag: tag for tag in map(tag_of, tags)}.values())
        who, why = words_of(actor_of(actor), reason)
        name_of: dict[str, str] = {}
        if family:
            quieten()
            meant, name_of = _families(settings, meant)
        drafts = [
            Draft(
                tag=tag,
                action=action,
                country=country_of(country),
                surfaces=named_surfaces(surface, settings),
                actor=who,
                reason=why,
                expires_at_ms=expiry_of(lasts, until, default_for, now_ms()),
                family=name_of.get(tag.hashtag, ""),
            )
            for tag in meant
        ]
        if if_version is not None and len(drafts) > 1:
            raise CallerMistake("--if-version speaks of one hashtag", fix="decide on one at a time")
        _write(settings, meant, lambda desk: desk.override(drafts, expected=if_version), wait, as_json)

    command.__doc__ = told_as
    return command


def undo(
    tag: Annotated[str, typer.Argument(help="The hashtag.")],
    surface: Annotated[
        list[str] | None, typer.Option("--surface", "-s", help="Only on this surface.", show_default="where it stands")
    ] = None,
    country: Annotated[
        str | None, typer.Option("--country", "-c", help="In this country, or *.", show_default="where it stands")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why.")] = "undone",
    family: Annotated[bool, typer.Option("--family", help="On all that were decided on with --family.")] = False,
    actor: Actor = None,
    if_version: Expected = None,
    wait: Wait = 5.0,
    as_json: Json = False,
) -> None:
    """Take back the last block, allow or hold: what stood before it stands again."""
    settings = load_settings()
    meant = tag_of(tag)
    draft = undo_draft(meant, country, surface, actor, reason, settings)

    async def write(desk: Desk) -> list[Written]:
        if family:
            return await desk.undo_family(draft)
        return [await desk.undo(draft, expected=if_version)]

    _write(settings, [meant], write, wait, as_json)


def _families(settings: Settings, tags: Sequence[Tag]) -> tuple[list[Tag], dict[str, str]]:
    """The look-alikes of each hashtag, and under which hashtag's name each is decided on."""
    from moderation.family import family_of

    meant: dict[str, Tag] = {}
    name_of: dict[str, str] = {}
    for tag in tags:
        family = asyncio.run(family_of(settings, tag))
        others = ", ".join(f"#{one.display}" for one in family[1:])
        told = (
            f"{others} look like #{tag.display} and are meant too" if others else f"nothing looks like #{tag.display}"
        )
        _errors.print(f"{told}; spellings that come up later are not", style="yellow")
        for one in family:
            meant.setdefault(one.hashtag, one)
            name_of.setdefault(one.hashtag, tag.hashtag)
    return list(meant.values()), name_of


def list_(
    tag: Annotated[str | None, typer.Option("--tag", help="Only this hashtag.")] = None,
    country: Annotated[
        str | None, typer.Option("--country", "-c", help="Only decisions for this country; * for the world's.")
    ] = None,
    state: Annotated[
        list[str] | None, typer.Option("--state", help=f"Only these: {', '.join(STATES)}.", show_default="all")
    ] = None,
    as_json: Json = False,
) -> None:
    """Every block, allow and hold, and what has become of it, the newest first."""
    if unknown := [one for one in state or () if one not in STATES]:
        raise CallerMistake(f"there is no state {unknown[0]!r}", fix=f"one of {', '.join(STATES)}")
    hashtag = tag_of(tag).hashtag if tag else None
    wanted = country_of(country) if country else None

    async def read() -> Desk:
        async with Desk(load_settings()) as desk:
            await desk.refresh()
        return desk

    quieten()
    view, at_ms = asyncio.run(read()).view, now_ms()
    found = [one for one in view.standings(at_ms, hashtag=hashtag, country=wanted) if not state or one.state in state]
    if as_json:
        for one in found:
            print(json.dumps(one.as_dict(at_ms), ensure_ascii=False))
    elif found:
        _out.print(table(found, at_ms))
    else:
        _errors.print("nobody has decided anything" + (" like that" if tag or country or state else ""))
    for bad in view.bad:
        _errors.print(f"the record at offset {bad.offset} counts for nothing: {bad.problem}", style="yellow")


def _write(settings: Settings, tags: Sequence[Tag], write: Write, wait: float, as_json: bool) -> None:
    notes = {tag.hashtag: tag.notes for tag in tags}
    for note in (note for tag in tags for note in tag.notes):
        _errors.print(note, style="yellow")
    outcome = carry_out(settings, write, wait)
    for one, seen in zip(outcome.written, outcome.seen, strict=True):
        if as_json:
            print(json.dumps(written_json(one, seen, notes.get(one.record.hashtag, ())), ensure_ascii=False))
        else:
            _say(one, seen)
    finish(outcome, lambda one: f"#{one.record.hashtag}")


def _say(written: Written, seen: Visible | None) -> None:
    record = written.record
    if isinstance(record, Override):
        on = f"{where(record.country)} on {', '.join(record.surfaces)}"
        _out.print(f"#{record.hashtag}: {record.action} {on}, ends {ends(record, now_ms())}")
    else:
        _out.print(f"#{record.hashtag}: undone {where(record.country)} on {', '.join(record.surfaces)}")
    _out.print(f"  version {written.version}, by {record.actor}: {record.reason}")
    for one in seen.verdicts if seen else ():
        by = f" by {one.register.source}" if one.register else ""
        _out.print(f"  {one.surface}: {'shown' if one.shown else 'hidden'} now{by}")
