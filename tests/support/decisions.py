"""Automated decisions for tests of folds and publishers."""

from __future__ import annotations

from streams.log.decisions import Action, Decision, ScopeDecision, version_of


def decision(
    version: int,
    *rulings: tuple[str, str, Action, int] | tuple[str, str, Action, int, float],
    tag: str = "tag",
    country: str = "*",
    at_ms: int = 0,
) -> Decision:
    """Build a decision; rulings are (category, surface, action, expires_at_ms), and the weight of a discount."""
    return Decision(
        hashtag=tag,
        display=tag.upper(),
        country=country,
        rulings=tuple(
            ScopeDecision(
                category=category,
                surface=surface,
                action=action,
                since_ms=at_ms,
                expires_at_ms=expires,
                weight=(weight or (1.0,))[0] if action == "discount" else None,
            )
            for category, surface, action, expires, *weight in rulings
        ),
        version=version_of(version, at_ms),
        tick_ms=at_ms,
        settled_ms=at_ms,
        decided_at_ms=at_ms,
        policy_revision="p",
        model_revision="m",
    )
