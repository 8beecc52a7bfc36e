"""How reviews and appeals are shown: one JSON object each for programs. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from moderation.report.quality import Quality
from moderation.review.agreement import Agreement, FalsePositives, agreement, false_positives
from moderation.review.book import Appealed, Book, Progress, book_of
from moderation.review.desk import Done
from moderation.review.items import LOOKS, Item
from streams.flags.overrides import PeopleView, record_as_dict
from streams.orders.records import OrderRuling


def item_as_dict(item: Item, progress: Progress, now_ms: int) -> dict[str, Any]:
    """An item of the queue. What others said of an item of the sample is left out: it is blind."""
    plain = item.as_dict() | {"held_by": progress.holder(now_ms), "wanted": item.looks - len(progress.verdicts)}
    if item.kind != "second_look":
        plain["verdicts"] = [msgspec.to_builtins(one) for one in progress.verdicts]
    return plain


def appeal_as_dict(appealed: Appealed) -> dict[str, Any]:
    """An appeal and how it ended. Who decided on an order's targets is the legal team's to know, and not told here."""
    outcome = appealed.outcome
    plain: dict[str, Any] = msgspec.to_builtins(appealed.appeal)
    del plain["kind"], plain["number"], plain["deciders"]
    plain["against_order"] = bool(plain.pop("order"))
    return plain | {"outcome": None if outcome is None else _outcome(outcome.verdict, outcome.actor, outcome.reason)}


def done_as_dict(done: Done) -> dict[str, Any]:
    """What a verdict led to."""
    plain: dict[str, Any] = msgspec.to_builtins(done.record)
    effect: dict[str, Any] | None = None
    if isinstance(done.effect, OrderRuling):
        effect = {"action": done.effect.outcome, "order": done.effect.order, "target": done.effect.targets[0][0] + 1}
    elif done.effect is not None:
        effect = record_as_dict(done.effect)
    return plain | {"effect": effect, "also_lifts": list(done.also_lifts), "ended": done.ended}


def quality_of(people: PeopleView, from_ms: int, to_ms: int) -> Quality:
    """What the report says: second looks whose last verdict, and appeals whose outcome, fell in [from_ms, to_ms)."""
    book = book_of(people)
    given = [[one.verdict for one in looked] for looked in book.verdicts() if from_ms <= looked[-1].at_ms < to_ms]
    agreed, wrong = agreement(given), false_positives(given, looks=LOOKS)
    ended = [one.outcome for one in book.appeals.values() if one.outcome and from_ms <= one.outcome.at_ms < to_ms]
    return Quality(
        looked_at=wrong.looked_at,
        overturned=wrong.overturned,
        pairs=agreed.pairs,
        kappa=agreed.kappa,
        appeals=len(ended),
        appeals_reversed=sum(one.verdict == "overturn" for one in ended),
    )


def quality(book: Book) -> tuple[Agreement, FalsePositives]:
    """What the sample says: how reviewers agree, and how often they find a suppression wrong."""
    given = [[one.verdict for one in verdicts] for verdicts in book.verdicts()]
    return agreement(given), false_positives(given, looks=LOOKS)


def quality_as_dict(book: Book) -> dict[str, Any]:
    """The same as plain JSON."""
    agreed, wrong = quality(book)
    return {
        "pairs": agreed.pairs,
        "observed_agreement": agreed.observed,
        "kappa": agreed.kappa,
        "looked_at": wrong.looked_at,
        "overturned": wrong.overturned,
        "disputed": wrong.disputed,
        "false_positive_rate": wrong.rate,
    }


def _outcome(verdict: str, actor: str, reason: str) -> dict[str, str]:
    return {"verdict": verdict, "actor": actor, "reason": reason}
