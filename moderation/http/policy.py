"""Routes of the policy: the live one, and what another would have changed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import msgspec
from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.fields import FieldInfo
from starlette.responses import Response

from moderation.access.access import GuardedRoute, needs
from moderation.access.answers import JsonReply
from moderation.access.bodies import Duration
from moderation.access.problems import Fault, RefusedCall
from moderation.access.services import services_of
from moderation.log.drafts import duration_ms
from moderation.views.policies import live_record
from moderation.views.policy_reports import ImpactAnswer, report_reader
from streams.answers import AnswerModel, JsonObject, Millis
from streams.errors import PolicyError
from streams.policy import Policy, PolicyFileError, parse_policy
from streams.policy.rules import RULE_FIELDS, Rule
from streams.policy.shape import Category

router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply, tags=["policy"])
LONGEST_IMPACT_MS = 7 * 86_400_000


class _RulePlace(AnswerModel):
    category: str
    surface: str
    country: str | None = Field(description="ISO 3166-1 alpha-2; null: everywhere else.")


def _rule_members() -> dict[str, tuple[Any, FieldInfo]]:
    """Return the members that hold a rule: one for each key, with the description of the policy's schema."""
    types, keys = get_type_hints(Rule), Category.model_fields
    return {field: (types[field], Field(description=keys[key].description)) for key, field in RULE_FIELDS.items()}


if TYPE_CHECKING:  # one member for each key of a rule
    ThresholdAnswer = _RulePlace
else:
    ThresholdAnswer = create_model(
        "ThresholdAnswer",
        __base__=_RulePlace,
        __module__=__name__,
        __doc__="Rule of a category on a surface; a country without an own row follows the row without country.",
        **_rule_members(),
    )


class PolicyAnswer(AnswerModel):
    """Live policy and the reason for it."""

    revision: str
    serial: int
    model_revision: str
    from_tick_ms: Millis
    proposed_at_ms: Millis
    proposed_by: str
    actor: str = Field(description="Empty for a file that was edited by hand.")
    reason: str
    changes: list[str] = Field(description="Differences from the policy before.")
    surfaces: list[str]
    categories: list[str]
    thresholds: list[ThresholdAnswer]
    policy: JsonObject = Field(description="The whole policy, in canonical form.")


class ImpactBody(BaseModel):
    """Policy to try on the past."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    policy: Annotated[str, Field(min_length=1, max_length=400_000, description="Policy file (YAML), as text.")]
    since: Annotated[Duration, Field(description="How far back to judge; at most 7d.")] = "24h"


@router.get("/policy", openapi_extra=needs("read"), response_model=PolicyAnswer)
async def live_policy(request: Request) -> Response:
    """Return the live policy: its revision, why it went live, and its thresholds."""
    record = live_record(await services_of(request).policy_topic())
    policy = Policy.from_canonical(record.policy)
    return JsonReply(
        PolicyAnswer(
            revision=record.revision,
            serial=record.serial,
            model_revision=record.model_revision,
            from_tick_ms=record.from_tick_ms,
            proposed_at_ms=record.proposed_at_ms,
            proposed_by=record.proposed_by,
            actor=record.actor,
            reason=record.reason,
            changes=list(record.changes),
            surfaces=list(policy.surfaces),
            categories=list(policy.category_names),
            thresholds=_thresholds(policy),
            policy=msgspec.json.decode(record.policy),
        )
    )


@router.post("/policy/impact", openapi_extra=needs("decide"), response_model=ImpactAnswer)
async def impact(request: Request, body: ImpactBody) -> Response:
    """Judge the kept evidence under the live policy and under another one; nothing is written.

    One such call runs at a time, and others wait.
    """
    since_ms = kept_since_ms(body.since)
    new = await asyncio.to_thread(parse_text, body.policy)  # a long one takes a second
    services = services_of(request)
    live = Policy.from_canonical(live_record(await services.policy_topic()).policy)
    report = await services.backtests.judge(live, new, since_ms)
    reader = await report_reader(request)  # who has claimed a blind case meanwhile reads less
    return await asyncio.to_thread(lambda: JsonReply(reader.report(report)))  # it may have thousands of hashtags


def kept_since_ms(since: str) -> int:
    """Parse how far back to judge; the evidence must be kept for as long."""
    since_ms = duration_ms(since)
    if since_ms > LONGEST_IMPACT_MS:
        raise RefusedCall(
            "mistake", "the evidence is kept for 7 days", "a shorter since", errors=[Fault("at most 7d", "#/since")]
        )
    return since_ms


def parse_text(text: str) -> Policy:
    """Parse a policy; every fault is reported, with its line."""
    try:
        return parse_policy(text.encode(), "policy")
    except PolicyFileError as error:
        faults = [Fault(f"{fault.place}: {fault.message}", "#/policy") for fault in error.problems]
        raise RefusedCall("mistake", str(error), error.fix, errors=faults) from None
    except PolicyError as error:
        raise RefusedCall("mistake", str(error), error.fix, errors=[Fault(str(error), "#/policy")]) from None


def _thresholds(policy: Policy) -> list[ThresholdAnswer]:
    """List the rules: the common one of each category and surface, and those of countries that differ from it."""
    thresholds = []
    for (category, surface, country), rule in sorted(policy.rule_table.items()):
        if country and rule == policy.rule_table[category, surface, ""]:
            continue
        members = {"category": category, "surface": surface, "country": country or None} | msgspec.to_builtins(rule)
        thresholds.append(ThresholdAnswer.model_validate(members))
    return thresholds
