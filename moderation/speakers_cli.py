"""`hushtag speakers`: the registry of protected speakers, in and out."""

from __future__ import annotations

import json
import sys
from typing import Annotated, cast

import typer
from rich.table import Table
from rich.text import Text

from moderation import speakers
from moderation.options import Actor, Json, Reason
from moderation.orders.desk import OrdersDesk
from moderation.orders.options import DryRun, Source
from moderation.shell import actor_of, at_desk, errors, out, read_file, refuse_rows
from moderation.tables import BadCell, account_of, one_of
from moderation.times import day_words
from streams.errors import EXIT_NO, CallerMistake
from streams.orders.records import CATEGORIES, SpeakerCategory


def register(app: typer.Typer) -> None:
    """Add the commands."""
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
        bool, typer.Option("--replace", help="Accounts that the file does not have leave the registry.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Take nothing in if any row is bad.")] = False,
    dry_run: DryRun = False,
    actor: Actor = None,
    as_json: Json = False,
) -> None:
    """Take a CSV file in: account, category, and if you like name and basis (why it is protected).

    Bad rows are told with line and fix, and the rest is taken in; the exit code is then 3.
    """
    data, name = read_file(file)
    parsed = speakers.parse(data, name)
    if parsed.problems:
        refuse_rows(parsed.problems, as_json, strict=strict)
        if replace:
            raise CallerMistake("with bad rows --replace would remove the wrong accounts", fix="correct them first")

    async def work(desk: OrdersDesk) -> None:
        plan = await desk.change_registry(
            lambda cases: speakers.plan(parsed.entries, cases.speakers, replace=replace),
            actor=actor_of(actor), reason=reason, dry_run=dry_run,
        )  # fmt: skip
        _tell(plan, dry_run, as_json)
        if parsed.problems:
            raise typer.Exit(EXIT_NO)

    at_desk(work)


def export() -> None:
    """Write the registry as CSV to stdout; no cell of it is a formula."""

    async def work(desk: OrdersDesk) -> None:
        sys.stdout.write(speakers.export((await desk.refresh()).speakers))

    at_desk(work)


def list_(
    category: Annotated[str | None, typer.Option(help=f"Only these: {', '.join(CATEGORIES)}.")] = None,
    as_json: Json = False,
) -> None:
    """List protected speakers."""
    wanted = _category(category) if category else None

    async def work(desk: OrdersDesk) -> None:
        known = (await desk.refresh()).speakers.values()
        found = sorted((one for one in known if wanted in (None, one.category)), key=lambda one: int(one.account))
        if as_json:
            for one in found:
                plain = {name: getattr(one, name) for name in speakers.COLUMNS}
                print(json.dumps(plain | {"actor": one.actor, "reason": one.reason, "at_ms": one.at_ms},
                                 ensure_ascii=False))  # fmt: skip
            return
        if not found:
            errors.print("the registry has no such account")
            return
        table = Table("account", "category", "name", "basis", "since", box=None, pad_edge=False, header_style="bold")
        for one in found:
            table.add_row(one.account, one.category, Text(one.name), Text(one.basis), day_words(one.at_ms))
        out.print(table)

    at_desk(work)


def remove(
    accounts: Annotated[list[str], typer.Argument(help="Account ids.", metavar="ACCOUNT...")],
    reason: Reason,
    dry_run: DryRun = False,
    actor: Actor = None,
    as_json: Json = False,
) -> None:
    """Take accounts out of the registry; their names are forgotten."""
    try:
        wanted = [account_of("account", written) for written in accounts]
    except BadCell as bad:
        raise CallerMistake(f"{bad.value!r}: {bad.problem}", fix=bad.fix) from None

    async def work(desk: OrdersDesk) -> None:
        cases = await desk.refresh()
        if missing := speakers.removal(wanted, cases.speakers)[1]:
            raise CallerMistake(f"not in the registry: {', '.join(missing)}", fix="hushtag speakers list")
        plan = await desk.change_registry(
            lambda cases: speakers.removal(wanted, cases.speakers)[0],
            actor=actor_of(actor), reason=reason, dry_run=dry_run,
        )  # fmt: skip
        _tell(plan, dry_run, as_json)

    at_desk(work)


def _tell(plan: speakers.Plan, dry_run: bool, as_json: bool) -> None:
    counts = {
        "added": len(plan.added), "changed": len(plan.changed), "removed": len(plan.removed),
        "unchanged": plan.unchanged,
    }  # fmt: skip
    if as_json:
        print(json.dumps(counts | {"dry_run": dry_run}))
    else:
        would = "would be " if dry_run else ""
        out.print(f"{would}{', '.join(f'{count:,} {name}' for name, count in counts.items())}")


def _category(written: str) -> SpeakerCategory:
    try:
        return cast(SpeakerCategory, one_of("--category", written, CATEGORIES))
    except BadCell as bad:
        raise CallerMistake(f"--category: {bad.value!r} is unknown", fix=bad.fix) from None
