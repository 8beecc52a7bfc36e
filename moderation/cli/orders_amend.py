"""`hushtag orders amend`: an authority's corrected list, proposed by one person and approved by a second."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from moderation.cli import orders_options as opt
from moderation.cli.options import Actor, Json, Reason, Wait
from moderation.cli.orders_steps import finish_publication, publication
from moderation.cli.terminal import actor_of, out, print_json, read_file, refuse_rows, run_with_orders
from moderation.domain.orders.amendment_plan import head_of, waiting_plan
from moderation.domain.orders.handles import Handles, handles_in
from moderation.domain.orders.intake import parse_targets
from moderation.domain.orders.intake_plan import OrderDraft
from moderation.domain.orders.intake_text import file_lines, targets_written
from moderation.domain.orders.service import OrderService
from moderation.domain.orders.view import order_view
from moderation.domain.tables import RowProblem, TableLine
from moderation.log.drafts import moment_ms
from moderation.outward.handle_resolver import resolve_handles
from streams.errors import CallerMistake
from streams.orders.order import Order
from streams.settings import load_settings

Rows = list[TableLine | RowProblem]
_DONE = {"approve": "approved", "refuse": "refused"}


def amend(
    order: opt.Order,
    reason: Reason,
    add: Annotated[
        Path | None, typer.Option("--add", help="File with targets to add: one a line, CSV or JSON.", metavar="FILE")
    ] = None,
    drop: Annotated[
        Path | None, typer.Option("--drop", help="File with targets that the authority drops.", metavar="FILE")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="New end of the outcomes, in ISO 8601.", metavar="TIME")
    ] = None,
    approve: Annotated[bool, typer.Option("--approve", help="Approve the amendment that waits.")] = False,
    refuse: Annotated[bool, typer.Option("--refuse", help="Refuse the amendment that waits.")] = False,
    dry_run: opt.DryRun = False,
    actor: Actor = None,
    if_version: opt.Version = None,
    wait: Wait = 5.0,
    as_json: Json = False,
) -> None:
    """Propose an authority's corrected list for an order; a second person approves it with --approve.

    Until then nothing changes. The restriction of a dropped target ends; added ones wait for an outcome. Any other
    change of the order withdraws the proposal. With --dry-run, --approve prints what it would change.
    """
    changes = bool(add or drop or until)
    if changes + approve + refuse != 1:
        raise CallerMistake(
            "give one of: a list (--add, --drop, --until), --approve, --refuse", fix="hushtag orders amend --help"
        )
    if changes:
        _propose(order, reason, add, drop, until, dry_run, actor, if_version, as_json)
    else:
        _answer(order, "approve" if approve else "refuse", reason, dry_run, actor, if_version, wait, as_json)


def _propose(
    order: str, reason: str, add: Path | None, drop: Path | None, until: str | None, dry_run: bool, actor: str | None,
    version: str | None, as_json: bool,
) -> None:  # fmt: skip
    added, dropped = _rows(add), targets_written(_rows(drop))
    expires_at_ms = moment_ms(until) if until else 0

    async def work(orders: OrderService) -> None:
        legal_order = await orders.find(order)
        plan = await orders.amend(
            order,
            await _draft(legal_order, added, orders.now_ms(), as_json),
            dropped,
            actor=actor_of(actor),
            reason=reason,
            expires_at_ms=expires_at_ms,
            expected=version,
            dry_run=dry_run,
        )
        if as_json:
            print(json.dumps({"order": order, "dry_run": dry_run} | plan.effect().members(), ensure_ascii=False))
            return
        out.print(f"{order}: {'would be proposed' if dry_run else 'proposed; a second person must approve it'}")
        out.print("\n".join(f"  {line}" for line in plan.lines(legal_order.received.country)))
        if not dry_run:
            out.print(f'  hushtag orders amend {order} --approve -r "..."')

    run_with_orders(work)


def _answer(
    order: str, verdict: Literal["approve", "refuse"], reason: str, dry_run: bool, actor: str | None,
    version: str | None, wait: float, as_json: bool,
) -> None:  # fmt: skip
    async def work(orders: OrderService) -> None:
        legal_order = await orders.find(order)
        plan = waiting_plan(legal_order, orders.fold, orders.now_ms())
        lines = plan.lines(legal_order.received.country) if plan is not None else []
        if dry_run:
            out.print("\n".join([f"{order}: would be {_DONE[verdict]}", *(f"  {line}" for line in lines)]))
            return
        legal_order = await orders.answer_amendment(
            order, verdict, actor=actor_of(actor), reason=reason, expected=version or legal_order.version
        )
        shown = await publication(orders, wait) if verdict == "approve" else None
        if as_json:
            answer = order_view(legal_order, orders.fold, orders.now_ms())
            print_json(answer, **shown.members() if shown else {})
        else:
            out.print("\n".join([f"{order}: the amendment is {_DONE[verdict]}", *(f"  {line}" for line in lines)]))
        finish_publication(legal_order, shown, as_json)

    run_with_orders(work)


def _rows(file: Path | None) -> Rows:
    return [] if file is None else list(file_lines(*read_file(file)))


async def _draft(order: Order, rows: Rows, at_ms: int, as_json: bool) -> OrderDraft:
    """Read the targets to add, with the accounts of their handles; one bad row refuses all."""
    settings, head = load_settings(), head_of(order)
    accounts = await resolve_handles(handles_in(rows, settings.profile_url), settings)
    parsed = await asyncio.to_thread(parse_targets, rows, head, at_ms, Handles(accounts, settings.profile_url))
    if parsed.problems:
        refuse_rows(parsed.problems, as_json, strict=False)
        raise CallerMistake(f"{len(parsed.problems):,} bad rows", fix="nothing was written; correct them")
    return next(iter(parsed.drafts), OrderDraft(head))
