"""Policies that are live, were live, or are tried."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Path, Request
from pydantic import Field

from moderation.access.blinding import reader_of
from moderation.access.problems import RefusedCall
from moderation.access.services import services_of
from moderation.domain.policies.backtests import BacktestJob
from streams.answers import AnswerModel, Millis
from streams.errors import CallerMistake
from streams.log.policies import PolicyRecord, PolicyTopic
from streams.policy import Policy
from streams.policy.diff import differences
from streams.policy_activation import earlier_policy, text_of


class PolicyRevisionAnswer(AnswerModel):
    """A policy that was live once, or is."""

    revision: str
    serial: int
    live: bool
    from_tick_ms: Millis
    proposed_at_ms: Millis
    proposed_by: str
    actor: str = Field(description="Empty for a file that was edited by hand.")
    reason: str
    changes: list[str] = Field(description="Differences from the policy before.")
    via: Literal["file", "topic"]


class PolicyTextAnswer(PolicyRevisionAnswer):
    """One revision with its text."""

    text: str = Field(description="The policy as its author wrote it.")
    canonical: bool = Field(description="True where the author's text was not kept.")
    differences: list[str] = Field(description="What would change if it went live again.")


def live_record(topic: PolicyTopic) -> PolicyRecord:
    """Return the record of the live policy.

    Raises:
        RefusedCall: no policy was ever live (404).
    """
    if topic.live is None:
        raise RefusedCall("not_found", "no policy was ever live here", "start a worker, which puts its policy live")
    return topic.live


RevisionPath = Annotated[str, Path(pattern=r"^[0-9a-f]{4,12}$", description="Revision, or its first digits.")]


def own_job(request: Request, job: str) -> BacktestJob:
    """Return a run that the caller began.

    Raises:
        RefusedCall: there is none: its result is no longer kept, or the API was started again (404).
    """
    run = services_of(request).backtests.find(job, reader_of(request))
    if run is None:
        raise RefusedCall("not_found", "this run is no longer kept", "begin it again: POST /v1/policy/impacts")
    return run


def earlier_record(topic: PolicyTopic, revision: str) -> PolicyRecord:
    """Return the record of one revision.

    Raises:
        RefusedCall: there is no such policy (404).
    """
    try:
        return earlier_policy(topic, revision)
    except CallerMistake as error:
        raise RefusedCall("not_found", str(error), error.fix) from None


def text_view(topic: PolicyTopic, revision: str) -> PolicyTextAnswer:
    """Build the answer about one policy with its text.

    Raises:
        RefusedCall: there is no such policy (404).
    """
    live, record = live_record(topic), earlier_record(topic, revision)
    return PolicyTextAnswer(
        **dict(revision_view(topic, record)),
        text=text_of(record),
        canonical=not record.text,
        differences=differences(Policy.from_canonical(live.policy), Policy.from_canonical(record.policy)),
    )


def revision_view(topic: PolicyTopic, record: PolicyRecord) -> PolicyRevisionAnswer:
    """Build the answer about one policy, without its text."""
    return PolicyRevisionAnswer(
        revision=record.revision,
        serial=record.serial,
        live=record.revision == live_record(topic).revision,
        from_tick_ms=record.from_tick_ms,
        proposed_at_ms=record.proposed_at_ms,
        proposed_by=record.proposed_by,
        actor=record.actor,
        reason=record.reason,
        changes=list(record.changes),
        via=record.via,
    )
