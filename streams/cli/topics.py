"""`hushtag topics create` and `topics check`: the topics, with the settings that the promises need."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from streams.errors import EXIT_CALLER
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from streams.log.topic_specs import Needs

_errors = Console(stderr=True, highlight=False)
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    topics = typer.Typer(no_args_is_help=True, help="The Kafka topics: make them, check them.")
    topics.command("create")(create)
    topics.command("check")(check)
    app.add_typer(topics, name="topics")


def create(
    partitions: Annotated[
        int | None, typer.Option(help="Partitions of a new `tweets` topic.", min=1, show_default="4")
    ] = None,
    replicas: Annotated[int, typer.Option(help="Copies of each partition; -1: the broker's default.")] = -1,
    create_time: Annotated[
        bool,
        typer.Option(help="A new `tweets` keeps its producers' timestamps, for a backfill, and drops nothing by time."),
    ] = False,
    alter: Annotated[bool, typer.Option(help="Also mend the settings of topics that exist.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make the topics that are missing. Those that exist stay as they are, unless --alter.

    They keep their records for as long as the policy (HUSHTAG_POLICY) needs.
    """
    from streams.log.topics import create_topics  # here, so that no other command waits for its imports

    settings = load_settings()
    made = create_topics(
        settings,
        tweets_partitions=partitions,
        replicas=replicas,
        create_time=create_time,
        alter=alter,
        needs=_needs(settings),
        report=_report,
    )
    for one in made:
        if as_json:
            print(json.dumps(asdict(one)))
        else:
            what = "created" if one.created else f"altered: {', '.join(one.altered)}" if one.altered else "exists"
            print(f"{one.topic:<40} {one.partitions:>4} partitions  {what}")


def check(as_json: JsonOption = False) -> None:
    """Compare the topics on the broker with what the promises and the policy (HUSHTAG_POLICY) need.

    Exits with 2 if one does not fit.
    """
    from streams.log.topics import find_problems

    settings = load_settings()
    problems = find_problems(settings, needs=_needs(settings), report=_report)
    for problem in problems:
        if as_json:
            print(json.dumps({key: value for key, value in asdict(problem).items() if key != "mendable"}))
        else:
            print(f"{problem}\n    {problem.command}")
    if not problems:
        if not as_json:
            print("all topics are as they must be")
        return
    if any(problem.mendable is not None for problem in problems):
        _errors.print("all settings at once: hushtag topics create --alter")
    raise typer.Exit(EXIT_CALLER)


def _needs(settings: Settings) -> Needs:
    from streams.cli.files import load_policy_file
    from streams.log.topics import needs_of

    if settings.policy.exists():
        return needs_of(settings, load_policy_file(settings.policy, settings.shards))
    needs = needs_of(settings)
    hours = (needs.longest_window_ms // 3_600_000, needs.longest_expiry_ms // 3_600_000)
    _report(
        f"there is no policy {settings.policy}: taken are windows up to {hours[0]} h, automated decisions up to "
        f"{hours[1]} h; set HUSHTAG_POLICY to the workers' file"
    )
    return needs


def _report(line: str) -> None:
    _errors.print(line, style="dim")
