"""Changes that a decision makes, as receivers of notifications get them."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from moderation.outward.notify.changes import changes_of
from streams.log.decisions import (
    Decision,
    DecisionReason,
    Evidence,
    SampledAt,
    ScopeDecision,
    renewal_version,
    version_of,
)

TICK_MS = 50_000


def ruling(action: str, since_ms: int = TICK_MS, surface: str = "trends", **fields: Any) -> ScopeDecision:
    reasons = (DecisionReason("harmful_share_lower", 0.5, 0.4),)
    return ScopeDecision(
        category="abuse", surface=surface, action=action, since_ms=since_ms, expires_at_ms=0, reasons=reasons, **fields
    )


def decision(*rulings: ScopeDecision) -> Decision:
    return Decision(
        hashtag="हिन्दी", display="हिन्दी", country="IN", rulings=rulings, version=version_of(1, TICK_MS),
        tick_ms=TICK_MS, settled_ms=TICK_MS, decided_at_ms=51_000, policy_revision="p", model_revision="m",
    )  # fmt: skip


def kinds(*rulings: ScopeDecision) -> list[tuple[str, tuple[str, ...], bool]]:
    return [(change.kind, change.surfaces, change.provisional) for change in changes_of(decision(*rulings))]


def test_each_new_action_is_one_change() -> None:
    assert kinds(ruling("suppress"), ruling("suppress", surface="search")) == [
        ("suppressed", ("search", "trends"), False)
    ]
    assert kinds(ruling("hold", provisional=True)) == [("suppressed", ("trends",), True)]
    assert kinds(ruling("clear", provisional=True)) == [("withdrawn", ("trends",), True)]
    assert kinds(ruling("review", valve="new_suppressions_per_hour")) == [("past_a_valve", ("trends",), False)]
    assert kinds(ruling("discount"), ruling("discount", surface="search", provisional=True)) == [
        ("contested", ("trends",), False), ("contested", ("search",), True),
    ]  # fmt: skip


def test_what_goes_on_or_ends_is_no_change() -> None:
    older = ruling("suppress", 40_000), ruling("discount", 40_000)
    assert kinds(*older, ruling("clear"), ruling("review"), ruling("shadow")) == []
    fresh = decision(ruling("suppress"))
    assert list(changes_of(replace(fresh, version=renewal_version(fresh.version)))) == [], "a stopped shard renews"


def test_contested_change_has_least_weight() -> None:
    (change,) = changes_of(decision(ruling("discount", weight=0.5), ruling("discount", surface="search", weight=0.25)))
    assert change.weight == 0.25
    (change,) = changes_of(decision(ruling("suppress")))
    assert change.weight is None


def test_change_has_no_way_to_texts() -> None:
    evidence = Evidence(
        window_ms=1, tweets=9, authors=8, scored=8, share=0.6, lower=0.5, upper=0.7, sampled=("1",),
        sampled_at=(SampledAt(0, 7, "en"),), highest=("3",), highest_at=(SampledAt(0, 9, "en"),),
    )  # fmt: skip
    (change,) = changes_of(decision(ruling("suppress", evidence=evidence)))
    assert change.evidence == replace(evidence, sampled_at=(), highest=(), highest_at=())
