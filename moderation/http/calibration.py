"""Routes of calibration: labels in, the scale that they give, live and back.

Anyone who decides may label and look. A scale is for all countries and categories: it needs the permission `lead`
without limits, as a policy does.
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from moderation.access.access import GuardedRoute, needs, write_once
from moderation.access.answers import JsonReply
from moderation.access.blinding import reader_of
from moderation.access.bodies import IdempotencyKey
from moderation.access.problems import RefusedCall
from moderation.access.rights import check_rights
from moderation.access.services import services_of
from moderation.domain.calibration.answers import (
    CalibrationAnswer,
    LabelsAddedAnswer,
    ModelWrittenAnswer,
    calibration_answer,
    labels_answer,
)
from moderation.domain.calibration.drafts import LabelDraft
from moderation.http.calibration_bodies import (
    CalibrationApplyBody,
    CalibrationImpactBody,
    LabelsBody,
    ModelRollbackBody,
)
from moderation.http.policy import kept_since_ms
from moderation.http.policy_changes import job_answer
from moderation.http.policy_shapes import BacktestAnswer
from moderation.views.policies import live_record
from streams.log.policies import PolicyRecord
from streams.policy import Policy

router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply, tags=["calibration"])


@router.get("/calibration", openapi_extra=needs("decide"), response_model=CalibrationAnswer)
async def show_calibration(request: Request) -> Response:
    """Return the labels by language, category and person, and the scale that they give; nothing is written."""
    return JsonReply(calibration_answer(await services_of(request).calibration.preview()))


@router.post("/calibration/labels", openapi_extra=needs("decide"), response_model=LabelsAddedAnswer, status_code=201)
async def add_labels(request: Request, body: LabelsBody, idempotency_key: IdempotencyKey) -> Response:
    """Label texts. They are scored at once; only scores, language and a hash are kept."""
    sender = request.state.caller.writes_as  # one sender with many names is one voice

    async def work(_: str) -> LabelsAddedAnswer:
        drafts = [LabelDraft(**label.model_dump()) for label in body.items]
        return labels_answer(await services_of(request).calibration.book.add(drafts, actor=sender, reason=body.reason))

    return await write_once(request, idempotency_key, body.actor, work)


@router.post("/calibration/impacts", openapi_extra=needs("decide"), response_model=BacktestAnswer, status_code=202)
async def begin_calibration_impact(request: Request, body: CalibrationImpactBody) -> Response:
    """Begin to judge the kept evidence under the live scale and the fitted one; nothing is written.

    `GET /v1/policy/impacts/{id}` has its progress and its report.
    """
    since_ms = kept_since_ms(body.since)
    services = services_of(request)
    preview = await services.calibration.preview()
    live = Policy.from_canonical(live_record(await services.policy_topic()).policy)
    scales = preview.fit.scales(preview.labels.live.scorer)
    job = services.backtests.impact(live, live, since_ms, reader_of(request), scales=scales)
    return JsonReply(job_answer(job, None), 202)


@router.post("/calibration/apply", openapi_extra=needs("lead"), response_model=ModelWrittenAnswer, status_code=201)
async def apply_calibration(request: Request, body: CalibrationApplyBody, idempotency_key: IdempotencyKey) -> Response:
    """Put the fitted scale live: a model with the same weights, which all workers follow from one tick on."""

    async def work(actor: str) -> ModelWrittenAnswer:
        check_rights(request, country="*", category="")
        calibration = services_of(request).calibration
        await _refuse_other(request, body.if_live)
        await _refuse_other_scale(request, body.if_scale)
        record = await calibration.apply(
            actor=actor, reason=body.reason, if_live=body.if_live, if_scale=body.if_scale, one_person=body.one_person
        )
        return _written(record, body.if_live)

    return await write_once(request, idempotency_key, body.actor, work)


@router.post("/calibration/rollback", openapi_extra=needs("lead"), response_model=ModelWrittenAnswer, status_code=201)
async def rollback_calibration(request: Request, body: ModelRollbackBody, idempotency_key: IdempotencyKey) -> Response:
    """Put the model before the live one live again."""

    async def work(actor: str) -> ModelWrittenAnswer:
        check_rights(request, country="*", category="")
        await _refuse_other(request, body.if_live)
        record = await services_of(request).calibration.rollback(actor=actor, reason=body.reason, if_live=body.if_live)
        return _written(record, body.if_live)

    return await write_once(request, idempotency_key, body.actor, work)


async def _refuse_other(request: Request, if_live: str) -> None:
    """Refuse a write that was compared with another model than the live one (409)."""
    live = await services_of(request).calibration.book.live()
    if live.revision != if_live:
        raise RefusedCall(
            "stale",
            f"model {live.revision} is live, not {if_live}",
            "look at the labels and the live model again",
            version=live.revision,
            changed=[f"model {live.revision} went live"],
        )


async def _refuse_other_scale(request: Request, if_scale: str) -> None:
    """Refuse to put a scale live that the caller has not seen (409)."""
    scale = (await services_of(request).calibration.preview()).fit.revision
    if scale != if_scale:
        raise RefusedCall(
            "stale",
            f"the labels give scale {scale} now, not {if_scale}",
            "look at the scale and what it would change again",
            version=scale,
            changed=["labels were added or withdrawn"],
        )


def _written(record: PolicyRecord, before: str) -> ModelWrittenAnswer:
    return ModelWrittenAnswer(
        model=record.model_revision, before=before, policy=record.revision, from_tick_ms=record.from_tick_ms
    )
