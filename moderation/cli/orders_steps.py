"""The commands that change an order's state, assign it or add a note."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, cast

import typer

from moderation.cli import orders_options as opt
from moderation.cli.options import Actor, Json, Reason, Wait
from moderation.cli.terminal import actor_of, end_option, errors, out, print_json, run_with_orders
from moderation.domain.orders.service import UNTIL_REVOKED, OrderService
from moderation.domain.orders.view import head_lines, order_view
from moderation.domain.publication import OrderPublishedAnswer, wait_order_published
from moderation.log.drafts import End
from streams.errors import EXIT_AWAY, CallerMistake
from streams.orders.order import Order
from streams.orders.records import Ground, OrderAmendmentVerdict, OrderRuling, OrderState, OrderStep
from streams.orders.states import GROUNDS_OF, PENDING_STATES
from streams.settings import load_settings


def step_command(to: OrderState, help: str, *, lasts: bool = False) -> Callable[..., None]:
    """Create the command that changes an order's state to `to`; with `lasts` it requires an end."""

    def run(
        order: str, reason: str, actor: str | None, version: str | None, wait: float, as_json: bool,
        end: End = UNTIL_REVOKED, ground: Ground = "other",
    ) -> None:  # fmt: skip
        async def work(orders: OrderService) -> None:
            await orders.refresh()
            legal_order = await orders.step(
                order,
                to,
                actor=actor_of(actor),
                reason=reason,
                end=end,
                ground=ground,
                expected=version,
            )
            shown = await publication(orders, wait)
            if as_json:
                answer = order_view(legal_order, orders.fold, orders.now_ms())
                print_json(answer, **shown.members() if shown else {})
            else:
                out.print(head_lines(legal_order, orders.fold, orders.now_ms())[0])
            finish_publication(legal_order, None if shown and to in PENDING_STATES else shown, as_json)

        run_with_orders(work)

    def command(
        order: opt.Order, reason: Reason, actor: Actor = None, if_version: opt.Version = None, wait: Wait = 5.0,
        as_json: Json = False,
    ) -> None:  # fmt: skip
        run(order, reason, actor, if_version, wait, as_json)

    def command_for_a_time(
        order: opt.Order,
        reason: Reason,
        for_: Annotated[str | None, typer.Option("--for", help="Duration: 24h, 7d.", metavar="DURATION")] = None,
        until: Annotated[str | None, typer.Option("--until", help="Or end, in ISO 8601.", metavar="TIME")] = None,
        actor: Actor = None,
        if_version: opt.Version = None,
        wait: Wait = 5.0,
        as_json: Json = False,
    ) -> None:
        if not for_ and not until:
            raise CallerMistake("an interim decision needs an end", fix="give --for or --until")
        run(order, reason, actor, if_version, wait, as_json, end_option(for_, until, "1d"))

    def command_with_ground(
        order: opt.Order, reason: Reason, ground: opt.GroundOption = "other", actor: Actor = None,
        if_version: opt.Version = None, wait: Wait = 5.0, as_json: Json = False,
    ) -> None:  # fmt: skip
        because = cast(Ground, opt.word("--ground", ground or "other", GROUNDS_OF["declined"]))
        run(order, reason, actor, if_version, wait, as_json, ground=because)

    chosen: Callable[..., None] = command_for_a_time if lasts else command
    if to == "declined":
        chosen = command_with_ground
    chosen.__doc__ = help
    return chosen


async def publication(orders: OrderService, wait_seconds: float) -> OrderPublishedAnswer | None:
    """Wait until surfaces show the last write; None if nothing was written."""
    if not orders.written:
        return None
    offset, record = orders.written[-1]
    dated = OrderStep | OrderRuling | OrderAmendmentVerdict
    recorded_ms = record.at_ms if isinstance(record, dated) else orders.now_ms()
    return await wait_order_published(
        load_settings(),
        offset,
        recorded_ms=recorded_ms,
        changes=orders.changes_surfaces(offset),
        wait_seconds=wait_seconds,
        clock=orders.now_ms,
    )


def finish_publication(order: Order, shown: OrderPublishedAnswer | None, as_json: bool) -> None:
    """Print when surfaces show the last write; None: nothing to print.

    Raises:
        typer.Exit: 1 if they do not show it yet.
    """
    if shown is None:
        return
    if not as_json:
        waits = {"unchanged": "surfaces change once the order is interim or final"}
        out.print(f"  {shown.words(**waits if order.state in PENDING_STATES else {})}")
    if shown.note:
        errors.print(f"{order.id} is recorded, but not published to the surfaces yet: {shown.note}", style="yellow")
        raise typer.Exit(EXIT_AWAY)


def assign(
    order: opt.Order, who: Annotated[str, typer.Argument(help='Name; "" unassigns the order.')], actor: Actor = None
) -> None:
    """Assign an order to a person."""
    _note(order, actor, assignee=who)


def note(
    order: opt.Order, text: Annotated[str, typer.Argument(help="Text; it is never published.")], actor: Actor = None
) -> None:
    """Add a note to an order; it is never published."""
    _note(order, actor, text=text)


def _note(order: str, actor: str | None, *, text: str = "", assignee: str | None = None) -> None:
    async def work(orders: OrderService) -> None:
        await orders.refresh()
        legal_order = await orders.note(order, actor=actor_of(actor), text=text, assignee=assignee)
        who = f"assigned to {legal_order.assignee}" if legal_order.assignee else "unassigned"
        out.print(f"{legal_order.id}: {who}, {len(legal_order.notes)} notes")

    run_with_orders(work)
