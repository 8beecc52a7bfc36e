"""Live texts of all pages by name: the badges of the navigation, and the notice of the stop button.

A badge is the length of the list that its page opens, from the same function.
"""

from __future__ import annotations

from collections.abc import Callable

from moderation.access.rights import Caller
from moderation.access.services import Services
from moderation.console.appeals import badge as appeals_badge
from moderation.console.orders import badge as orders_badge
from moderation.console.stop_notice import notice_texts

LiveText = Callable[[Services, Caller, str], dict[str, str]]
"""Texts by name, from what the services have read already, for a caller and the person who reads.

It is called once a second for each viewer.
"""


def _stop_notice(services: Services, caller: Caller, person: str) -> dict[str, str]:
    return notice_texts(services.moderation.view, services.moderation.now_ms())


TEXTS: list[LiveText] = [_stop_notice, orders_badge, appeals_badge]
"""Sources of live texts. The queue's own are in `stream`."""


def live_texts(services: Services, caller: Caller, person: str) -> dict[str, str]:
    """Return the live texts of the person who reads with the rights of a caller."""
    return {name: text for source in TEXTS for name, text in source(services, caller, person).items()}
