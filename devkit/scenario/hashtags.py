"""Hashtags of the story that the pipeline and people hold back, apart from the orders. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from moderation.log.drafts import OverrideDraft
from streams.constants import HOUR_MS
from streams.log.decisions import Decision, ScopeDecision, version_of
from streams.log.moderation import Verb
from streams.naming import tag_of

HATE, ABUSE, WORLD, ALLOWED, BLOCKED, CONTESTED = 14, 10, 5, 5, 7, 6
"""Numbers of hashtags: of two categories in India, of one everywhere, allowed before, blocked by people, contested."""
BOTH = 6
"""Number of hashtags that the pipeline holds back and a person blocks."""
UNDONE = "HeldForAMoment"
"""Hashtag that a person holds, and another one releases."""


def before(surfaces: tuple[str, ...], at_ms: int) -> list[OverrideDraft]:
    """Make people's decisions that come before the pipeline's: allowed hashtags are never hidden."""
    return [
        *(_draft(f"AllowedBefore{n}", "allow", surfaces, at_ms) for n in range(ALLOWED)),
        *(_draft(f"BlockedByPeople{n}", "block", surfaces, at_ms) for n in range(BLOCKED)),
        _draft(UNDONE, "hold", surfaces, at_ms),
    ]


def after(surfaces: tuple[str, ...], at_ms: int) -> list[OverrideDraft]:
    """Make people's blocks of hashtags that the pipeline held back before."""
    return [_draft(f"HateWave{n}", "block", surfaces, at_ms) for n in range(BOTH)]


def decisions(surfaces: tuple[str, ...], at_ms: int) -> list[Decision]:
    """Make the pipeline's decisions at a moment: first ones, a renewal of each, and the end of some."""
    records: list[Decision] = []
    for name, category, country, action in _flags():
        for number, moment_ms in enumerate((at_ms, at_ms + 2)):
            records.append(_decision(name, category, country, action, surfaces, moment_ms, number))
    records += [
        _decision(f"AbuseWave{n}", "abuse", "IN", "clear", surfaces, at_ms + 4, 2) for n in range(ABUSE // 2)
    ]  # fmt: skip
    return records


def _flags() -> Iterator[tuple[str, str, str, str]]:
    yield from ((f"HateWave{n}", "hateful_conduct", "IN", "suppress") for n in range(HATE))
    yield from ((f"AbuseWave{n}", "abuse", "IN", "hold") for n in range(ABUSE))
    yield from ((f"WorldWave{n}", "abuse", "*", "suppress") for n in range(WORLD))
    yield from ((f"AllowedBefore{n}", "abuse", "IN", "suppress") for n in range(ALLOWED))
    yield from ((f"Contested{n}", "hateful_conduct", "IN", "discount") for n in range(CONTESTED))


def _decision(
    name: str, category: str, country: str, action: str, surfaces: tuple[str, ...], at_ms: int, number: int
) -> Decision:
    return Decision(
        hashtag=tag_of(name).hashtag, display=name, country=country, version=version_of(number, at_ms), tick_ms=at_ms,
        settled_ms=at_ms, decided_at_ms=at_ms, policy_revision="scenario", model_revision="scenario",
        rulings=tuple(
            ScopeDecision(category=category, surface=surface, action=action, since_ms=at_ms,
                          expires_at_ms=0 if action == "clear" else at_ms + HOUR_MS,
                          weight=0.5 if action == "discount" else None)
            for surface in surfaces
        ),
    )  # fmt: skip


def _draft(name: str, action: Verb, surfaces: tuple[str, ...], at_ms: int) -> OverrideDraft:
    return OverrideDraft(
        tag=tag_of(name), action=action, country="IN", surfaces=surfaces, actor="moderator", reason="reviewed",
        expires_at_ms=at_ms + HOUR_MS,
    )  # fmt: skip
