"""Coverage of the kept evidence: scopes of a policy that it lacks signals or tags for, so that they need a replay."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import astuple

from streams.judging.key_state import Scope
from streams.log.evidence import EvidenceConditions
from streams.policy import Policy, Rule
from streams.policy.durations import spell_duration
from streams.signals.registry import BY_NAME

_CROWDED = "the evidence lacks hashtags that a crowded pane drops"
_UNSEEN = {
    "early_confidence": "early decisions are not predicted",
    "tail_floor": _CROWDED,
    "max_tags_per_pane": _CROWDED,
}
"""Keys that change what the evidence does not have."""


def unseen_changes(live: Policy, new: Policy) -> list[str]:
    """Describe the changes of keys that no evidence answers, one a line."""
    return [
        f"{key} {getattr(live, key)} → {getattr(new, key)}: {why}"
        for key, why in _UNSEEN.items()
        if getattr(live, key) != getattr(new, key)
    ]


def needs_replay(policy: Policy, kept: Iterable[EvidenceConditions]) -> dict[Scope, tuple[str, ...]]:
    """Return the scopes of a policy that the evidence does not cover, each with every reason."""
    conditions = sorted(kept, key=astuple)
    scaled = any(condition.scale for condition in conditions)
    uncovered: dict[Scope, tuple[str, ...]] = {}
    for category in policy.category_names:
        for surface in policy.surfaces:
            reasons = [
                reason
                for condition in conditions
                for rule in policy.rules(category, surface)
                for reason in (*_for_all(policy, condition, scaled=scaled), *_for_rule(policy, rule, condition))
            ]
            if reasons:
                uncovered[category, surface] = tuple(dict.fromkeys(reasons))
    return uncovered


def _for_all(policy: Policy, kept: EvidenceConditions, *, scaled: bool) -> Iterator[str]:
    if scaled and not kept.scale:
        yield "a part has mean probabilities of a scorer without a scale, not shares: use a later --since"
    if policy.score_floor != kept.score_floor:
        yield f"score_floor {policy.score_floor}: texts were scored from {kept.score_floor} authors on"
    if policy.evidence_floor < kept.evidence_floor:
        yield f"evidence_floor {policy.evidence_floor}: evidence was kept from {kept.evidence_floor} tweets on"
    shortest_ms = kept.windows_ms[0]
    if policy.windows_ms[0] != shortest_ms:
        yield (
            f"shortest window {spell_duration(policy.windows_ms[0])}: texts were chosen for scoring by one of "
            f"{spell_duration(shortest_ms)}"
        )
    yield from BY_NAME["young"].uncovered(policy, kept)  # no author with a young account is established
    if policy.harmless_below != kept.harmless_below:
        yield f"harmless_below {policy.harmless_below:g}: copied texts cost no standing below {kept.harmless_below:g}"


def _for_rule(policy: Policy, rule: Rule, kept: EvidenceConditions) -> Iterator[str]:
    for window_ms in rule.windows_ms:
        if window_ms not in kept.windows_ms:
            yield f"window {spell_duration(window_ms)} was not counted"
    for name in rule.corroboration.named:
        yield from BY_NAME[name].uncovered(policy, kept)
    if rule.hides:
        yield from _for_past(policy, rule, kept)


def _for_past(policy: Policy, rule: Rule, kept: EvidenceConditions) -> Iterator[str]:
    """Compare the pasts that were measured with those that can keep a rule from hiding a tag."""
    longest_ms = kept.windows_ms[-1]
    if policy.longest_window_ms != longest_ms:
        yield (
            f"longest window {spell_duration(policy.longest_window_ms)}: innocent pasts were measured over "
            f"{spell_duration(longest_ms)}"
        )
    if rule.suppress_at < kept.past_from and len(kept.windows_ms) > 1:
        yield f"suppress_at {rule.suppress_at:g}: innocent pasts were measured from {kept.past_from:g} on"
