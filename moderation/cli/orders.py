"""`hushtag orders`: the work of a legal team on an order, from intake to the letter to the authority."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated, cast

import typer

from moderation.cli import orders_options as opt
from moderation.cli.handles import resolve_on_terminal
from moderation.cli.options import Actor, Json, Reason, Surfaces, Wait
from moderation.cli.orders_amend import amend
from moderation.cli.orders_steps import assign, finish_publication, note, publication, step_command
from moderation.cli.terminal import (
    actor_of,
    errors,
    out,
    policy_names,
    print_json,
    read_file,
    refuse_rows,
    run_with_orders,
)
from moderation.domain.orders.handles import Handles, handles_in
from moderation.domain.orders.intake import csv_lines, json_lines, parse_lines
from moderation.domain.orders.intake_plan import plan_intake
from moderation.domain.orders.letter import SENDER, letter
from moderation.domain.orders.selection import Selection
from moderation.domain.orders.service import OrderService
from moderation.domain.orders.view import (
    ORDER_HEADERS,
    TARGET_HEADERS,
    head_lines,
    order_cells,
    order_view,
    plan_words,
    rows_csv,
    ruling_view,
    ruling_words,
    taken_order_view,
    target_cells,
    target_view,
)
from moderation.outward.handle_resolver import check_answered
from moderation.outward.replies import reply_view
from moderation.publiclog.proving import KafkaLog
from streams.cli.lists import print_list
from streams.cli.output import write_text
from streams.errors import EXIT_NO, CallerMistake
from streams.flags.publish_time import present_ms
from streams.naming import country_of
from streams.orders.order import due_place
from streams.orders.records import (
    GROUNDS,
    OUTCOMES,
    STATES,
    Ground,
    Outcome,
)
from streams.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the group `orders` to the command."""
    group = typer.Typer(no_args_is_help=True, help="Legal orders: intake, rulings on targets, deadlines, letter.")
    group.command("intake")(intake)
    group.command("list")(list_)
    group.command("show")(show)
    group.command("decide")(decide)
    group.command("acknowledge")(step_command("acknowledged", "Confirm to the authority that the order was received."))
    group.command("review")(step_command("under_review", "Begin to decide, target by target."))
    group.command("interim")(step_command("interim", "Put the outcomes in force for a limited time.", lasts=True))
    group.command("final")(step_command("final", "Put the outcomes in force until revoked; each target needs one."))
    group.command("decline")(step_command("declined", "Decline the order as a whole; no outcome of it is in force."))
    group.command("revoke")(step_command("revoked", "End the outcomes that the order put in force, and nothing else."))
    group.command("amend")(amend)
    group.command("assign")(assign)
    group.command("note")(note)
    group.command("export")(export)
    group.command("reply")(reply)
    app.add_typer(group, name="orders")


def intake(
    file: opt.Source,
    authority: Annotated[str, typer.Option(help="Authority that issued it, if the file does not name it.")] = "",
    country: Annotated[str, typer.Option(help="Country of the authority, such as IN.")] = "",
    legal_basis: Annotated[str, typer.Option(help="Law that it names.")] = "",
    reference: Annotated[str, typer.Option(help="Reference of the authority.")] = "",
    issued: Annotated[str, typer.Option(help="Time of issue: ISO 8601, or as the country writes dates.")] = "",
    received: Annotated[str, typer.Option(help="Time of receipt.", show_default="now")] = "",
    deadline: Annotated[
        str, typer.Option(help="Deadline in ISO 8601 (a date ends where it ends first on earth); or +48h.")
    ] = "",
    confidential: Annotated[bool, typer.Option("--confidential", help="It must not be published.")] = False,
    strict: opt.Strict = False,
    dry_run: opt.DryRun = False,
    actor: Actor = None,
    as_json: Json = False,
) -> None:
    """Take orders in from CSV (a row for each target) or JSON; an order that is taken in twice is recognised.

    Columns: authority, country, legal_basis, reference, issued, received, deadline, confidential, kind, target, author.
    All but target may be left out and given as options. Handles are resolved by HUSHTAG_HANDLE_RESOLVER. Bad rows and
    unresolved handles are reported with line and fix, and the others are taken in; the exit code is then 3.
    """
    order_fields = {
        "authority": authority,
        "country": country,
        "legal_basis": legal_basis,
        "reference": reference,
        "issued": issued,
        "received": received,
        "deadline": deadline,
        "confidential": "yes" if confidential else "",
    }
    data, name = read_file(file)
    settings, is_json = load_settings(), name.lower().endswith(".json")
    lines = list(json_lines(data, name) if is_json else csv_lines(data, name))
    resolved_handles = resolve_on_terminal(handles_in(lines, settings.profile_url), settings)
    at_ms = asyncio.run(present_ms(settings.redis_url))
    read = parse_lines(lines, order_fields, at_ms, Handles(resolved_handles, settings.profile_url))
    for line in read.notes:
        errors.print(line, style="yellow")
    if read.problems:
        refuse_rows(read.problems, as_json, strict=strict)
    if not read.drafts:
        check_answered(resolved_handles)
        raise CallerMistake(f"{file} names no target that can be used", fix="see hushtag orders intake --help")

    async def work(orders: OrderService) -> None:
        fold = await orders.refresh()
        plans = [plan_intake(draft, fold.by_id, fold.speakers) for draft in read.drafts]
        if strict and (conflict := next((plan for plan in plans if plan.why), None)):
            raise CallerMistake(f"{conflict.head.id}: {conflict.why}", fix="nothing was taken in (--strict)")
        if not dry_run:
            plans = await orders.take_in(read.drafts, actor=actor_of(actor))
        for plan in plans:
            if as_json:
                print_json(taken_order_view(plan), dry_run=dry_run)
            else:
                out.print(("would be taken in: " if dry_run and plan.added else "") + plan_words(plan))
        if read.problems or any(plan.fate == "conflict" for plan in plans):
            raise typer.Exit(EXIT_NO)

    run_with_orders(work)


def list_(
    country: Annotated[str | None, typer.Option("--country", "-c", help="Only this country.")] = None,
    state: Annotated[list[str] | None, typer.Option("--state", help=f"Only these: {', '.join(STATES)}.")] = None,
    only_open: Annotated[bool, typer.Option("--open", help="Only orders with a running clock.")] = False,
    assignee: Annotated[str | None, typer.Option("--with", help="Only orders assigned to this person.")] = None,
    as_json: Json = False,
) -> None:
    """List orders: those with a running clock first, by their next due time, then the last changed."""
    where = country_of(country) if country not in (None, "*") else None
    states = [opt.word("--state", word, STATES) for word in state or ()]

    async def work(orders: OrderService) -> None:
        fold = await orders.refresh()
        matches = [
            order
            for order in sorted(fold.by_id.values(), key=due_place)
            if not (only_open and order.due_ms is None)
            and where in (None, order.received.country)
            and (not states or order.state in states)
            and assignee in (None, order.assignee)
        ]
        at_ms = orders.now_ms()
        if as_json:
            for order in matches:
                print_json(order_view(order, fold, at_ms))
        elif matches:
            print_list(ORDER_HEADERS, [order_cells(order, at_ms) for order in matches])
        else:
            errors.print("there are no such orders")

    run_with_orders(work)


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
    """Show an order: its fields, its history, and its targets (the first 50, or by a filter)."""
    selection = opt.selection(kind, target, outcome, undecided, waiting, protected, speaker, None)

    async def work(orders: OrderService) -> None:
        fold = await orders.refresh()
        legal_order = orders.get(order)
        rows = selection.rows(legal_order, fold)
        if as_json:
            print_json(order_view(legal_order, fold, orders.now_ms()))
            for row in rows:
                print_json(target_view(legal_order, row, fold))
            return
        out.print("\n".join(head_lines(legal_order, fold, orders.now_ms())))
        print_list(TARGET_HEADERS, [target_cells(legal_order, row, fold) for row in rows[:first]], names=3)
        if first is not None and len(rows) > first:
            out.print(f"and {len(rows) - first:,} more: --first {len(rows)}, or hushtag orders export {order}")

    run_with_orders(work)


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
    everything: Annotated[bool, typer.Option("--all", help="Every target; required without a filter.")] = False,
    against_protected: Annotated[
        bool, typer.Option("--against-protected", help="Include protected speakers; two people must rule the same.")
    ] = False,
    ground: opt.GroundOption = None,
    surface: Surfaces = None,
    dry_run: opt.DryRun = False,
    actor: Actor = None,
    if_version: opt.Version = None,
    wait: Wait = 5.0,
    as_json: Json = False,
) -> None:
    """Rule on many targets at once, by a filter.

    Outcomes, mildest first: declined (with a ground); reduced (a hashtag leaves trends and suggestions in the order's
    country); withheld (an account or tweet is not shown in that country); suspended (an account, everywhere, under our
    own rules). Outcomes are in force once the order is interim or final; a suspension at once.
    """
    because = cast(Ground, opt.word("--ground", ground, GROUNDS)) if ground else None
    chosen = cast(Outcome, opt.word("OUTCOME", outcome, OUTCOMES))
    selection = opt.selection(kind, target, with_outcome, undecided, waiting, protected, speaker, first)
    if selection == Selection() and not everything:
        raise CallerMistake("no targets are selected", fix="a filter such as --undecided, or --all")
    surfaces = policy_names(load_settings()).select_surfaces(surface or ()) if chosen == "reduced" else ()

    async def work(orders: OrderService) -> None:
        await orders.refresh()
        ruling = await orders.rule(
            order,
            selection,
            chosen,
            actor=actor_of(actor),
            reason=reason,
            ground=because,
            against_protected=against_protected,
            surfaces=surfaces,
            expected=if_version,
            dry_run=dry_run,
        )
        shown = await publication(orders, wait)
        if as_json:
            answer = ruling_view(ruling.order, ruling.plan, dry_run=dry_run).members()
            del answer["left_out"]
            print(json.dumps(answer | (shown.members() if shown else {})))
        else:
            out.print(f"{order}: {ruling_words(ruling.plan, dry_run=dry_run)}")
        finish_publication(ruling.order, shown, as_json)

    run_with_orders(work)


def export(
    order: opt.Order,
    kind: opt.Kinds = None,
    outcome: opt.Outcomes = None,
    undecided: opt.Undecided = False,
    protected: opt.Protected = None,
) -> None:
    """Write an order's targets and their outcomes as CSV to stdout; no cell is a formula."""
    selection = opt.selection(kind, None, outcome, undecided, False, protected, None, None)

    async def work(orders: OrderService) -> None:
        legal_order = await orders.find(order)
        sys.stdout.write(rows_csv(legal_order, selection.rows(legal_order, orders.fold), orders.fold))

    run_with_orders(work)


def reply(
    order: opt.Order,
    to: Annotated[Path | None, typer.Option("--out", help="Write it to this file.", show_default="stdout")] = None,
    sender: Annotated[str, typer.Option("--sender", help="Signature.")] = SENDER,
    as_json: Json = False,
) -> None:
    """Write the letter to the authority: actions taken, actions declined, and the reasons.

    With --json it has the proof of the last step in the public log, for `hushtag proof verify`.
    """

    async def work(orders: OrderService) -> None:
        legal_order = await orders.find(order)
        text = letter(legal_order, orders.states(), sender=sender)
        if as_json:
            answer = await reply_view(KafkaLog(load_settings()), legal_order, text)
            text = json.dumps(answer.members(), ensure_ascii=False) + "\n"
        if to is None:
            sys.stdout.write(text)
        else:
            write_text(to, text, private=True)
            out.print(f"written to {to}")

    run_with_orders(work)
