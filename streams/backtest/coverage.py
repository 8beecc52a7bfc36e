"""What the kept evidence cannot answer: signals that were measured under other conditions, tags that were not kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import astuple

from streams.judging.key_state import Scope
from streams.log.evidence import Conditions
from streams.policy import Policy, Rule
from streams.policy.durations import spell_duration


def needs_replay(policy: Policy, kept: Iterable[Conditions]) -> dict[Scope, tuple[str, ...]]:
    """Scopes of a policy that the evidence does not cover, each with every reason."""
    conditions = sorted(kept, key=astuple)
    scaled = any(one.scale for one in conditions)
    found: dict[Scope, tuple[str, ...]] = {}
    for category in policy.category_names:
        for surface in policy.surfaces:
            reasons = [
                reason
                for one in conditions
                for rule in policy.rules(category, surface)
                for reason in (*_for_all(policy, one, scaled=scaled), *_for_rule(policy, rule, one))
            ]
            if reasons:
                found[category, surface] = tuple(dict.fromkeys(reasons))
    return found


def _for_all(policy: Policy, kept: Conditions, *, scaled: bool) -> Iterator[str]:
    if scaled and not kept.scale:
        yield "a part is of mean probabilities (older version, scorer without a scale), not shares: ask since later"
    if policy.score_floor != kept.score_floor:
        yield f"score_floor {policy.score_floor}: texts were scored from {kept.score_floor} on"
    if policy.evidence_floor < kept.evidence_floor:
        yield f"evidence_floor {policy.evidence_floor}: tags were kept from {kept.evidence_floor} tweets on"
    shortest_ms = kept.windows_ms[0]
    if policy.windows_ms[0] != shortest_ms:
        yield (
            f"shortest window {spell_duration(policy.windows_ms[0])}: what was scored followed one of "
            f"{spell_duration(shortest_ms)}"
        )


def _for_rule(policy: Policy, rule: Rule, kept: Conditions) -> Iterator[str]:
    for window_ms in rule.windows_ms:
        if window_ms not in kept.windows_ms:
            yield f"window {spell_duration(window_ms)} was not counted"
    if rule.corroboration.young is not None and policy.young_days != kept.young_days:
        yield f"young_days {policy.young_days}: accounts were young up to {kept.young_days}"
    if rule.corroboration.links is not None and policy.links_revision != kept.links:
        yield "link_domains: the links were told apart by " + ("another list" if kept.links else "none")
    if rule.corroboration.successor is not None and not kept.successor:
        yield "successor: nobody asked which hidden tags the authors came from"
    if rule.corroboration.burst is None:
        return
    if policy.longest_window_ms != kept.windows_ms[-1]:
        yield (
            f"longest window {spell_duration(policy.longest_window_ms)}: a tag's past was measured over "
            f"{spell_duration(kept.windows_ms[-1])}"
        )
    if policy.burst_min_past != kept.burst_min_past:
        yield f"burst_min_past {policy.burst_min_past}: it was {kept.burst_min_past}"
