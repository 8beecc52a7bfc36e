"""`hushtag orders`: what a legal team does with an order, from intake to the letter to the authority."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, cast

import typer

from moderation.drafts import country_of
from moderation.options import Actor, Json, Reason, Surfaces
from moderation.orders import options as opt
from moderation.orders.cli_steps import assign, note, step
from moderation.orders.desk import OrdersDesk
from moderation.orders.intake import Intake, parse_csv, parse_json
from moderation.orders.model import plan
from moderation.orders.options import word
from moderation.orders.reply import letter
from moderation.orders.select import Selection
from moderation.orders.view import (
    case_as_dict,
    head_lines,
    orders_table,
    plan_as_dict,
    plan_words,
    row_as_dict,
    rows_csv,
    rows_table,
    ruling_as_dict,
    ruling_words,
)
from moderation.shell import actor_of, at_desk, errors, named_surfaces, out, read_file, refuse_rows
from streams.clock import now_ms
from streams.errors import EXIT_NO, CallerMistake
from streams.orders.deadlines import open_cases
from streams.orders.records import (
    CATEGORIES,
    GROUNDS,
    OUTCOMES,
    STATES,
    TARGET_KINDS,
    Ground,
    Outcome,
    SpeakerCategory,
    TargetKind,
)
from streams.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        no_args_is_help=True, help="Legal orders: intake, decisions target by target, deadlines, reply."
    )
    group.command("intake")(intake)
    group.command("list")(list_)
    group.command("show")(show)
    group.command("acknowledge")(step("acknowledged", "Tell that the order has come: its clock runs on."))
    group.command("review")(step("under_review", "Begin to decide on its targets."))
    group.command("decide")(decide)
    group.command("interim")(step("interim", "Put the outcomes in force for a time.", lasts=True))
    group.command("final")(step("final", "Put the outcomes in force until revoked; every target must have one."))
    group.command("decline")(step("declined", "Decline the order as a whole; nothing of it is in force."))
    group.command("revoke")(step("revoked", "End what the order put in force, and nothing else."))
    group.command("assign")(assign)
    group.command("note")(note)
    group.command("export")(export)
    group.command("reply")(reply)
    app.add_typer(group, name="orders")


def intake(
    file: opt.Source,
    authority: Annotated[str, typer.Option(help="Who orders; where the file does not say.")] = "",
    country: Annotated[str, typer.Option(help="Its country, such as IN.")] = "",
    legal_basis: Annotated[str, typer.Option(help="The law it names.")] = "",
    reference: Annotated[str, typer.Option(help="Its reference.")] = "",
    issued: Annotated[str, typer.Option(help="When it was issued, ISO 8601.")] = "",
    received: Annotated[str, typer.Option(help="When it came.", show_default="now")] = "",
    deadline: Annotated[
        str, typer.Option(help="Until when, ISO 8601 (a date: its earliest end on earth); or +48h.")
    ] = "",
    confidential: Annotated[bool, typer.Option("--confidential", help="It may not be published.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Take nothing in if any row is bad.")] = False,
    dry_run: opt.DryRun = False,
    actor: Actor = None,
    as_json: Json = False,
) -> None:
    """Take orders in from CSV (a row for each target) or JSON; the same order twice is recognised.

    Columns: authority, country, legal_basis, reference, issued, received, deadline, confidential, kind, target, author.
    All but target may be left out and given as options. Bad rows are told with line and fix, and the rest is taken in;
    the exit code is then 3.
    """
    given = {
        "authority": authority,
        "country": country,
        "legal_basis": legal_basis,
        "reference": reference,
        "issued": issued,
        "received": received,
        "deadline": deadline,
        "confidential": "yes" if confidential else "",
    }
    read = _read(file, given)
    for line in read.notes:
        errors.print(line, style="yellow")
    if read.problems:
        refuse_rows(read.problems, as_json, strict=strict)
    if not read.drafts:
        raise CallerMistake(f"{file} names no target that can be used", fix="see hushtag orders intake --help")

    async def work(desk: OrdersDesk) -> None:
        cases = await desk.refresh()
        plans = [plan(draft, cases.cases, cases.speakers) for draft in read.drafts]
        if strict and (conflict := next((one for one in plans if one.why), None)):
            raise CallerMistake(f"{conflict.head.id}: {conflict.why}", fix="nothing was taken in (--strict)")
        if not dry_run:
            plans = await desk.take_in(read.drafts, actor=actor_of(actor))
        for one in plans:
            if as_json:
                print(json.dumps(plan_as_dict(one) | {"dry_run": dry_run}, ensure_ascii=False))
            else:
                out.print(("would be taken in: " if dry_run and one.added else "") + plan_words(one))
        if read.problems or any(one.fate == "conflict" for one in plans):
            raise typer.Exit(EXIT_NO)

    at_desk(work)


def list_(
    country: Annotated[str | None, typer.Option("--country", "-c", help="Only of this country.")] = None,
    state: Annotated[list[str] | None, typer.Option("--state", help=f"Only these: {', '.join(STATES)}.")] = None,
    only_open: Annotated[bool, typer.Option("--open", help="Only those on which a clock runs.")] = False,
    assignee: Annotated[str | None, typer.Option("--with", help="Only those that this person has.")] = None,
    as_json: Json = False,
) -> None:
    """List orders: those with a clock first, by what is due next."""
    where = country_of(country) if country else None
    states = [word("--state", one, STATES) for one in state or ()]

    async def work(desk: OrdersDesk) -> None:
        cases = await desk.refresh()
        running = open_cases(cases.cases.values())
        rest = [] if only_open else [case for case in cases.cases.values() if case.due_ms is None]
        found = [
            case
            for case in [*running, *reversed(rest)]
            if where in (None, case.order.country)
            and (not states or case.state in states)
            and assignee in (None, case.assignee)
        ]
        at_ms = now_ms()
        if as_json:
            for case in found:
                print(json.dumps(case_as_dict(case, cases, at_ms), ensure_ascii=False))
        elif found:
            out.print(orders_table(found, at_ms))
        else:
            errors.print("there are no such orders")

    at_desk(work)


def show(
    order: opt.Order,
    kind: opt.Kinds = None,
    target: opt.Targets = None,
    outcome: opt.Outcomes = None,
    undecided: opt.Undecided = False,
    waiting: opt.Waiting = False,
    protected: opt.Protected = None,
    speaker: opt.Categories = None,
    first: opt.First = 50,
    as_json: Json = False,
) -> None:
    """Show an order: what it says, its history, and its targets (the first 50, or by a filter)."""
    selection = _selection(kind, target, outcome, undecided, waiting, protected, speaker, None)

    async def work(desk: OrdersDesk) -> None:
        cases = await desk.refresh()
        case = desk.case(order)
        rows = selection.rows(case, cases)
        if as_json:
            print(json.dumps(case_as_dict(case, cases, now_ms()), ensure_ascii=False))
            for row in rows:
                print(json.dumps(row_as_dict(case, row, cases), ensure_ascii=False))
            return
        out.print("\n".join(head_lines(case, now_ms())))
        out.print(rows_table(case, rows[:first], cases))
        if first is not None and len(rows) > first:
            out.print(f"and {len(rows) - first:,} more: --first {len(rows)}, or hushtag orders export {order}")

    at_desk(work)


def decide(
    order: opt.Order,
    outcome: Annotated[str, typer.Argument(help=f"One of {', '.join(OUTCOMES)}.", metavar="OUTCOME")],
    reason: Reason,
    kind: opt.Kinds = None,
    target: opt.Targets = None,
    with_outcome: opt.Outcomes = None,
    undecided: opt.Undecided = False,
    waiting: opt.Waiting = False,
    protected: opt.Protected = None,
    speaker: opt.Categories = None,
    first: opt.First = None,
    everything: Annotated[bool, typer.Option("--all", help="Every target; one of the filters or this.")] = False,
    against_protected: Annotated[
        bool, typer.Option("--against-protected", help="Protected speakers are meant; two people must say so.")
    ] = False,
    ground: opt.GroundOption = None,
    surface: Surfaces = None,
    dry_run: opt.DryRun = False,
    actor: Actor = None,
    if_version: opt.Version = None,
    as_json: Json = False,
) -> None:
    """Decide on many targets at once, by a filter.

    The ladder: declined (with a ground), reduced (a hashtag leaves trends and suggestions in the order's country),
    withheld (an account or tweet is not shown in that country), suspended (an account, everywhere, under our own
    rules). What is decided is in force once the order is interim or final; a suspension at once.
    """
    because = cast(Ground, word("--ground", ground, GROUNDS)) if ground else None
    chosen = cast(Outcome, word("OUTCOME", outcome, OUTCOMES))
    selection = _selection(kind, target, with_outcome, undecided, waiting, protected, speaker, first)
    if selection == Selection() and not everything:
        raise CallerMistake("nothing says which targets are meant", fix="a filter such as --undecided, or --all")

    async def work(desk: OrdersDesk) -> None:
        await desk.refresh()
        decided = await desk.rule(
            order,
            selection,
            chosen,
            actor=actor_of(actor),
            reason=reason,
            ground=because,
            against_protected=against_protected,
            surfaces=named_surfaces(surface, load_settings()),
            expected=if_version,
            dry_run=dry_run,
        )
        if as_json:
            version = decided.case.version
            said = {"order": order, "version": version, "dry_run": dry_run} | ruling_as_dict(decided.plan)
            print(json.dumps(said))
        else:
            out.print(f"{order}: {ruling_words(decided.plan, dry_run=dry_run)}")

    at_desk(work)


def export(
    order: opt.Order,
    kind: opt.Kinds = None,
    outcome: opt.Outcomes = None,
    undecided: opt.Undecided = False,
    protected: opt.Protected = None,
) -> None:
    """Write an order's targets and their outcomes as CSV to stdout; no cell of it is a formula."""
    selection = _selection(kind, None, outcome, undecided, False, protected, None, None)

    async def work(desk: OrdersDesk) -> None:
        cases = await desk.refresh()
        case = desk.case(order)
        sys.stdout.write(rows_csv(case, selection.rows(case, cases), cases))

    at_desk(work)


def reply(
    order: opt.Order,
    to: Annotated[Path | None, typer.Option("--out", help="Write it there.", show_default="stdout")] = None,
    sender: Annotated[str, typer.Option("--sender", help="Who signs.")] = "The legal response team",
) -> None:
    """Write the letter to the authority: what was done, what was not and why."""

    async def work(desk: OrdersDesk) -> None:
        await desk.refresh()
        text = letter(desk.case(order), now_ms(), sender=sender)
        if to is None:
            sys.stdout.write(text)
        else:
            to.write_text(text, "utf-8")
            out.print(f"written to {to}")

    at_desk(work)


def _read(file: Path, given: dict[str, str]) -> Intake:
    data, name = read_file(file)
    parse: Callable[..., Intake] = parse_json if name.lower().endswith(".json") else parse_csv
    return parse(data, name, given, now_ms())


def _selection(
    kinds: Iterable[str] | None,
    targets: Iterable[str] | None,
    outcomes: Iterable[str] | None,
    undecided: bool,
    waiting: bool,
    protected: bool | None,
    speakers: Iterable[str] | None,
    first: int | None,
) -> Selection:
    return Selection(
        kinds=tuple(cast(TargetKind, word("--kind", one.removesuffix("s"), TARGET_KINDS)) for one in kinds or ()),
        targets=tuple(targets or ()),
        outcomes=tuple(cast(Outcome, word("--with", one, OUTCOMES)) for one in outcomes or ()),
        undecided=undecided,
        waiting=waiting,
        protected=protected,
        categories=tuple(cast(SpeakerCategory, word("--speaker", one, CATEGORIES)) for one in speakers or ()),
        first=first,
    )
