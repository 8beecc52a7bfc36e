"""`hushtag reshard`: another number of shards, or another hash key."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated

import typer

from streams.cli.inputs import confirm, require_account
from streams.cli.options import Actor, Json, Reason, Yes
from streams.cli.output import errors, print_json, quieten
from streams.errors import EXIT_NO
from streams.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add `reshard` to the command."""
    app.command()(reshard)


def reshard(
    shards: Annotated[
        int, typer.Option(min=1, max=1024, metavar="NUMBER", help="New number of shards.", show_default=False)
    ],
    actor: Actor,
    reason: Reason,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Begin the topics of the shards again: for another number of shards, or another hash key.

    Stop all workers first, and run `hushtag audit run --once` if you keep the audit log. People's decisions, policies,
    models and the audit log stay. Counts begin again with the tweets of the longest window. Automated flags stand until
    they expire or are judged again.
    """
    from streams.backup.reshard import plan_reshard
    from streams.backup.reshard import reshard as run

    require_account(reason, actor)
    settings = load_settings()
    quieten()
    if not yes:
        plan = asyncio.run(plan_reshard(settings, shards))
        print(f"{plan.shards_before or 'unclear'} → {plan.shards} shards, incarnation {plan.incarnation}")
        print(
            f"tweets of the last {plan.window_ms // 60_000} minutes are counted again; counts, evidence and automated"
        )
        print("decisions of the topics of the shards are deleted")
        if not confirm("go on?"):
            print("nothing was changed")
            raise typer.Exit(EXIT_NO)
    done = asyncio.run(run(settings, shards, actor=actor, reason=reason, report=errors.print))
    if as_json:
        print_json(asdict(done))
        return
    print(
        f"{done.shards} shards. Set HUSHTAG_SHARDS={done.shards} for every worker and command, then start the workers"
    )
