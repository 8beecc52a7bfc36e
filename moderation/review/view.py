"""JSON of review items, appeals, results and the quality of reviews. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from moderation.report.quality import ReviewQuality
from moderation.review.agreement import agreement, false_positives
from moderation.review.fold import AppealStatus, ItemProgress, ReviewFold, review_fold_of
from moderation.review.items import LOOKS, ReviewItem
from moderation.review.service import ReviewResult
from streams.flags.overrides import OverrideHistory, record_as_dict
from streams.orders.records import OrderRuling


def item_as_dict(item: ReviewItem, progress: ItemProgress, now_ms: int) -> dict[str, Any]:
    """Build the JSON of a queue item; a sampled item hides the verdicts of other reviewers."""
    plain = item.as_dict() | {"held_by": progress.holder(now_ms), "wanted": item.looks - len(progress.verdicts)}
    if item.kind != "second_look":
        plain["verdicts"] = [msgspec.to_builtins(one) for one in progress.verdicts]
    return plain


def appeal_as_dict(status: AppealStatus) -> dict[str, Any]:
    """Build the JSON of an appeal; only the legal team may know who decided on an order's targets."""
    plain: dict[str, Any] = msgspec.to_builtins(status.appeal)
    del plain["kind"], plain["number"], plain["deciders"]
    plain["against_order"] = bool(plain.pop("order"))
    if (outcome := status.outcome) is None:
        return plain | {"outcome": None}
    return plain | {"outcome": {"verdict": outcome.verdict, "actor": outcome.actor, "reason": outcome.reason}}


def result_as_dict(result: ReviewResult) -> dict[str, Any]:
    """Build the JSON of a verdict or of the end of an appeal."""
    plain: dict[str, Any] = msgspec.to_builtins(result.record)
    effect: dict[str, Any] | None = None
    if isinstance(result.effect, OrderRuling):
        ruling = result.effect
        effect = {"action": ruling.outcome, "order": ruling.order, "target": ruling.targets[0][0] + 1}
    elif result.effect is not None:
        effect = record_as_dict(result.effect)
    return plain | {"effect": effect, "also_lifts": list(result.also_lifts), "ended": result.ended}


def quality_of(history: OverrideHistory, from_ms: int, to_ms: int) -> ReviewQuality:
    """Compute the report's quality numbers for [from_ms, to_ms).

    A second look counts in the period of its last verdict, an appeal in that of its outcome.
    """
    fold = review_fold_of(history)
    given = [[one.verdict for one in looked] for looked in fold.verdicts() if from_ms <= looked[-1].at_ms < to_ms]
    agreed, wrong = agreement(given), false_positives(given, looks=LOOKS)
    ended = [one.outcome for one in fold.appeals.values() if one.outcome and from_ms <= one.outcome.at_ms < to_ms]
    return ReviewQuality(
        looked_at=wrong.looked_at,
        overturned=wrong.overturned,
        pairs=agreed.pairs,
        kappa=agreed.kappa,
        appeals=len(ended),
        appeals_reversed=sum(one.verdict == "overturn" for one in ended),
    )


def quality_as_dict(fold: ReviewFold) -> dict[str, Any]:
    """Build the JSON of reviewer agreement and the false-positive rate over the whole sample."""
    given = [[one.verdict for one in verdicts] for verdicts in fold.verdicts()]
    agreed, wrong = agreement(given), false_positives(given, looks=LOOKS)
    return {
        "pairs": agreed.pairs,
        "observed_agreement": agreed.observed,
        "kappa": agreed.kappa,
        "looked_at": wrong.looked_at,
        "overturned": wrong.overturned,
        "disputed": wrong.disputed,
        "false_positive_rate": wrong.rate,
    }
