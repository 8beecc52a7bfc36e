"""`hushtag acls`: the access rights of each process, for Kafka, for Redis and for the documentation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from streams.access.roles import BY_NAME, Role, roles_named
from streams.cli.options import JsonLines
from streams.cli.output import cannot_write, errors, print_json, quieten, write_text
from streams.errors import CallerMistake
from streams.settings import load_settings

Roles = Annotated[
    list[str],
    typer.Option(
        "--role", metavar="ROLE", help=f"Role of the user, repeatable: {', '.join(BY_NAME)}.", show_default=False
    ),
]
Apply = Annotated[bool, typer.Option("--apply", help="Set the rights on the server instead of printing them.")]


def register(app: typer.Typer) -> None:
    """Add the group `acls` to the command."""
    group = typer.Typer(no_args_is_help=True, help="Print or set the access rights of each process.")
    group.command("kafka")(kafka)
    group.command("redis")(redis)
    group.command("docs")(docs)
    app.add_typer(group, name="acls")


def kafka(
    role: Roles,
    principal: Annotated[
        str | None, typer.Option(metavar="PRINCIPAL", help="Who gets them.", show_default="User:hushtag-ROLE")
    ] = None,
    apply: Apply = False,
    as_json: JsonLines = False,
) -> None:
    """Print the Kafka rights of a role as lines for kafka-acls.sh; --apply grants them, and takes none away.

    Topic prefix and group are those of the settings. To grant rights, a user needs Alter on the cluster.
    """
    from streams.access.kafka_rights import apply_kafka_rights, kafka_rights

    settings, roles = load_settings(), roles_named(role)
    rights = kafka_rights(roles, prefix=settings.topic_prefix, group=settings.group)
    who = principal or f"User:hushtag-{roles[0].name}"
    if apply:
        quieten()
        apply_kafka_rights(settings, rights, who)
        errors.print(f"{who} has the rights of {_names(roles)}: {len(rights)} resources", style="green")
    if as_json:
        print_json(*(right.as_json(who) for right in rights))
    elif not apply:
        print("".join(f"{right.as_command(who, settings.kafka)}\n" for right in rights), end="")


def redis(
    role: Roles,
    user: Annotated[
        str | None, typer.Option(metavar="USER", help="User of the server.", show_default="hushtag-ROLE")
    ] = None,
    password_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="With --apply: set the password in FILE.", show_default="the present password stays"
        ),
    ] = None,
    apply: Apply = False,
    as_json: JsonLines = False,
) -> None:
    """Print the Redis rights of a role as a line for redis-cli; --apply sets them, and takes all others away."""
    from streams.access.redis_rights import apply_redis_rights, redis_rights

    settings, roles = load_settings(), roles_named(role)
    rights = redis_rights(roles)
    if rights is None:
        raise CallerMistake(f"{_names(roles)} does not use Redis", fix="use a role that does, such as reader")
    who = user or f"hushtag-{roles[0].name}"
    if apply:
        note = apply_redis_rights(settings.redis_url, rights, who, password=_password(password_file))
        errors.print(f"{who} has the rights of {_names(roles)}", style="green")
        if note:
            errors.print(note, style="yellow")
    if as_json:
        print_json(rights.as_json(who))
    elif not apply:
        print(rights.as_command(who))


def docs(
    into: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Replace the part of FILE between its two marks.", show_default="standard output"
        ),
    ] = None,
) -> None:
    """Print the rights of all roles as Markdown tables."""
    from streams.access.document import tables, with_tables

    if into is None:
        print(tables(), end="")
        return
    try:
        text = with_tables(into.read_text("utf-8"))
    except OSError as error:
        raise cannot_write(into, error) from error
    write_text(into, text)


def _names(roles: list[Role]) -> str:
    return " and ".join(role.name for role in roles)


def _password(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        password = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CallerMistake(f"{path} cannot be read: {error}", fix="name a text file with the password") from None
    if not password or len(password.split()) != 1:
        raise CallerMistake(f"{path} does not hold one word", fix="write the password alone into it")
    return password
