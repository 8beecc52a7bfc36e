"""The policy in the shadow of the live one: who tries it and until when, and where it differs."""

from __future__ import annotations

from copy import copy

from fastapi import Request
from markupsafe import Markup
from starlette.responses import Response

from moderation.access.access import needs
from moderation.access.keys import ALLOWED
from moderation.access.services import services_of
from moderation.console.policy_chart import differences_chart
from moderation.console.policy_impact import report_values, rows_of
from moderation.console.render import PageValues, page
from moderation.console.route import page_router
from moderation.views.policy_reports import report_reader

router = page_router()


@router.get("/policy/shadow", openapi_extra=needs("decide"))
async def show_shadow(request: Request) -> Response:
    """Show the shadow, or the last one."""
    return page(request, "policy_shadow.html", **await _values(request))


@router.get("/policy/shadow/part", openapi_extra=needs("decide"))
async def show_shadow_part(request: Request) -> Response:
    """Show the differences again, while the shadow runs."""
    return page(request, "policy_shadow_part.html", **await _values(request))


async def _values(request: Request) -> PageValues:
    run = copy(services_of(request).shadows.current)  # its thread goes on
    values: PageValues = {"run": run, "leads": sorted(ALLOWED["lead"])}
    if run is None or (report := run.report) is None:
        return values
    reader = await report_reader(request)
    now = rows_of(report.now, reader)
    points = [] if reader.hidden_hashtags else report.over_time
    return (
        values
        | await report_values(request, report.verdict)
        | {
            "now_rows": now[:100],
            "now_changes": [row.change for row in now],
            "points": points,
            "chart": Markup(differences_chart(points)) if points else "",
        }
    )
