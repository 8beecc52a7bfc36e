"""Routes that check, try and change the policy: by the functions of `hushtag policy`, straight to the topic.

A change needs the permission `lead` without limits of country or category, because a policy is for all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from moderation.access.access import GuardedRoute, needs, write_once
from moderation.access.answers import JsonReply
from moderation.access.blinding import reader_of
from moderation.access.bodies import IdempotencyKey
from moderation.access.problems import Fault, RefusedCall, http_words
from moderation.access.rights import check_rights
from moderation.access.services import services_of
from moderation.domain.policies.backtests import BacktestJob
from moderation.domain.policies.changes import PolicyCheck
from moderation.http.policy import kept_since_ms
from moderation.http.policy_shapes import (
    BacktestAnswer,
    BacktestBody,
    PolicyChangeBody,
    PolicyCheckAnswer,
    PolicyCheckBody,
    PolicyFaultAnswer,
    PolicyHistoryAnswer,
    PolicyWrittenAnswer,
    RollbackBody,
)
from moderation.views.policies import (
    PolicyTextAnswer,
    RevisionPath,
    earlier_record,
    live_record,
    own_job,
    revision_view,
    text_view,
)
from moderation.views.policy_reports import ReportReader, report_reader
from streams.log.policies import PolicyRecord
from streams.policy import Policy, PolicyFileError, Problem
from streams.policy.errors import SHOWN_MAX
from streams.policy_activation import PolicyOvertaken

router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply, tags=["policy"])


@router.post("/policy/check", openapi_extra=needs("decide"), response_model=PolicyCheckAnswer)
async def check(request: Request, body: PolicyCheckBody) -> Response:
    """Check a policy's text and compare it with the live policy; nothing is written."""
    policy_check = await services_of(request).policy_changes.check(body.policy)
    live = live_record(await services_of(request).policy_topic())
    return JsonReply(check_answer(policy_check, live))


@router.post("/policy/impacts", openapi_extra=needs("decide"), response_model=BacktestAnswer, status_code=202)
async def begin_impact(request: Request, body: BacktestBody) -> Response:
    """Begin to judge the kept evidence under the live policy and under another one; nothing is written.

    A person has one at a time: a new one ends the one before.
    """
    since_ms = kept_since_ms(body.since)
    services = services_of(request)
    new = await checked_policy(request, body.policy)
    live = Policy.from_canonical(live_record(await services.policy_topic()).policy)
    job = services.backtests.impact(live, new, since_ms, reader_of(request))
    return JsonReply(job_answer(job, None), 202)


@router.get("/policy/impacts/{job}", openapi_extra=needs("decide"), response_model=BacktestAnswer)
async def show_impact(request: Request, job: Annotated[str, Path(max_length=40)]) -> Response:
    """Return the progress of a run that the caller began, and its report."""
    run, reader = own_job(request, job), await report_reader(request)
    return await asyncio.to_thread(lambda: JsonReply(job_answer(run, reader)))  # it may have thousands of hashtags


@router.get("/policy/history", openapi_extra=needs("read"), response_model=PolicyHistoryAnswer)
async def history(request: Request) -> Response:
    """List the policies that were live, the newest first."""
    topic = await services_of(request).policy_topic()
    return JsonReply(
        PolicyHistoryAnswer(items=[revision_view(topic, record) for _, record in reversed(topic.kept.values())])
    )


@router.get("/policy/history/{revision}", openapi_extra=needs("read"), response_model=PolicyTextAnswer)
async def show_revision(request: Request, revision: RevisionPath) -> Response:
    """Return one policy as its author wrote it."""
    topic = await services_of(request).policy_topic()
    return JsonReply(text_view(topic, revision))


@router.post("/policy/changes", openapi_extra=needs("lead"), response_model=PolicyWrittenAnswer, status_code=201)
async def change(request: Request, body: PolicyChangeBody, idempotency_key: IdempotencyKey) -> Response:
    """Put a policy live. Its serial is raised above the live one if needed; comments are kept."""

    async def work(actor: str) -> PolicyWrittenAnswer:
        check_rights(request, country="*", category="")
        changes = services_of(request).policy_changes
        return await _written(changes.propose(body.policy, if_live=body.if_live, actor=actor, reason=body.reason))

    return await write_once(request, idempotency_key, body.actor, work)


@router.post("/policy/rollback", openapi_extra=needs("lead"), response_model=PolicyWrittenAnswer, status_code=201)
async def rollback(request: Request, body: RollbackBody, idempotency_key: IdempotencyKey) -> Response:
    """Put an earlier policy live again: its text as it was, under a new serial."""

    async def work(actor: str) -> PolicyWrittenAnswer:
        check_rights(request, country="*", category="")
        services = services_of(request)
        revision = earlier_record(await services.policy_topic(), body.revision).revision
        return await _written(
            services.policy_changes.restore(revision, if_live=body.if_live, actor=actor, reason=body.reason)
        )

    return await write_once(request, idempotency_key, body.actor, work)


async def checked_policy(request: Request, text: str) -> Policy:
    """Parse a policy's text.

    Raises:
        RefusedCall: it has problems; every one is named with its line (422).
    """
    policy_check = await services_of(request).policy_changes.check(text)
    if policy_check.draft is None:
        raise faulty(policy_check.problems)
    return policy_check.draft.policy


def faulty(problems: tuple[Problem, ...]) -> RefusedCall:
    """Build the refusal of a text with problems."""
    first = problems[0]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return RefusedCall(
        "mistake",
        f"the policy cannot be used: line {first.line}: {first.message}{more}",
        "correct every entry of `errors`; POST /v1/policy/check shows the lines",
        errors=[Fault(f"line {fault.line}, column {fault.column}: {fault.message}", "#/policy") for fault in problems],
    )


def check_answer(policy_check: PolicyCheck, live: PolicyRecord) -> PolicyCheckAnswer:
    """Build the answer of a check."""
    draft = policy_check.draft
    return PolicyCheckAnswer(
        valid=draft is not None,
        problems=_faults(policy_check.problems[:SHOWN_MAX]),
        problem_count=len(policy_check.problems),
        warnings=_faults(policy_check.warnings[:SHOWN_MAX]),
        revision=draft.policy.revision if draft else None,
        serial=draft.policy.serial if draft else None,
        changes=list(draft.changes) if draft else [],
        restarts=list(policy_check.restarts),
        live_revision=live.revision,
        live_serial=live.serial,
    )


def _faults(problems: Iterable[Problem]) -> list[PolicyFaultAnswer]:
    return [
        PolicyFaultAnswer(**{name: getattr(problem, name) for name in PolicyFaultAnswer.model_fields})
        for problem in problems
    ]


def job_answer(job: BacktestJob, reader: ReportReader | None) -> BacktestAnswer:
    """Build the answer about a run."""
    return BacktestAnswer(
        id=job.id,
        revision=job.revision,
        state=job.state,
        done=job.done,
        total=job.total,
        detail=http_words(str(job.error)) if job.error else "",
        report=reader.report(job.report) if job.report is not None and job.state == "done" and reader else None,
    )


async def _written(work: Awaitable[tuple[PolicyRecord, int]]) -> PolicyWrittenAnswer:
    try:
        record, sequence = await work
    except PolicyOvertaken as error:
        raise overtaken(error) from None
    except PolicyFileError as error:
        raise faulty(error.problems) from None
    return PolicyWrittenAnswer(
        revision=record.revision,
        serial=record.serial,
        sequence=sequence,
        from_tick_ms=record.from_tick_ms,
        recorded_at_ms=record.proposed_at_ms,
        changes=list(record.changes),
    )


def overtaken(error: PolicyOvertaken) -> RefusedCall:
    """Build the refusal of a change that another one overtook: who changed what, and why."""
    live = error.live
    changed: list[str] = []
    if live is not None:
        changed = [f"{live.actor or live.proposed_by}: {live.reason or 'no reason given'}", *live.changes]
    return RefusedCall(
        "stale",
        str(error),
        "compare your change with the policy that is live now, then send it again if it is still wanted",
        version=live.revision if live is not None else "",
        changed=changed,
    )
