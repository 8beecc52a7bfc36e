"""Commands `hushtag dead-letters list`, `show` and `redrive`: records that could not be read."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from streams.cli.inputs import since_ms
from streams.cli.lists import print_list
from streams.cli.options import JsonLines
from streams.cli.output import errors, in_utc, print_json, quieten
from streams.clock import now_ms
from streams.errors import EXIT_NO, CallerMistake
from streams.log.topic_specs import DEAD_LETTER, INTERNAL_DEAD_LETTER, TWEETS
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from streams.log.dead_letters import DeadLetters, Letter

Of = Literal["all", "tweets", "internal"]
_TOPICS: dict[Of, tuple[str, ...]] = {
    "all": (DEAD_LETTER, INTERNAL_DEAD_LETTER),
    "tweets": (DEAD_LETTER,),
    "internal": (INTERNAL_DEAD_LETTER,),
}
Origin = Annotated[str, typer.Argument(metavar="ORIGIN", help="Origin as `list` prints it: TOPIC/PARTITION/OFFSET.")]
Reasons = Annotated[
    list[str] | None, typer.Option("--reason", help="Only with this reason; repeatable.", show_default="all")
]
Since = Annotated[
    str | None, typer.Option("--since", metavar="DURATION", help="Only of the last 30m, 24h, ...", show_default="all")
]
Until = Annotated[
    str | None,
    typer.Option("--until", metavar="DURATION", help="Only older than 30m, 24h, ...", show_default="now"),
]


def register(app: typer.Typer) -> None:
    """Add the group `dead-letters` to the command."""
    group = typer.Typer(no_args_is_help=True, help="Records that could not be read.")
    group.command("list")(list_)
    group.command()(show)
    group.command()(redrive)
    app.add_typer(group, name="dead-letters")


def list_(
    of: Annotated[Of, typer.Option("--of", help="Which: of the topic tweets, or of hushtag's own topics.")] = "all",
    reason: Reasons = None,
    since: Since = None,
    until: Until = None,
    json: JsonLines = False,
) -> None:
    """List dead letters, oldest first: origin, reason and time."""
    read = _read(of)
    chosen = [(kept, letter) for kept in read for letter in _chosen(kept, reason, since, until)]
    chosen.sort(key=lambda pair: pair[1].at_ms)
    rows = [_row(kept, letter) for kept, letter in chosen]
    if foreign := sum(kept.foreign for kept in read):
        errors.print(f"records without an origin, of other writers: {foreign}", style="yellow")
    if json:
        print_json(*rows)
        return
    headers = ("origin", "time", "reason", "field", "state")
    print_list(headers, [_cells(row) for row in rows])
    if not chosen:
        errors.print("no dead letters" + (" match the filters" if reason or since or until or of != "all" else ""))


def show(origin: Origin, json: JsonLines = False) -> None:
    """Show one dead letter with its headers and its bytes."""
    for kept in _read("all"):
        letter = kept.letters.get(origin)
        if letter is not None:
            break
    else:
        raise _unknown(origin)
    if json:
        print_json(_row(kept, letter) | {"headers": letter.headers} | _bytes(letter.value))
        return
    for name, text in letter.headers.items():
        print(f"{name}: {text}")
    content = _bytes(letter.value)
    print("value: none" if not content else "\n" + str(content.get("value", content.get("value_base64"))))


def redrive(
    origin: Annotated[
        list[str] | None,
        typer.Argument(metavar="ORIGIN...", help="Origins as `list` prints them.", show_default="by the options"),
    ] = None,
    reason: Reasons = None,
    since: Since = None,
    until: Until = None,
    all_: Annotated[bool, typer.Option("--all", help="Every dead letter of the topic tweets.")] = False,
    json: JsonLines = False,
) -> None:
    """Send dead letters of tweets to the topic tweets again, each origin once: after a fix, not before.

    A tweet counts in the pane of its new log time, or not at all if it is older than the longest window. Exit code 3:
    one was not sent.
    """
    from streams.cli.redrive import redrive as send

    if bool(origin) == bool(all_ or reason or since or until):
        raise CallerMistake("name origins, or choose by --all, --reason, --since or --until", fix="not both, not none")
    for name in origin or ():
        if name.partition("/")[0] != TWEETS:
            raise CallerMistake(
                f"{name} is not of the topic {TWEETS}: an internal record is never sent again",
                fix="hushtag skip, if a shard has stopped there",
            )
    (kept,) = _read("tweets")
    letters = _named(kept, origin) if origin else _chosen(kept, reason, since, until)
    done = asyncio.run(send(load_settings(), letters, kept))
    for outcome in done:
        if json:
            print_json(asdict(outcome))
        elif outcome.sent:
            print(f"{outcome.origin}: sent to {TWEETS}[{outcome.partition}] at {outcome.offset}")
        else:
            errors.print(f"{outcome.origin}: not sent, {outcome.why}", style="yellow")
    if any(not outcome.sent for outcome in done):
        raise typer.Exit(EXIT_NO)


def _read(of: Of) -> list[DeadLetters]:
    from streams.log.dead_letters import read_dead_letters

    quieten()

    async def read(settings: Settings) -> list[DeadLetters]:
        return [await read_dead_letters(settings, topic) for topic in _TOPICS[of]]

    return asyncio.run(read(load_settings()))


def _chosen(kept: DeadLetters, reasons: Sequence[str] | None, since: str | None, until: str | None) -> list[Letter]:
    at_ms = now_ms()
    from_ms = at_ms - since_ms(since) if since else 0
    to_ms = at_ms - since_ms(until) if until else 0
    return [
        letter
        for letter in kept.letters.values()
        if from_ms <= letter.at_ms and (not until or letter.at_ms < to_ms) and (not reasons or letter.reason in reasons)
    ]


def _named(kept: DeadLetters, origins: Sequence[str]) -> list[Letter]:
    for origin in origins:
        if origin not in kept.letters:
            raise _unknown(origin)
    return [kept.letters[origin] for origin in dict.fromkeys(origins)]


def _unknown(origin: str) -> CallerMistake:
    return CallerMistake(f"there is no dead letter of {origin}", fix="hushtag dead-letters list")


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    at = in_utc(row["at_ms"], seconds=True)
    return row["origin"], at, row["reason"], row["field"], "redriven" if row["redriven"] else ""


def _row(kept: DeadLetters, letter: Letter) -> dict[str, str | int]:
    return {
        "origin": letter.key,
        "reason": letter.reason,
        "field": letter.headers.get("field", ""),
        "found": letter.headers.get("value", ""),
        "fix": letter.headers.get("fix", ""),
        "at_ms": letter.at_ms,
        "bytes": letter.source_bytes or len(letter.value or b""),
        "kept_in": letter.kept_in,
        "redriven": kept.is_done(letter.key),
    }


def _bytes(value: bytes | None) -> dict[str, str]:
    if value is None:
        return {}
    try:
        return {"value": value.decode()}
    except UnicodeDecodeError:
        return {"value_base64": base64.b64encode(value).decode()}
