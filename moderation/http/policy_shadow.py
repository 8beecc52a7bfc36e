"""Routes of the shadow: a policy that judges live traffic beside the live one, and publishes nothing."""

from __future__ import annotations

import asyncio

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from moderation.access.access import GuardedRoute, needs, write_once
from moderation.access.answers import JsonReply
from moderation.access.bodies import IdempotencyKey
from moderation.access.problems import Fault, RefusedCall, http_words
from moderation.access.rights import check_rights
from moderation.access.services import present_ms, services_of
from moderation.domain.policies.shadow import ShadowRun
from moderation.http.policy_changes import checked_policy
from moderation.http.policy_shapes import ShadowAnswer, ShadowBody, ShadowStopBody
from moderation.log.drafts import duration_ms
from moderation.views.policy_reports import ReportReader, report_reader
from streams.constants import HOUR_MS

router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply, tags=["policy"])
LONGEST_SHADOW_MS = 24 * HOUR_MS


@router.get("/policy/shadow", openapi_extra=needs("decide"), response_model=ShadowAnswer)
async def show_shadow(request: Request) -> Response:
    """Return the policy in the shadow, or the last one, and where it differs from the live policy."""
    run, reader = services_of(request).shadows.current, await report_reader(request)
    return await asyncio.to_thread(lambda: JsonReply(shadow_answer(run, reader)))  # it may have thousands of hashtags


@router.post("/policy/shadow", openapi_extra=needs("lead"), response_model=ShadowAnswer, status_code=201)
async def begin_shadow(request: Request, body: ShadowBody, idempotency_key: IdempotencyKey) -> Response:
    """Judge live traffic under another policy for a while; one at a time, for everyone.

    It publishes nothing, is not recorded, and ends with the process of the API.
    """
    if duration_ms(body.lasts) > LONGEST_SHADOW_MS:
        raise RefusedCall(
            "mistake", "a shadow lasts at most 24h", "a shorter `lasts`", errors=[Fault("at most 24h", "#/lasts")]
        )

    async def work(actor: str) -> ShadowAnswer:
        check_rights(request, country="*", category="")
        policy = await checked_policy(request, body.policy)
        shadows = services_of(request).shadows
        if shadows.current is not None and shadows.current.runs:
            other = shadows.current
            words = f"{other.actor} has policy {other.policy.revision} in the shadow: {other.reason}"
            raise RefusedCall("stale", words, "wait for its end, or stop it first", version="", changed=[words])
        run = ShadowRun(
            policy,
            body.policy,
            actor,
            body.reason,
            began_ms=present_ms(request),
            lasts_ms=duration_ms(body.lasts),
        )
        shadows.begin(run)
        return shadow_answer(run, await report_reader(request))

    return await write_once(request, idempotency_key, body.actor, work)


@router.post("/policy/shadow/stop", openapi_extra=needs("lead"), response_model=ShadowAnswer, status_code=201)
async def stop_shadow(request: Request, body: ShadowStopBody, idempotency_key: IdempotencyKey) -> Response:
    """End the shadow before its time; its report stays."""

    async def work(actor: str) -> ShadowAnswer:
        check_rights(request, country="*", category="")
        shadows = services_of(request).shadows
        shadows.stop(actor)
        return shadow_answer(shadows.current, await report_reader(request))

    return await write_once(request, idempotency_key, body.actor, work)


def shadow_answer(run: ShadowRun | None, reader: ReportReader) -> ShadowAnswer:
    """Build the answer about a shadow as one person may read it."""
    report = run.report if run is not None else None
    return ShadowAnswer(
        state=run.state if run else None,
        revision=run.policy.revision if run else "",
        actor=run.actor if run else "",
        reason=run.reason if run else "",
        began_ms=run.began_ms if run else None,
        ends_at_ms=run.ends_at_ms if run else None,
        stopped_by=run.stopped_by if run else "",
        done=run.done if run else 0,
        total=run.total if run else 0,
        detail=http_words(str(run.error)) if run and run.error else "",
        to_ms=report.verdict.to_ms if report else None,
        now=reader.rows(report.now) if report else [],
        over_time=msgspec.to_builtins(report.over_time) if report and not reader.hidden_hashtags else [],
        report=reader.report(report.verdict) if report else None,
        blinded=sorted(reader.hidden_hashtags),
    )
