"""`hushtag flags list` and `flags get`: the flags in Redis, read with the client that surfaces use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from streams.actions import WEIGHING
from streams.cli.flag_repair import repair_flag
from streams.cli.lists import one_line, print_list
from streams.cli.options import Hashtag, JsonLines
from streams.cli.output import errors, in_utc, print_json
from streams.clock import now_ms
from streams.errors import FlagStoreUnavailable, SettingsError
from streams.naming import country_of, tag_of
from streams.settings import load_settings

if TYPE_CHECKING:
    from hushtag_client.answers import Answers, Status
    from hushtag_client.registers import Register

_DEADLINE_SECONDS = 5.0
_USUAL_SURFACES = ("trends", "search")
Surface = Annotated[str | None, typer.Option(help="Only this surface, such as trends.", show_default="all")]
Country = Annotated[
    str | None, typer.Option(metavar="CODE", help="The viewer's country, such as IN.", show_default="not known")
]


def register(app: typer.Typer) -> None:
    """Add the group `flags` to the command."""
    flags = typer.Typer(no_args_is_help=True, help="Read the flags in Redis as a surface sees them, or repair one.")
    flags.command("list")(list_flags)
    flags.command("get")(get_flag)
    flags.command("repair")(repair_flag)
    app.add_typer(flags, name="flags")


def list_flags(
    surface: Surface = None,
    country: Country = None,
    everything: Annotated[bool, typer.Option("--all", help="Also list cleared, expired and allowed flags.")] = False,
    as_json: JsonLines = False,
) -> None:
    """List the hidden and the discounted hashtags: all of them, or those of viewers in one country."""
    where = None if country is None else country_of(country)
    _check_surface(surface)
    with _flags() as flags:
        at_ms = now_ms()
        registers = _everywhere(flags, at_ms, everything) if where is None else _seen_from(flags, where, everything)
        rows = [row for row in registers if surface is None or row.surface == surface]
    rows.sort(key=lambda row: (row.surface, row.hashtag, row.country, row.source))
    if as_json:
        print_json(*(row.as_dict() | {"in_force": row.in_force(at_ms)} for row in rows))
        return
    headers = ("hashtag", "surface", "country", "action", "by", "category", "until", "why")
    print_list(headers, [_cells(row, at_ms) for row in rows])
    if not rows:
        errors.print("no hashtag is hidden or discounted" + (" there" if surface or country else ""))


def get_flag(
    hashtag: Hashtag,
    surface: Surface = None,
    country: Country = None,
    as_json: JsonLines = False,
) -> None:
    """Tell whether a viewer would be shown a hashtag, and why."""
    where, meant = None if country is None else country_of(country), tag_of(hashtag)
    _check_surface(surface)
    with _flags() as flags:
        surfaces = [surface] if surface else sorted({*_USUAL_SURFACES, *(flag.surface for flag in flags.registers())})
        answers = {name: flags.check(meant.hashtag, name, where) for name in surfaces}
    for name, answer in answers.items():
        register = answer.register
        if as_json:
            print_json(
                {
                    "hashtag": answer.hashtag,
                    "surface": name,
                    "country": where,
                    "shown": answer.shown,
                    "why": answer.why,
                    "weight": answer.weight,
                    "register": register.as_dict() if register else None,
                }
            )
            continue
        line = f"#{answer.hashtag} on {name}: {'shown' if answer.shown else 'hidden'} ({answer.why})"
        if register:
            line += f": {_action(register)} by {register.source}, until {_until(register)}"
            line += f"; {_reasons(register)}" if register.reasons else ""
        print(one_line(line))


@contextmanager
def _flags() -> Iterator[Answers]:
    from hushtag_client import FlagsClient  # slow imports: not for other commands
    from hushtag_client.redis_url import FORMS

    try:
        client = FlagsClient(load_settings().redis_url)
    except ValueError as error:
        raise SettingsError(f"HUSHTAG_REDIS_URL: {error}", fix=f"write {FORMS}") from None
    with client:
        if not client.wait_until_ready(_DEADLINE_SECONDS):
            raise FlagStoreUnavailable(
                f"Redis did not answer within {_DEADLINE_SECONDS:g} s",
                fix="start it (hushtag up starts one), or set HUSHTAG_REDIS_URL",
            )
        _report_stale(client.status())
        yield client


def _report_stale(status: Status) -> None:
    if status.fresh:
        return
    late = sorted({*status.behind_shards, *status.missing_shards})
    if len(late) < status.shards:
        shards = ", ".join(map(str, late))
        errors.print(f"stale: shards {shards} of {status.shards} are behind, surfaces use their fallback for them")
    else:
        errors.print("the flags are stale: the pipeline has stopped publishing, surfaces use their fallback")


def _everywhere(flags: Answers, at_ms: int, everything: bool) -> list[Register]:
    registers = flags.registers()
    if everything:
        return registers
    fields = {flag.field for country in {flag.country for flag in registers} for flag in _in_effect(flags, country)}
    return [flag for flag in registers if flag.field in fields and flag.in_force(at_ms)]


def _seen_from(flags: Answers, country: str, everything: bool) -> list[Register]:
    if everything:
        return [flag for flag in flags.registers() if flag.country in (country, "*")]
    return _in_effect(flags, country)


def _in_effect(flags: Answers, country: str) -> list[Register]:
    """Return the registers that flag a hashtag for viewers in a country, on any surface."""
    surfaces = {flag.surface for flag in flags.registers()}
    return [
        flag for surface in surfaces for flag in (*flags.held(surface, country), *flags.discounted(surface, country))
    ]


def _cells(row: Register, at_ms: int) -> tuple[str, ...]:
    action = _action(row) if row.in_force(at_ms) else f"{_action(row)} (not in force)"
    by = f"{row.source}: {row.actor}" if row.by_people and row.actor else row.source
    name = row.hashtag if row.surface in ("account", "tweet") else f"#{row.display or row.hashtag}"
    return name, row.surface, row.country, action, by, row.category, _until(row), _reasons(row)


def _check_surface(surface: str | None) -> None:
    """Check that flags can be on a surface under some policy: readers of Redis need no access to the policy's topic.

    Raises:
        CallerMistake: no policy can name it.
    """
    from streams.policy.names import FLAG_SURFACES, check_name  # slow imports: not for other commands

    if surface is not None:
        check_name("surface", surface, FLAG_SURFACES)


def _action(row: Register) -> str:
    return f"{row.action} (weight {row.weight:g})" if row.action in WEIGHING else row.action


def _until(row: Register) -> str:
    return in_utc(row.expires_at_ms, seconds=True) if row.expires_at_ms else "revoked"


def _reasons(row: Register) -> str:
    return ", ".join(f"{reason.signal} {reason.value:g} (threshold {reason.threshold:g})" for reason in row.reasons)
