"""`hushtag speakers`: import, export, list and change the registry of protected speakers."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from moderation.cli.options import Actor, Json, Reason
from moderation.cli.orders_options import DryRun, Source, Strict, word
from moderation.cli.terminal import actor_of, errors, out, read_file, refuse_rows, run_with_orders
from moderation.domain.orders.errors import cell_error
from moderation.domain.orders.service import OrderService
from moderation.domain.speakers import registry
from moderation.domain.tables import BadCell, account_of
from moderation.wording import day_words
from streams.cli.lists import print_list
from streams.errors import EXIT_NO, CallerMistake
from streams.orders.records import CATEGORIES


def register(app: typer.Typer) -> None:
    """Add the group `speakers` to the command."""
    group = typer.Typer(
        no_args_is_help=True, help="Protected speakers: news media, journalists, activists, politicians."
    )
    group.command("import")(import_)
    group.command("export")(export)
    group.command("list")(list_)
    group.command("remove")(remove)
    app.add_typer(group, name="speakers")


def import_(
    file: Source,
    reason: Reason,
    replace: Annotated[
        bool, typer.Option("--replace", help="Remove the accounts that the file does not list.")
    ] = False,
    strict: Strict = False,
    dry_run: DryRun = False,
    actor: Actor = None,
    as_json: Json = False,
) -> None:
    """Import a CSV file with the columns account, category and, optionally, name and basis (why it is protected).

    Bad rows are reported with line and fix, and the others are imported; the exit code is then 3.
    """
    data, name = read_file(file)
    parsed = registry.parse(data, name)
    if parsed.problems:
        refuse_rows(parsed.problems, as_json, strict=strict)
        if replace:
            raise CallerMistake("with bad rows --replace would remove the wrong accounts", fix="correct the rows first")

    async def work(orders: OrderService) -> None:
        plan = await orders.change_registry(
            lambda fold: registry.plan_import(parsed.entries, fold.speakers, replace=replace),
            actor=actor_of(actor), reason=reason, dry_run=dry_run,
        )  # fmt: skip
        _print_plan(plan, dry_run, as_json)
        if parsed.problems:
            raise typer.Exit(EXIT_NO)

    run_with_orders(work)


def export() -> None:
    """Write the registry as CSV to stdout; no cell is a formula."""

    async def work(orders: OrderService) -> None:
        sys.stdout.write(registry.export((await orders.refresh()).speakers))

    run_with_orders(work)


def list_(
    category: Annotated[str | None, typer.Option(help=f"Only these: {', '.join(CATEGORIES)}.")] = None,
    as_json: Json = False,
) -> None:
    """List the protected speakers of the registry."""
    only = word("--category", category, CATEGORIES) if category else None

    async def work(orders: OrderService) -> None:
        speakers = (await orders.refresh()).speakers.values()
        ordered = sorted(speakers, key=lambda speaker: int(speaker.account))
        matches = [speaker for speaker in ordered if only in (None, speaker.category)]
        if as_json:
            for speaker in matches:
                answer = {name: getattr(speaker, name) for name in (*registry.COLUMNS, "actor", "reason", "at_ms")}
                print(json.dumps(answer, ensure_ascii=False))
            return
        if not matches:
            errors.print(f"the registry has no {only}" if only else "the registry is empty")
            return
        rows = [(row.account, row.category, row.name, row.basis, day_words(row.at_ms)) for row in matches]
        print_list(("account", "category", "name", "basis", "since"), rows)

    run_with_orders(work)


def remove(
    accounts: Annotated[list[str], typer.Argument(help="Account ids.", metavar="ACCOUNT...")],
    reason: Reason,
    dry_run: DryRun = False,
    actor: Actor = None,
    as_json: Json = False,
) -> None:
    """Remove accounts and their names from the registry."""
    try:
        ids = [account_of("account", written) for written in accounts]
    except BadCell as bad:
        raise cell_error(bad) from None

    async def work(orders: OrderService) -> None:
        fold = await orders.refresh()
        if missing := registry.plan_removal(ids, fold.speakers)[1]:
            raise CallerMistake(f"the registry does not contain {', '.join(missing)}", fix="hushtag speakers list")
        plan = await orders.change_registry(
            lambda fold: registry.plan_removal(ids, fold.speakers)[0],
            actor=actor_of(actor), reason=reason, dry_run=dry_run,
        )  # fmt: skip
        _print_plan(plan, dry_run, as_json)

    run_with_orders(work)


def _print_plan(plan: registry.RegistryPlan, dry_run: bool, as_json: bool) -> None:
    counts = {
        "added": len(plan.added), "changed": len(plan.changed), "removed": len(plan.removed),
        "unchanged": plan.unchanged,
    }  # fmt: skip
    if as_json:
        print(json.dumps(counts | {"dry_run": dry_run}))
    else:
        would = "would be " if dry_run else ""
        out.print(f"{would}{', '.join(f'{count:,} {name}' for name, count in counts.items())}")
