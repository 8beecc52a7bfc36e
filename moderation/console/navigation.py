"""Links between the pages, each with the permission that its page needs."""

from __future__ import annotations

from typing import NamedTuple

from moderation.access.keys import Permission


class PageLink(NamedTuple):
    """Link in the navigation."""

    name: str
    path: str
    permission: Permission
    badge: str = ""
    """Name of the live text with the length of the page's list; "" for none."""


LINKS = (
    PageLink("Queue", "/console/queue", "decide", "queue-count"),
    PageLink("Orders", "/console/orders", "orders", "orders-count"),
    PageLink("Appeals", "/console/appeals", "read", "appeals-count"),
    PageLink("Held now", "/console/held", "read"),
    PageLink("Stop button", "/console/stop", "read"),
    PageLink("Policy", "/console/policy", "decide"),
    PageLink("Calibration", "/console/calibration", "decide"),
    PageLink("Transparency", "/console/transparency", "audit"),
    PageLink("Audit", "/console/audit", "audit"),
    PageLink("People", "/console/people", "lead"),
)
