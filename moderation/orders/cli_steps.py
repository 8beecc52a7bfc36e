"""The commands that move an order on, or say who has it: one shape for all steps of the state machine."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, cast

import typer

from moderation.drafts import expiry_of
from moderation.options import Actor, Json, Reason
from moderation.orders import options as opt
from moderation.orders.desk import OrdersDesk
from moderation.orders.options import word
from moderation.orders.view import case_as_dict, head_lines
from moderation.shell import actor_of, at_desk, out
from streams.clock import now_ms
from streams.errors import CallerMistake
from streams.orders.fold import Case
from streams.orders.records import Ground, State
from streams.orders.states import GROUNDS_OF


def step(to: State, told_as: str, *, lasts: bool = False) -> Callable[..., None]:
    """The command that makes an order `to`; with `lasts` it asks when that ends."""

    def run(
        order: str, reason: str, actor: str | None, version: str | None, as_json: bool, expires_at_ms: int = 0,
        ground: Ground = "other",
    ) -> None:  # fmt: skip
        async def work(desk: OrdersDesk) -> None:
            await desk.refresh()
            case = await desk.step(
                order,
                to,
                actor=actor_of(actor),
                reason=reason,
                expires_at_ms=expires_at_ms,
                ground=ground,
                expected=version,
            )
            if as_json:
                print(json.dumps(case_as_dict(case, desk.cases, now_ms()), ensure_ascii=False))
            else:
                out.print(head_lines(case, now_ms())[0])

        at_desk(work)

    def command(
        order: opt.Order, reason: Reason, actor: Actor = None, if_version: opt.Version = None, as_json: Json = False
    ) -> None:
        run(order, reason, actor, if_version, as_json)

    def command_for_a_time(
        order: opt.Order,
        reason: Reason,
        for_: Annotated[str | None, typer.Option("--for", help="How long: 24h, 7d.", metavar="DURATION")] = None,
        until: Annotated[str | None, typer.Option("--until", help="Or until when, ISO 8601.", metavar="TIME")] = None,
        actor: Actor = None,
        if_version: opt.Version = None,
        as_json: Json = False,
    ) -> None:
        if not for_ and not until:
            raise CallerMistake("an interim decision has an end of its own", fix="give --for or --until")
        run(order, reason, actor, if_version, as_json, expiry_of(for_, until, "1d", now_ms()))

    def command_with_ground(
        order: opt.Order, reason: Reason, ground: opt.GroundOption = "other", actor: Actor = None,
        if_version: opt.Version = None, as_json: Json = False,
    ) -> None:  # fmt: skip
        because = cast(Ground, word("--ground", ground or "other", GROUNDS_OF["declined"]))
        run(order, reason, actor, if_version, as_json, ground=because)

    chosen: Callable[..., None] = command_for_a_time if lasts else command
    if to == "declined":
        chosen = command_with_ground
    chosen.__doc__ = told_as
    return chosen


def assign(order: opt.Order, who: Annotated[str, typer.Argument(help='"" takes it from whoever has it.')],
           actor: Actor = None) -> None:  # fmt: skip
    """Say who takes care of an order from now on."""
    _noted(order, actor, assignee=who)


def note(
    order: opt.Order, text: Annotated[str, typer.Argument(help="Kept with the order.")], actor: Actor = None
) -> None:
    """Leave a note with an order; it is never published."""
    _noted(order, actor, text=text)


def _noted(order: str, actor: str | None, *, text: str = "", assignee: str | None = None) -> None:
    async def work(desk: OrdersDesk) -> None:
        await desk.refresh()
        case: Case = await desk.note(order, actor=actor_of(actor), text=text, assignee=assignee)
        who = f"with {case.assignee}" if case.assignee else "with nobody"
        out.print(f"{case.id}: {who}, {len(case.notes)} notes")

    at_desk(work)
