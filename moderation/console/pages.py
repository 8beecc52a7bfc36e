"""Routers of all pages."""

from __future__ import annotations

from moderation.console import (
    appeals,
    case,
    closed,
    finder,
    hashtag,
    held,
    orders,
    orders_letter,
    orders_new,
    orders_order,
    people,
    policy,
    policy_edit,
    policy_impact,
    policy_shadow,
    queue,
    queue_bulk,
    stop,
    stream,
    transparency,
)

ROUTERS = (
    appeals.router,
    case.router,
    closed.router,
    finder.router,
    hashtag.router,
    held.router,
    orders.router,
    orders_letter.router,
    orders_new.router,
    orders_order.router,
    people.router,
    policy.router,
    policy_edit.router,
    policy_impact.router,
    policy_shadow.router,
    queue.router,
    queue_bulk.router,
    stop.router,
    stream.router,
    transparency.router,
)
