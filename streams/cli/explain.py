"""`hushtag explain TAG`: why a hashtag is hidden or shown, for how long, by whom, and what happened to it before."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from hushtag_client.registers import Register
from rich.console import Console
from rich.text import Text

from streams.errors import EXIT_NO
from streams.flags.account import Account, Outcome, Place, account_as_dict
from streams.flags.gather import account_of
from streams.flags.naming import country_of, in_words, tag_of
from streams.settings import load_settings

_errors = Console(stderr=True, highlight=False, markup=False)
_out = Console(highlight=False, markup=False, soft_wrap=True)
_OUTCOMES: dict[Outcome, str] = {
    "wins": "decides",
    "overruled": "overruled by the one above",
    "expired": "run out",
    "cleared": "no longer asks for anything",
    "lifted": "lifted by the stop button",
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(explain)


def explain(
    tag: Annotated[str, typer.Argument(metavar="TAG", help="In any spelling, with or without #.")],
    country: Annotated[
        str | None, typer.Option("--country", "-c", help="Only for viewers in this country.", show_default="all known")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Say all that is known of a hashtag: its state on each surface, the signals, the people, the history.

    Exit 3 if nothing is known of it.
    """
    settings, meant = load_settings(), tag_of(tag)
    where = None if country is None else country_of(country)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what fails is told by our own errors
    account, unseen = asyncio.run(account_of(settings, meant.hashtag, where))
    if unseen:
        _errors.print(unseen, style="yellow")
    for note in meant.notes:
        _errors.print(note, style="yellow")
    if as_json:
        told: dict[str, Any] = account_as_dict(account) if account.known else {"hashtag": meant.hashtag, "known": False}
        print(json.dumps(told, ensure_ascii=False))
    elif account.known:
        _tell(account)
    if not account.known:
        _errors.print(f"nothing is known of #{meant.hashtag}" + (f" in {where}" if where else ""))
        raise typer.Exit(EXIT_NO)


def _tell(account: Account) -> None:
    _out.print(Text(f"#{account.hashtag}", style="bold"))
    for place in account.places():
        _tell_place(place, account.now_ms)
    for register in account.unpublished():
        _out.print(f"not published yet: {register.action} on {register.surface}, {_where(register.country)}")
    quiet = [
        (said, ruling) for said in account.latest() for ruling in said.rulings if ruling.action in ("review", "shadow")
    ]
    for said, ruling in quiet:
        on = f"{ruling.surface}, {_where(said.country)}"
        _out.print(f"{ruling.action} for {_words(ruling.category)} on {on}: hides nothing")
        _tell_signals([(one.signal, one.value, one.threshold) for one in ruling.reasons])
    if account.standings:
        _out.print("people decided:")
    for one in account.standings:
        told = one.as_dict(account.now_ms)
        on = f"{_where(told['country'])} on {', '.join(told['surfaces'])}"
        _out.print(Text(f"  {told['action']} {on} by {told['actor']}: {one.state} ({_line(told['reason'])})"))
    _out.print("what happened:")
    for event in account.timeline():
        more = f", renewed {event.repeats} times" if event.repeats else ""
        why = f" ({_line(event.reason)})" if event.reason else ""
        by = "" if event.source == "automated" else f" by {event.actor}"
        _out.print(Text(f"  {_time(event.at_ms)}  {_where(event.country)}: {event.what}{by}{why}{more}"))


def _tell_place(place: Place, at_ms: int) -> None:
    state = "shown" if place.shown else "hidden"
    _out.print(f"{place.surface}, {_where(place.country)}: {state}", style="green" if place.shown else "red")
    for register, outcome in place.heard:
        ends = _ends(register, at_ms) if register.in_force(at_ms) else ""
        what = f"{register.action}{f' for {_words(register.category)}' if register.category else ''}"
        early = ", early" if register.provisional else ""
        _out.print(Text(f"  {register.source}, {_where(register.country)}: {what}{early}{ends}: {_OUTCOMES[outcome]}"))
        _tell_signals([(one.signal, one.value, one.threshold) for one in register.reasons])
        if register.by_people:
            by = f"by {register.actor}: {_line(str(register.evidence.get('reason', '')))}"
            _out.print(Text(f"    {by if register.actor else 'a confidential order: hushtag orders list'}"))
        elif outcome != "cleared":
            counts = ", ".join(
                f"{register.evidence[name]} {name}"
                for name in ("tweets", "authors", "scored")
                if name in register.evidence
            )
            _out.print(f"    {counts}; policy {register.policy_revision}, model {register.model_revision}")
        _out.print(f"    version {register.version}, decided {_time(register.decided_at_ms)}", style="dim")


def _tell_signals(signals: list[tuple[str, float, float]]) -> None:
    for signal, value, threshold in signals:
        _out.print(f"    {_words(signal)} {value:.4g}, threshold {threshold:.4g}, margin {value - threshold:+.4g}")


def _where(country: str) -> str:
    return "everywhere" if country == "*" else country


def _words(name: str) -> str:
    return name.replace("_", " ")


def _line(text: str) -> str:
    return " ".join(text.split())


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _ends(register: Register, at_ms: int) -> str:
    if not register.expires_at_ms:
        return ", until revoked"
    return f", until {_time(register.expires_at_ms)} (for {in_words(register.expires_at_ms - at_ms)})"
