"""JSON of appeals and their results. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from moderation.domain.appeals.fold import AppealStatus
from moderation.domain.appeals.service import AppealResult
from streams.flags.overrides import record_as_dict
from streams.orders.records import OrderRuling


def appeal_as_dict(status: AppealStatus) -> dict[str, Any]:
    """Build the JSON of an appeal; only the legal team may know who decided on an order's targets."""
    answer: dict[str, Any] = msgspec.to_builtins(status.appeal)
    del answer["kind"], answer["number"], answer["deciders"]
    answer["against_order"] = bool(answer.pop("order"))
    if (outcome := status.outcome) is None:
        return answer | {"outcome": None}
    return answer | {"outcome": {"verdict": outcome.verdict, "actor": outcome.actor, "reason": outcome.reason}}


def result_as_dict(result: AppealResult) -> dict[str, Any]:
    """Build the JSON of the end of an appeal."""
    answer: dict[str, Any] = msgspec.to_builtins(result.record)
    effect: dict[str, Any] | None = None
    if isinstance(result.effect, OrderRuling):
        ruling = result.effect
        effect = {"action": ruling.outcome, "order": ruling.order, "target": ruling.targets[0][0] + 1}
    elif result.effect is not None:
        effect = record_as_dict(result.effect)
    return answer | {"effect": effect, "also_lifts": list(result.also_lifts), "ended": result.ended}
