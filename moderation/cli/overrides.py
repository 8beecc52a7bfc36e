"""Commands `hushtag block`, `allow`, `hold`, `undo` and `moderation list`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from moderation.cli.options import (
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
from moderation.cli.publishing import Write, finish, write_and_wait
from moderation.cli.terminal import actor_of, end_option, errors, out, policy_names, print_json
from moderation.domain.override_answers import written_answer
from moderation.domain.override_words import (
    OVERRIDE_HEADERS,
    effect_words,
    override_cells,
    written_end_words,
)
from moderation.log.drafts import AcceptedRecord, OverrideDraft, override_draft, undo_draft, words_of
from moderation.log.present_time import open_moderation
from moderation.log.service import ModerationService
from streams.cli.lists import print_list
from streams.cli.output import quieten
from streams.countries import in_country
from streams.errors import CallerMistake, FlagStoreUnavailable
from streams.flags.override_answers import override_answer
from streams.flags.overrides import STATES, OverrideHistory
from streams.log.moderation import Override, Verb
from streams.naming import TypedHashtag, country_of, recordable_tag, tag_of
from streams.policy.names import check_name
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from moderation.domain.publication import PublicationStatus


def register(app: typer.Typer) -> None:
    """Add the four override commands and the group `moderation` to the command."""
    app.command("block")(_override_command("block", "Hide hashtags for a time, overruling the pipeline."))
    app.command("allow")(_override_command("allow", "Show hashtags for a time, overruling the pipeline."))
    app.command("hold")(_override_command("hold", "Hide hashtags for a time, until a review."))
    app.command("undo")(undo)
    group = typer.Typer(no_args_is_help=True, help="Decisions of moderators.")
    group.command("list")(list_)
    app.add_typer(group, name="moderation")


def _override_command(action: Verb, help_text: str) -> Callable[..., None]:
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
        chosen = list({tag.hashtag: tag for tag in map(recordable_tag, tags)}.values())
        where, end = country_of(country), end_option(lasts, until, default_for)
        who, why = words_of(actor_of(actor), reason)
        if if_version is not None and (family or len(chosen) > 1):
            raise CallerMistake("--if-version applies to one hashtag", fix="decide on one hashtag at a time")
        names = policy_names(settings)
        drafts = [
            override_draft(
                names,
                tag,
                action,
                country=where,
                surfaces=surface or (),
                actor=who,
                reason=why,
                end=end,
            )
            for tag in chosen
        ]
        if family:
            drafts = _add_families(settings, drafts)
        tags_to_write = [draft.tag for draft in drafts]
        _write(settings, tags_to_write, lambda service: service.override(drafts, expected=if_version), wait, as_json)

    command.__doc__ = help_text
    return command


def undo(
    tag: Annotated[str, typer.Argument(help="Hashtag to decide on.")],
    surface: Annotated[
        list[str] | None,
        typer.Option("--surface", "-s", help="Only on this surface.", show_default="every surface in force"),
    ] = None,
    country: Annotated[
        str | None,
        typer.Option("--country", "-c", help="In this country, or *.", show_default="the country in force"),
    ] = None,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Reason for the undo.")] = "undone",
    family: Annotated[bool, typer.Option("--family", help="Undo for all hashtags decided on with --family.")] = False,
    actor: Actor = None,
    if_version: Expected = None,
    wait: Wait = 5.0,
    as_json: Json = False,
) -> None:
    """Undo the last block, allow or hold; the decision below it is in force again."""
    settings = load_settings()
    chosen, where = recordable_tag(tag), None if country is None else country_of(country)
    who, why = words_of(actor_of(actor), reason)
    draft = undo_draft(policy_names(settings), chosen, country=where, surfaces=surface or (), actor=who, reason=why)

    async def write(service: ModerationService) -> list[AcceptedRecord]:
        if family:
            return await service.undo_family(draft)
        return [await service.undo(draft, expected=if_version)]

    _write(settings, [chosen], write, wait, as_json)


def _add_families(settings: Settings, drafts: Sequence[OverrideDraft]) -> list[OverrideDraft]:
    """Add a draft for each look-alike of the hashtags; a family bears the name of its first hashtag."""
    from moderation.domain.family import family_of

    quieten()
    drafts_by_tag: dict[str, OverrideDraft] = {}
    for draft in drafts:
        shown = draft.tag.display
        family = asyncio.run(family_of(settings, draft.tag))
        others = ", ".join(f"#{alike.display}" for alike in family[1:])
        included = f"{others} look like #{shown} and are included" if others else f"no look-alikes of #{shown}"
        errors.print(f"{included}; spellings that appear later are not included", style="yellow")
        for member in family:
            drafts_by_tag.setdefault(member.hashtag, replace(draft, tag=member, family=draft.tag.hashtag))
    return list(drafts_by_tag.values())


def list_(
    tag: Annotated[str | None, typer.Option("--tag", help="Only this hashtag.")] = None,
    country: Annotated[
        str | None, typer.Option("--country", "-c", help="Only decisions for this country; * for worldwide ones.")
    ] = None,
    state: Annotated[
        list[str] | None, typer.Option("--state", help=f"Only these: {', '.join(STATES)}.", show_default="all")
    ] = None,
    as_json: Json = False,
) -> None:
    """List every block, allow and hold with its state, newest first."""
    for wanted_state in state or ():
        check_name("state", wanted_state, STATES)
    hashtag = tag_of(tag).hashtag if tag else None
    where = country_of(country) if country else None

    quieten()
    view, at_ms, note = asyncio.run(_read_as_published(load_settings()))
    matches = [
        status for status in view.statuses(at_ms, hashtag=hashtag, country=where) if not state or status.state in state
    ]
    if as_json:
        for status in matches:
            print_json(override_answer(status, at_ms))
    elif matches:
        print_list(OVERRIDE_HEADERS, [override_cells(status, at_ms) for status in matches])
    else:
        errors.print("no decisions" + (" match the filters" if tag or country or state else ""))
    if note:
        errors.print(note, style="yellow")
    for bad in view.bad:
        errors.print(f"the record at offset {bad.offset} has no effect: {bad.problem}", style="yellow")


async def _read_as_published(settings: Settings) -> tuple[OverrideHistory, int, str]:
    """Read all decisions; return them, the log's time, and what surfaces do not show yet ("" if they show all)."""
    from moderation.domain.publication import delay_reason
    from streams.flags.lookup import FlagLookup

    async with open_moderation(settings) as service:
        view, at_ms = await service.refresh(), service.now_ms()
    try:
        async with FlagLookup(settings.redis_url) as lookup:
            missing = view.next_offset - await lookup.published_offset()
            why = await delay_reason(lookup) if missing > 0 else ""
    except FlagStoreUnavailable as error:
        return view, at_ms, f"{error}: this is the state of the log, not of the surfaces"
    return view, at_ms, f"the surfaces do not show the newest {missing:,} records yet: {why}" if why else ""


def _write(settings: Settings, tags: Sequence[TypedHashtag], write: Write, wait: float, as_json: bool) -> None:
    notes = {tag.hashtag: tag.notes for tag in tags}
    for note in (note for tag in tags for note in tag.notes):
        errors.print(note, style="yellow")
    result = write_and_wait(settings, write, wait)
    for accepted, status in zip(result.accepted, result.statuses, strict=True):
        if as_json:
            print_json(written_answer(accepted, status, notes.get(accepted.record.hashtag, ())))
        else:
            _print_accepted(accepted, status)
    finish(result, lambda accepted: f"#{accepted.record.hashtag}")


def _print_accepted(accepted: AcceptedRecord, status: PublicationStatus | None) -> None:
    record = accepted.record
    scope = f"{in_country(record.country)} on {', '.join(record.surfaces)}"
    if isinstance(record, Override):
        out.print(f"#{record.hashtag}: {record.action} {scope}, ends {written_end_words(record)}")
    else:
        out.print(f"#{record.hashtag}: undone {scope}")
    out.print(f"  version {accepted.version}, by {record.actor}: {record.reason}")
    for verdict in status.verdicts if status else ():
        out.print(f"  {verdict.surface}: {effect_words(verdict)}")
