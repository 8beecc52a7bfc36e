"""`hushtag topics create` and `topics check`: the topics and the settings that hushtag's guarantees need."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.lists import print_list
from streams.cli.options import JsonLines
from streams.cli.output import errors, print_json
from streams.errors import EXIT_CALLER
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from streams.log.topic_specs import TopicNeeds


_PRODUCERS = (
    "no broker shows how its producers write: let the producers of `tweets` use acks=all, so that no tweet is lost "
    "when a leader fails"
)


def register(app: typer.Typer) -> None:
    """Add the group `topics` to the command."""
    topics = typer.Typer(no_args_is_help=True, help="Create and check the Kafka topics.")
    topics.command("create")(create)
    topics.command("check")(check)
    app.add_typer(topics, name="topics")


def create(
    partitions: Annotated[
        int | None,
        typer.Option(help="Number of partitions of a new topic `tweets`.", min=1, metavar="NUMBER", show_default="4"),
    ] = None,
    replicas: Annotated[
        int, typer.Option(metavar="NUMBER", help="Number of copies of each partition; -1: the broker's default.")
    ] = -1,
    create_time: Annotated[
        bool,
        typer.Option(
            "--create-time",
            help="Create `tweets` with its producers' timestamps and without time retention, for a backfill.",
        ),
    ] = False,
    alter: Annotated[
        bool, typer.Option("--alter", help="Also correct the settings of topics that already exist.")
    ] = False,
    as_json: JsonLines = False,
) -> None:
    """Create the missing topics. Existing topics stay unchanged unless --alter is given.

    The topics keep their records for as long as the policy (HUSHTAG_POLICY) needs.
    """
    from streams.log.topics import create_topics  # a slow import: not for other commands

    settings = load_settings()
    results = create_topics(
        settings,
        tweets_partitions=partitions,
        replicas=replicas,
        create_time=create_time,
        alter=alter,
        needs=_needs(settings),
        report=_report,
    )
    if as_json:
        print_json(*map(asdict, results))
        return
    rows = []
    for result in results:
        what = "created" if result.created else f"altered: {', '.join(result.altered)}" if result.altered else "exists"
        rows.append((result.topic, str(result.partitions), what))
    print_list(("topic", "partitions", "result"), rows)


def check(as_json: JsonLines = False) -> None:
    """Compare the topics on the broker with what hushtag and the policy (HUSHTAG_POLICY) need.

    The producers of `tweets` need acks=all, which no broker shows. Exits with 2 if a topic does not fit.
    """
    from streams.log.topics import find_problems

    settings = load_settings()
    problems = find_problems(settings, needs=_needs(settings), report=_report)
    for problem in problems:
        if as_json:
            print_json({key: value for key, value in asdict(problem).items() if key != "alter_to"})
        else:
            print(f"{problem}\n    {problem.command}")
    if not problems:
        if not as_json:
            print("all topics have the settings that they need")
            _report(_PRODUCERS)
        return
    if any(problem.alter_to is not None for problem in problems):
        errors.print("to correct all settings at once: hushtag topics create --alter")
    raise typer.Exit(EXIT_CALLER)


def _needs(settings: Settings) -> TopicNeeds:
    from streams.cli.inputs import load_policy_file
    from streams.log.topics import needs_of

    if settings.policy.exists():
        return needs_of(settings, load_policy_file(settings.policy, settings.shards))
    needs = needs_of(settings)
    hours = (needs.longest_window_ms // 3_600_000, needs.longest_expiry_ms // 3_600_000)
    _report(
        f"the policy {settings.policy} does not exist: windows up to {hours[0]} h and automated decisions up to "
        f"{hours[1]} h are assumed; set HUSHTAG_POLICY to the workers' file"
    )
    return needs


def _report(line: str) -> None:
    errors.print(line, style="dim")
