"""`hushtag flags list` and `flags get`: what a surface would see, asked of Redis by the client that surfaces use."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from unicodedata import category

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from streams.clock import now_ms
from streams.errors import CallerMistake, FlagStoreUnavailable, SettingsError
from streams.settings import load_settings

if TYPE_CHECKING:
    from hushtag_client.answers import Answers
    from hushtag_client.registers import Register

_DEADLINE_SECONDS = 5.0
_TURNING = "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Controls of writing direction."""
_errors = Console(stderr=True, highlight=False)
_USUAL_SURFACES = ("trends", "search")
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
SurfaceOption = Annotated[str | None, typer.Option(help="One surface only, such as trends.")]
CountryOption = Annotated[str | None, typer.Option(help="The viewer's country, such as IN; without: not known.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    flags = typer.Typer(no_args_is_help=True, help="The flags in Redis, as a surface sees them.")
    flags.command("list")(list_flags)
    flags.command("get")(get_flag)
    app.add_typer(flags, name="flags")


def list_flags(
    surface: SurfaceOption = None,
    country: CountryOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Also what is cleared, lapsed or allowed.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List what is held back: everywhere, or from viewers in one country."""
    _check_country(country)
    with _flags() as flags:
        at_ms = now_ms()
        found = _everywhere(flags, at_ms, everything) if country is None else _seen_from(flags, country, everything)
        rows = [one for one in found if surface is None or one.surface == surface]
    rows.sort(key=lambda one: (one.surface, one.hashtag, one.country, one.source))
    if as_json:
        for row in rows:
            print(json.dumps(row.as_dict() | {"in_force": row.in_force(at_ms)}))
        return
    table = Table("hashtag", "surface", "country", "action", "by", "category", "until", "why")
    for row in rows:
        action = row.action if row.in_force(at_ms) else f"{row.action} (not in force)"
        by = f"{row.source}: {row.actor}" if row.by_people else row.source
        name = row.hashtag if row.surface in ("account", "tweet") else f"#{row.display or row.hashtag}"
        cells = (name, row.surface, row.country, action, by, row.category, _until(row))
        table.add_row(*(_plain(cell) for cell in (*cells, _reasons(row))))
    Console().print(table if rows else "nothing is held back")


def get_flag(
    hashtag: Annotated[str, typer.Argument(metavar="TAG", help="In any spelling, with or without #.")],
    surface: SurfaceOption = None,
    country: CountryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say whether a viewer would be shown a hashtag, and why."""
    _check_country(country)
    with _flags() as flags:
        surfaces = [surface] if surface else sorted({*_USUAL_SURFACES, *(one.surface for one in flags.registers())})
        answers = {name: flags.check(hashtag, name, country) for name in surfaces}
    for name, answer in answers.items():
        found = answer.register
        if as_json:
            told = {"hashtag": answer.hashtag, "surface": name, "country": country, "shown": answer.shown}
            print(json.dumps(told | {"why": answer.why, "register": found.as_dict() if found else None}))
            continue
        said = f"#{answer.hashtag} on {name}: {'shown' if answer.shown else 'hidden'} ({answer.why})"
        if found:
            said += f": {found.action} by {found.source}, until {_until(found)}"
            said += f"; {_reasons(found)}" if found.reasons else ""
        Console(highlight=False, soft_wrap=True).print(_plain(said))


@contextmanager
def _flags() -> Iterator[Answers]:
    from hushtag_client import FlagsClient  # here, so that no other command waits for its imports

    try:
        client = FlagsClient(load_settings().redis_url)
    except ValueError as error:
        raise SettingsError(f"HUSHTAG_REDIS_URL: {error}", fix="redis://host:port/0, rediss:// or unix://") from None
    with client:
        if not client.wait_until_ready(_DEADLINE_SECONDS):
            raise FlagStoreUnavailable(
                f"no answer from Redis within {_DEADLINE_SECONDS:g} s",
                fix="start it (hushtag up starts one), or set HUSHTAG_REDIS_URL",
            )
        if not client.status().fresh:
            _errors.print("The flags are stale: no word from the pipeline, and surfaces fall back as configured.")
        yield client


def _everywhere(flags: Answers, at_ms: int, everything: bool) -> list[Register]:
    found = flags.registers()
    if everything:
        return found
    held = {one.field for surface in {r.surface for r in found} for country in {r.country for r in found}
            for one in flags.held(surface, country)}  # fmt: skip
    return [one for one in found if one.field in held and one.in_force(at_ms)]


def _seen_from(flags: Answers, country: str, everything: bool) -> list[Register]:
    if everything:
        return [one for one in flags.registers() if one.country in (country.upper(), "*")]
    return [one for surface in {r.surface for r in flags.registers()} for one in flags.held(surface, country)]


def _check_country(country: str | None) -> None:
    if country is not None and country != "*" and not (len(country) == 2 and country.isascii() and country.isalpha()):
        raise CallerMistake(f"--country {country}: not a country", fix="two letters of ISO 3166-1, such as IN; or *")


def _plain(text: str) -> Text:
    """Text for a terminal: no markup, and nothing that could move the cursor or turn the writing round."""
    unsafe = {"Cc", "Cs"}
    return Text("".join("\ufffd" if category(c) in unsafe or c in _TURNING else c for c in text))


def _until(row: Register) -> str:
    if not row.expires_at_ms:
        return "revoked"
    return datetime.fromtimestamp(row.expires_at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _reasons(row: Register) -> str:
    return ", ".join(f"{one.signal} {one.value:g} (threshold {one.threshold:g})" for one in row.reasons)
