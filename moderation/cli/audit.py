"""Commands `hushtag audit run`, `publish`, `verify`, `export`, `erase` and `key new`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from moderation.cli.audit_reading import export, verify
from moderation.cli.options import Actor, Json, MetricsPort
from moderation.cli.terminal import actor_of, out
from streams.errors import CallerMistake
from streams.log.topic_specs import AUDIT
from streams.settings import load_settings

_MAX_REASON = 2_000


def register(app: typer.Typer) -> None:
    """Add the group `audit` to the command."""
    group = typer.Typer(no_args_is_help=True, help="Public log of all decisions, which anyone can check.")
    group.command("run")(run)
    group.command("publish")(publish)
    group.command("verify")(verify)
    group.command("export")(export)
    group.command("erase")(erase)
    keys = typer.Typer(no_args_is_help=True, help="Keys of the log and of witnesses.")
    keys.command("new")(new)
    group.add_typer(keys, name="key")
    app.add_typer(group, name="audit")


def run(
    once: Annotated[bool, typer.Option("--once", help="Append what the sources hold now, and end.")] = False,
    metrics_port: MetricsPort = 9465,
    sign_unchecked: Annotated[
        bool,
        typer.Option("--sign-unchecked", help="Sign also unsigned entries whose source records are gone."),
    ] = False,
) -> None:
    """Write the audit log until stopped. A second process takes over, and the first one ends.

    Every ten seconds with new entries, the tree is signed with HUSHTAG_AUDIT_KEY. Before the first signature, entries
    without one are compared with their source records. `audit publish` publishes what is signed.
    """
    from moderation.publiclog.process import run_writer
    from streams.logs import configure_logging

    settings = load_settings()
    configure_logging(settings.log_level)
    entries = asyncio.run(run_writer(settings, None if once else metrics_port, sign_unchecked=sign_unchecked))
    print(f"{settings.topic(AUDIT)}: {entries} entries", file=sys.stderr)


def publish(
    to: Annotated[Path, typer.Option("--to", help="Folder that a web server serves.", metavar="FOLDER")],
    every: Annotated[float, typer.Option("--every", help="Seconds between two checkpoints.", min=1.0)] = 60.0,
    once: Annotated[bool, typer.Option("--once", help="Publish what is signed now, and end.")] = False,
    metrics_port: MetricsPort = 9467,
) -> None:
    """Publish the log's tree as files until stopped: checkpoint, tiles and leaves, without any record.

    Each checkpoint first goes to the witnesses of HUSHTAG_AUDIT_WITNESSES. A witness that does not answer within ten
    seconds is asked again with the next checkpoint. A lost folder is rebuilt from the topics.
    """
    from moderation.publiclog.process import run_publisher
    from streams.logs import configure_logging

    settings = load_settings()
    configure_logging(settings.log_level)
    size = asyncio.run(run_publisher(settings, to, None if once else metrics_port, every_seconds=every))
    print(f"{to}: {size} entries", file=sys.stderr)


def erase(
    entry: Annotated[int, typer.Argument(min=0, help="Number of the entry.", metavar="ENTRY")],
    reason: Annotated[str, typer.Option("--reason", "-r", help="Reason; it is logged with the erasure.")],
    actor: Actor = None,
    as_json: Json = False,
) -> None:
    """Erase the record of one entry from the audit log, for ever. The erasure is logged; the tree still verifies.

    Type and day of the entry stay, so that reports can be recounted. The source topic is not changed.
    """
    from moderation.publiclog.erasure_order import order_erasure
    from streams.cli.output import quieten

    if not 0 < len(reason.strip()) <= _MAX_REASON:
        raise CallerMistake("--reason is empty or too long", fix="write a few words: they are logged with the erasure")
    quieten()
    erasure = asyncio.run(order_erasure(load_settings(), entry, actor=actor_of(actor), reason=reason))
    if as_json:
        import json

        print(json.dumps({"entry": erasure.entry, "id": erasure.id, "at_ms": erasure.at_ms}))
    else:
        out.print(f"entry {entry} is erased as soon as `hushtag audit run` has logged the erasure")


def new(
    name: Annotated[str, typer.Argument(help="Name of the key, such as example.com/hushtag.", metavar="NAME")],
    witness: Annotated[bool, typer.Option("--witness", help="Make the key of a witness.")] = False,
    as_json: Json = False,
) -> None:
    """Make a key and print its private and its public part; nothing is stored.

    The name of the log's key is the log's identity: a new key of the same log has the same name.
    """
    from moderation.publiclog.tlog.keys import KeyKind, new_key

    key = new_key(name, KeyKind.witness if witness else KeyKind.log)
    if as_json:
        import json

        print(json.dumps({"private": key.encode(), "public": str(key.public_key)}))
    else:
        print(f"private {key.encode()}\npublic  {key.public_key}")
