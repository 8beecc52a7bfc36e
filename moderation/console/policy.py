"""The policy: what is live and why, its thresholds on the hashtags of the last day, and every earlier revision."""

from __future__ import annotations

from copy import copy

from fastapi import Request
from markupsafe import Markup
from starlette.responses import Response

from moderation.access.access import needs
from moderation.access.blinding import hidden_hashtags_for
from moderation.access.services import present_ms, services_of
from moderation.console.policy_chart import survey_words, threshold_chart
from moderation.console.policy_words import (
    RuleRow,
    corroboration_words,
    rule_rows,
    share_words,
    windows_words,
)
from moderation.console.render import PageValues, page
from moderation.console.route import page_router
from moderation.domain.policies.backtests import BacktestJob
from moderation.views.policies import RevisionPath, live_record, text_view
from streams.actions import MODES
from streams.log.policies import PolicyRecord, PolicyTopic, WorkerReport
from streams.policy import Policy
from streams.policy_activation import workers_there

router = page_router()
HISTORY = 50
"""Revisions on the page; the API has all."""


@router.get("/policy", openapi_extra=needs("decide"))
async def show_policy(request: Request) -> Response:
    """Show the live policy."""
    topic = await services_of(request).policy_topic()
    live = live_record(topic)
    records = [record for _, record in reversed(topic.kept.values())]
    return page(
        request,
        "policy.html",
        live=live,
        history=records[:HISTORY],
        more=max(0, len(records) - HISTORY),
        workers=worker_words(topic, live, present_ms(request)),
        shadow=services_of(request).shadows.current,
        **await _thresholds(request, live),
    )


@router.get("/policy/thresholds", openapi_extra=needs("decide"))
async def show_thresholds(request: Request) -> Response:
    """Show the thresholds again, for a page that waits for the last day."""
    live = live_record(await services_of(request).policy_topic())
    return page(request, "policy_thresholds.html", **await _thresholds(request, live))


@router.get("/policy/revisions/{revision}", openapi_extra=needs("decide"))
async def show_revision(request: Request, revision: RevisionPath) -> Response:
    """Show one revision: who made it live and why, its text, and what a rollback to it would change."""
    topic = await services_of(request).policy_topic()
    return page(request, "policy_revision.html", revision=text_view(topic, revision), live=live_record(topic))


async def _thresholds(request: Request, live: PolicyRecord) -> PageValues:
    policy = Policy.from_canonical(live.policy)
    job = copy(services_of(request).backtests.survey(policy))  # it goes on meanwhile
    return thresholds(policy, job, is_blind=bool(await hidden_hashtags_for(request)))


def thresholds(policy: Policy, job: BacktestJob, *, is_blind: bool) -> PageValues:
    """Compute the values of the table of thresholds.

    Args:
        policy: policy of the table.
        job: survey of its rules.
        is_blind: whether the person who reads reviews a hashtag blind, whose state a small count would reveal.
    """
    from streams.backtest.survey import places_of_rules

    shown = job.report is not None and not is_blind
    surveys = {(survey.category, survey.rule): survey for survey in job.report.rules} if shown else {}

    def chart(row: RuleRow) -> Markup:
        return Markup(threshold_chart(row.rule, surveys.get((row.category, row.rule))))

    return {
        "rules": rule_rows(policy, places_of_rules(policy)),
        "chart": chart,
        "survey_of": lambda row: surveys.get((row.category, row.rule)),
        "survey_words": survey_words,
        "job": job,
        "is_blind": is_blind,
        "modes": MODES,
        "share": share_words,
        "corroboration": corroboration_words,
        "windows": windows_words,
        "protected": len(policy.never_suppress),
        "surfaces": policy.surfaces,
    }


def worker_words(topic: PolicyTopic, live: PolicyRecord, at_ms: int) -> list[str]:
    """Say which workers read the policy, and whose file is another one."""
    workers = workers_there(topic, at_ms)
    if not workers:
        return ["No worker has reported in the last 90 seconds: a change is written, and waits for one."]
    differ = [worker for worker in workers if not _follows(worker, live)]
    count = "1 worker reads it" if len(workers) == 1 else f"{len(workers)} workers read it"
    return [f"{count}.", *(f"{worker.worker} has another file: {worker.why or worker.verdict}" for worker in differ)]


def _follows(worker: WorkerReport, live: PolicyRecord) -> bool:
    if live.via == "topic" and worker.verdict == "behind":
        return True
    return worker.verdict == "same" and worker.revision == live.revision
