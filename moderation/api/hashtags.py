"""Routes of hashtags, statements, automated decisions and the audit log."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from moderation.api.access import GuardedRoute, may, needs
from moderation.api.answers import JsonReply
from moderation.api.bodies import CountryQuery, HashtagPath, LimitQuery
from moderation.api.services import services_of
from moderation.audit.rows import AuditFilter
from moderation.drafts import moment_ms
from moderation.statements.collect import active_restrictions, all_restrictions
from moderation.statements.text import statement_as_dict
from streams.explain.hashtag_report import decision_as_dict
from streams.naming import country_of, tag_of

router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply)


@router.get("/hashtags/{hashtag}", openapi_extra=needs("read"), tags=["hashtags"])
async def explain(request: Request, hashtag: HashtagPath, country: CountryQuery = None) -> dict[str, Any]:
    """Explain a hashtag: where it is shown or hidden, why, by whom, and its history."""
    where = country_of(country) if country is not None else None
    report, note = await services_of(request).report(tag_of(hashtag).hashtag, where)
    plain: dict[str, Any] = report.as_dict() | {"note": note}
    return plain if may(request, "orders") else _without_orders(plain)


@router.get("/hashtags/{hashtag}/statements", openapi_extra=needs("read"), tags=["hashtags"])
async def statements(
    request: Request, hashtag: HashtagPath, country: CountryQuery = None, history: bool = False
) -> dict[str, Any]:
    """Return the statement of reasons of every restriction of a hashtag."""
    where = country_of(country) if country is not None else None
    report, note = await services_of(request).report(tag_of(hashtag).hashtag, where)
    found = all_restrictions(report) if history else active_restrictions(report)
    items = [statement_as_dict(one) for one in found]
    return {"items": items if may(request, "orders") else _without_orders(items), "note": note}


@router.get("/decisions", openapi_extra=needs("read"), tags=["hashtags"])
async def decisions(
    request: Request, hashtag: str | None = None, country: CountryQuery = None, limit: LimitQuery = 100
) -> dict[str, Any]:
    """List the latest automated decision of each hashtag and country, newest first."""
    tag = tag_of(hashtag).hashtag if hashtag is not None else None
    where = country_of(country) if country is not None else None
    reviews = services_of(request).reviews
    await reviews.refresh()
    found = [
        one for one in reviews.automated.latest.values() if tag in (None, one.hashtag) and where in (None, one.country)
    ]
    found.sort(key=lambda one: (one.decided_at_ms, one.hashtag, one.country), reverse=True)
    return {"items": [decision_as_dict(one) for one in found[:limit]], "more": len(found) > limit}


@router.get("/audit", openapi_extra=needs("audit"), tags=["audit"])
async def audit(
    request: Request,
    kind: Annotated[str | None, Query(max_length=100)] = None,
    hashtag: str | None = None,
    actor: Annotated[str | None, Query(max_length=2000)] = None,
    country: CountryQuery = None,
    since: Annotated[str | None, Query(max_length=40, description="Logged at or after, ISO 8601.")] = None,
    until: Annotated[str | None, Query(max_length=40, description="Logged before, ISO 8601.")] = None,
    first: Annotated[int, Query(ge=0, lt=2**53, description="First entry: `next` of the previous page.")] = 0,
    limit: LimitQuery = 100,
) -> dict[str, Any]:
    """List entries of the audit log without verification; `hushtag audit verify` verifies it."""
    wanted = AuditFilter(
        kind=kind,
        target=tag_of(hashtag).hashtag if hashtag is not None else None,
        actor=actor,
        country=country_of(country) if country is not None else None,
        from_ms=moment_ms(since) if since is not None else None,
        to_ms=moment_ms(until) if until is not None else None,
    )
    rows, following = await services_of(request).audit_page(wanted, first, limit)
    return {"items": [row.as_dict() for row in rows], "next": following}


def _without_orders(plain: Any) -> Any:
    """Remove what only the legal team may know: who acted on a legal order, and why."""
    if isinstance(plain, list):
        return [_without_orders(one) for one in plain]
    if not isinstance(plain, dict):
        return plain
    hidden = {"actor": "", "reason": "", "evidence": {}} if plain.get("source") == "legal" else {}
    return {name: hidden[name] if value and name in hidden else _without_orders(value) for name, value in plain.items()}
