"""One order: facts, targets, rulings, steps, second person, history."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

from moderation.access.access import needs
from moderation.access.blinding import hidden_hashtags_for, reader_of, refuse_while_blind
from moderation.access.bodies import OrderPath
from moderation.access.keys import ALLOWED
from moderation.access.rights import why_not_here
from moderation.access.services import Services, present_ms, services_of
from moderation.console import orders_words as words
from moderation.console.orders import order_line
from moderation.console.orders_filter import PAGE, TargetFilter
from moderation.console.orders_steps import now_words, restricting, step_choices, timeline
from moderation.console.orders_targets import kinds_of, target_lines, waiting_groups
from moderation.console.render import PageValues, page
from moderation.console.route import page_router
from moderation.console.words import listed
from moderation.domain.orders.amendment_plan import waiting_plan
from moderation.domain.orders.shown_outcomes import SHOWN_OUTCOMES
from moderation.domain.orders.view import rows_csv
from streams.orders.fold import OrderFold
from streams.orders.order import Order, TargetRow
from streams.orders.records import TARGET_KINDS, OrderAmendment
from streams.orders.speakers import same_person
from streams.orders.states import CLOSED_STATES, OUTCOMES_OF, RULING_STATES, state_label

router = page_router()


@router.get("/orders/{order}", openapi_extra=needs("orders"))
async def show_order(request: Request, order: OrderPath, filters: Annotated[TargetFilter, Depends()]) -> Response:
    """Show an order; its targets are left out while the person reviews a hashtag blind."""
    services = services_of(request)
    fold = await services.orders.refresh()
    legal_order, person, at_ms = services.orders.get(order), reader_of(request), present_ms(request)
    blind, limit = bool(await hidden_hashtags_for(request)), why_not_here(request, legal_order.received.country)
    return page(
        request,
        "orders_order.html",
        order=legal_order,
        line=order_line(legal_order, fold, at_ms),
        label=state_label,
        steps=step_choices(legal_order, fold, at_ms),
        state_now=now_words(legal_order, at_ms),
        history=timeline(legal_order),
        waiting=[] if blind else waiting_groups(legal_order, fold, person),
        may_confirm=listed(sorted(ALLOWED["orders"])),
        surfaces=(await services.names()).surfaces,
        blind=blind,
        limit=limit,
        amendment=None if blind else waiting_amendment(legal_order, fold, person, at_ms),
        amendable=not blind and not limit and legal_order.state not in CLOSED_STATES,
        **_common_words(legal_order, at_ms),
        **({} if blind else await _targets(services, legal_order, fold, filters)),
    )


@router.get("/orders/{order}/targets.csv", openapi_extra=needs("orders"))
async def export(request: Request, order: OrderPath, filters: Annotated[TargetFilter, Depends()]) -> Response:
    """Download the targets that match the filters as CSV; no cell is a formula."""
    await refuse_while_blind(request)
    orders = services_of(request).orders
    legal_order = await orders.find(order)
    rows = filters.rows(legal_order, orders.fold)
    return attachment(rows_csv(legal_order, rows, orders.fold), f"{order}.csv", "text/csv")


@dataclass(frozen=True, slots=True)
class AmendmentView:
    """Amendment that waits for a second person, with what it would change."""

    record: OrderAmendment
    lines: list[str]
    lists: list[tuple[str, list[str], int]]
    """Title, first names and number of the added and of the dropped targets."""
    is_own: bool
    """Whether the reader proposed it."""


def waiting_amendment(order: Order, fold: OrderFold, person: str, at_ms: int) -> AmendmentView | None:
    """Describe the amendment of an order that waits; None without one."""
    plan = waiting_plan(order, fold, at_ms)
    if plan is None or order.amendment is None:
        return None
    effect, record = plan.effect(), order.amendment.record
    lists = [
        ("Added targets", effect.added_targets, effect.added),
        ("Dropped targets", effect.dropped_targets, effect.dropped),
    ]
    return AmendmentView(record, plan.lines(order.received.country), lists, same_person(record.actor, person))


def attachment(text: str, name: str, kind: str) -> Response:
    """Answer with a text that the browser saves under a name."""
    return Response(text, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _common_words(order: Order, at_ms: int) -> PageValues:
    """Build the words that the template and the script share."""
    country = order.received.country
    kinds = tuple(kinds_of(order.rows))
    outcomes = words.outcomes_of(kinds)
    if order.state in CLOSED_STATES:
        outcomes = [outcome for outcome in outcomes if outcome == "declined"]
    return {
        "outcomes": [
            {
                "name": outcome,
                "verb": words.VERBS[outcome],
                "key": words.KEYS[outcome],
                "place": words.place_of(outcome, country),
                "effect": words.begins_words(outcome, order, at_ms),
                "kinds": [kind for kind in TARGET_KINDS if outcome in OUTCOMES_OF[kind]],
                "reasons": words.REASONS[outcome],
            }
            for outcome in outcomes
        ],
        "scripts": words.scripts_words,
        "grounds": words.GROUNDS,
        "speakers": words.SPEAKERS,
        "rulable": order.state in RULING_STATES
        or (
            order.state in CLOSED_STATES and any(row.ruling and row.ruling.outcome == "suspended" for row in order.rows)
        ),
        "restrictions": sum(many for _, _, many in restricting(order)),
    }


async def _targets(services: Services, order: Order, orders: OrderFold, filters: TargetFilter) -> PageValues:
    """Build one page of the targets that match the filters."""
    selected = filters.rows(order, orders)
    pages = max(1, -(-len(selected) // PAGE))
    number = min(filters.number, pages)
    rows = selected[(number - 1) * PAGE : number * PAGE]
    fold = services.moderation.view.fold
    states = services.orders.states({row.target.value for row in rows})
    body = filters.as_body()
    return {
        "targets": target_lines(order, rows, orders, fold, states, await _known(services, order, rows)),
        "filters": filters,
        "matching": {
            "count": len(selected),
            "first": (number - 1) * PAGE + 1,
            "last": (number - 1) * PAGE + len(rows),
            "page": number,
            "pages": pages,
            "body": None if body is None else json.dumps(body),
            "kinds": json.dumps(kinds_of(selected)),
            "protected": sum(orders.protected(row.target) is not None for row in selected),
        },
        "choices": {
            "kind": [(kind, f"{kind}s") for kind in TARGET_KINDS if kind in kinds_of(order.rows)],
            "outcome": [
                ("undecided", "without an outcome"), ("waiting", "waiting for a second person"),
                *((outcome, outcome) for outcome in SHOWN_OUTCOMES),
            ],
            "speaker": [("protected", "protected speakers"), ("others", "all others"), *words.SPEAKERS.items()],
        },
    }  # fmt: skip


async def _known(services: Services, order: Order, rows: Sequence[TargetRow]) -> set[str]:
    """Return every hashtag that the logs or the order name, if the page of targets has a hashtag."""
    if not any(row.target.kind == "hashtag" for row in rows):
        return set()
    await services.reviews.refresh()
    hashtags = {decision.hashtag for decision in services.reviews.automated.latest.values()}
    hashtags |= {record.hashtag for _, record in services.moderation.view.history}
    hashtags |= {row.target.value for row in order.rows if row.target.kind == "hashtag"}
    return hashtags - {"*"}
