"""The editor of the policy: its text with line numbers, checked, tried and put live by the calls of the API."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request
from starlette.responses import Response

from moderation.access.access import needs
from moderation.access.keys import ALLOWED
from moderation.access.services import services_of
from moderation.console.render import page
from moderation.console.route import page_router
from moderation.views.policies import live_record, text_view

router = page_router()
REASONS = (
    "Too many hashtags without harm were hidden",
    "A campaign is missed at the present threshold",
    "Second looks disagree with the automated decisions",
    "A festival or an election needs more care",
    "Back to the values before a test",
)
"""Templates of the reason; free text goes, too."""


@router.get("/policy/edit", openapi_extra=needs("decide"))
async def edit_policy(
    request: Request, begin: Annotated[str, Query(alias="from", pattern=r"^[0-9a-f]{0,12}$")] = ""
) -> Response:
    """Show the editor with the live policy, or with an earlier one."""
    topic = await services_of(request).policy_topic()
    live = live_record(topic)
    revision = text_view(topic, begin or live.revision)
    return page(
        request,
        "policy_edit.html",
        live=live,
        revision=revision,
        draft=f"policy {begin or 'live'}",
        reasons=REASONS,
        leads=sorted(ALLOWED["lead"]),
        shards=services_of(request).policy_changes.shards,
        shadow=services_of(request).shadows.current,
    )
