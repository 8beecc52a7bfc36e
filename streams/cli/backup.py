"""`hushtag backup` and `hushtag restore`: keep what no source can rebuild, and put it into a fresh cluster."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from streams.cli.inputs import require_account
from streams.cli.options import Actor, Json, Reason
from streams.cli.output import errors, in_utc, print_json, quieten
from streams.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add `backup` and `restore` to the command."""
    app.command()(backup)
    app.command()(restore)


def backup(
    into: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder of the backup.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Copy people's decisions, policies, models and the audit log into a folder.

    A folder with a backup gets what is new since then, so a frequent backup is a short one. A run that was interrupted
    is continued by the next. Until it has ended, the previous state of the backup stays valid. Workers may run.
    """
    from streams.backup.take import take_backup

    settings = load_settings()
    quieten()
    done = asyncio.run(take_backup(settings, into, report=_report))
    records = {name: topic.records for name, topic in done.topics.items()}
    if as_json:
        print_json({"records": records, "began_at_ms": done.began_at_ms})
        return
    for name, count in records.items():
        print(f"{name}: {count:,} records up to offset {done.topics[name].next_offset}")
    print(f"{into} has everything before {in_utc(done.began_at_ms, seconds=True)}")


def restore(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of the backup.", show_default=False)],
    actor: Actor,
    reason: Reason,
    replicas: Annotated[
        int, typer.Option(min=-1, metavar="NUMBER", help="Copies of each partition; -1: the broker's default.")
    ] = -1,
    clear_flags: Annotated[bool, typer.Option("--clear-flags", help="Delete the flags that Redis has.")] = False,
    as_json: Json = False,
) -> None:
    """Write a backup into a fresh cluster: missing topics are created, and the others must be empty.

    Records keep their offsets and times, so versions and the audit log keep their meaning. Start workers afterwards:
    they publish people's flags at once. Automated flags begin again.
    """
    from streams.backup.restore import restore_backup

    require_account(reason, actor)
    settings = load_settings()
    quieten()
    done = asyncio.run(
        restore_backup(
            settings, folder, actor=actor, reason=reason, replicas=replicas, clear_flags=clear_flags,
            report=_report,
        )
    )  # fmt: skip
    if as_json:
        print_json(
            {
                "records": done.records, "fillers": done.fillers, "incarnation": done.incarnation,
                "began_at_ms": done.began_at_ms, "seconds": round(done.seconds, 3),
            }
        )  # fmt: skip
        return
    for name, count in done.records.items():
        print(f"{name}: {count:,} records")
    print(f"everything before {in_utc(done.began_at_ms, seconds=True)} is restored, in {done.seconds:.1f} s")
    print(f"incarnation {done.incarnation} begins; start the workers")
    print("audit run: only if no published checkpoint has more entries than the audit topic above (docs/backup.md)")


def _report(line: str) -> None:
    errors.print(line)
