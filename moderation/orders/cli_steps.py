"""The commands that change an order's state, assign it or add a note."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, cast

import typer

from moderation.drafts import expiry_of
from moderation.options import Actor, Json, Reason
from moderation.orders import options as opt
from moderation.orders.service import OrderService
from moderation.orders.view import case_as_dict, head_lines
from moderation.terminal import actor_of, out, run_with_orders
from streams.clock import now_ms
from streams.errors import CallerMistake
from streams.orders.records import Ground, OrderState
from streams.orders.states import GROUNDS_OF


def step_command(to: OrderState, help: str, *, lasts: bool = False) -> Callable[..., None]:
    """Create the command that changes an order's state to `to`; with `lasts` it requires an end."""

    def run(
        order: str, reason: str, actor: str | None, version: str | None, as_json: bool, expires_at_ms: int = 0,
        ground: Ground = "other",
    ) -> None:  # fmt: skip
        async def work(orders: OrderService) -> None:
            await orders.refresh()
            case = await orders.step(
                order,
                to,
                actor=actor_of(actor),
                reason=reason,
                expires_at_ms=expires_at_ms,
                ground=ground,
                expected=version,
            )
            if as_json:
                print(json.dumps(case_as_dict(case, orders.cases, now_ms()), ensure_ascii=False))
            else:
                out.print(head_lines(case, now_ms())[0])

        run_with_orders(work)

    def command(
        order: opt.Order, reason: Reason, actor: Actor = None, if_version: opt.Version = None, as_json: Json = False
    ) -> None:
        run(order, reason, actor, if_version, as_json)

    def command_for_a_time(
        order: opt.Order,
        reason: Reason,
        for_: Annotated[str | None, typer.Option("--for", help="Duration: 24h, 7d.", metavar="DURATION")] = None,
        until: Annotated[str | None, typer.Option("--until", help="Or end, in ISO 8601.", metavar="TIME")] = None,
        actor: Actor = None,
        if_version: opt.Version = None,
        as_json: Json = False,
    ) -> None:
        if not for_ and not until:
            raise CallerMistake("an interim decision needs an end", fix="give --for or --until")
        run(order, reason, actor, if_version, as_json, expiry_of(for_, until, "1d", now_ms()))

    def command_with_ground(
        order: opt.Order, reason: Reason, ground: opt.GroundOption = "other", actor: Actor = None,
        if_version: opt.Version = None, as_json: Json = False,
    ) -> None:  # fmt: skip
        because = cast(Ground, opt.word("--ground", ground or "other", GROUNDS_OF["declined"]))
        run(order, reason, actor, if_version, as_json, ground=because)

    chosen: Callable[..., None] = command_for_a_time if lasts else command
    if to == "declined":
        chosen = command_with_ground
    chosen.__doc__ = help
    return chosen


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
        case = await orders.note(order, actor=actor_of(actor), text=text, assignee=assignee)
        who = f"assigned to {case.assignee}" if case.assignee else "unassigned"
        out.print(f"{case.id}: {who}, {len(case.notes)} notes")

    run_with_orders(work)
