"""Comparison of two policies on one past: the tags that either hits, from when, and for how long."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

from streams.backtest.spells import Spell
from streams.counting.keys import Tags, country_of
from streams.judging.key_state import Scope

Spells = Mapping[tuple[int, Scope], Sequence[Spell]]
Effect = Literal["hidden", "discounted", "flagged"]
"""Effect of an action on a tag: hidden, ranked by its established authors, or only noted (`review` or `shadow`)."""
EFFECTS: tuple[Effect, ...] = ("hidden", "discounted", "flagged")
Kind = Literal["newly", "cleared", "earlier", "later", "longer", "shorter", "action"]
"""Only under the new policy; only under the live one; from an earlier or a later tick; for a longer or a shorter time;
only by another action."""
KINDS: tuple[Kind, ...] = ("newly", "cleared", "earlier", "later", "longer", "shorter", "action")


class PolicyOutcome(msgspec.Struct, frozen=True):
    """Effect of one policy on a tag in a scope."""

    action: str
    """Action of the first spell."""
    from_ms: int
    spells: int
    minutes: float
    authors: int
    tweets: int
    lower: float
    """Lower bound of the harmful share at the start, among the authors that decided.

    Of a tag that was not assessed: the part of the sampled authors whose texts were read.
    """
    upper: float
    threshold: float
    """`suppress_at` of the rule, or `min_scored`."""
    weight: float | None = None
    """Weight at the start, of a contested tag."""
    established: int = 0
    """Established authors at the start."""

    @property
    def margin(self) -> float:
        """Distance of the lower bound from the threshold."""
        return self.lower - self.threshold


class PolicyChange(msgspec.Struct, frozen=True, kw_only=True):
    """A tag on which the two policies differ in one effect.

    Hiding and discounts are compared apart. Other actions are compared where neither policy hides or discounts the tag.
    """

    kind: Kind
    hashtag: str
    country: str
    category: str
    surfaces: tuple[str, ...]
    effect: Effect
    live: PolicyOutcome | None = None
    new: PolicyOutcome | None = None
    was_protected: bool = False
    """Whether the tag is in the live policy's `never_suppress` and not in the new one's."""

    @property
    def side(self) -> PolicyOutcome:
        """Effect of the new policy, or of the live one where the new one has none."""
        outcome = self.new or self.live
        assert outcome is not None
        return outcome


class _Difference(NamedTuple):
    kind: Kind
    effect: Effect
    live: PolicyOutcome | None
    new: PolicyOutcome | None


class EffectTotal(msgspec.Struct):
    """Hashtags on which a policy has one effect, each counted once, and their tag-minutes on each surface."""

    hashtags: int = 0
    minutes: float = 0.0


class CategoryTotal(msgspec.Struct, kw_only=True):
    """Sums of one category in one country, by effect; `flagged` has every action, also those that hide or weigh."""

    category: str
    country: str
    changes: dict[str, int]
    live: dict[Effect, EffectTotal]
    new: dict[Effect, EffectTotal]


def compare(live: Spells, new: Spells, tags: Tags) -> list[PolicyChange]:
    """List every difference, most minutes first; scopes that differ only in their surface are merged."""
    return _merged(live, new, tags, _differences)


def compare_moment(live: Spells, new: Spells, tags: Tags) -> list[PolicyChange]:
    """List the tags whose actions differ at one moment, each with the action of both policies.

    Args:
        live: by key and scope the only spell of the live policy that includes the moment.
        new: the same of the new policy.
        tags: names the hashtags of the keys.
    """
    return _merged(live, new, tags, _difference_now)


def _merged(
    live: Spells, new: Spells, tags: Tags, find: Callable[[Sequence[Spell], Sequence[Spell]], Iterable[_Difference]]
) -> list[PolicyChange]:
    merged: dict[PolicyChange, list[str]] = {}
    for key, scope in sorted({*live, *new}):
        for kind, effect, before, after in find(live.get((key, scope), ()), new.get((key, scope), ())):
            change = PolicyChange(
                kind=kind,
                hashtag=tags.name(key),
                country=country_of(key),
                category=scope[0],
                surfaces=(),
                effect=effect,
                live=before,
                new=after,
            )
            merged.setdefault(change, []).append(scope[1])
    changes = [msgspec.structs.replace(change, surfaces=tuple(surfaces)) for change, surfaces in merged.items()]
    return sorted(changes, key=_order)


def _order(change: PolicyChange) -> tuple[object, ...]:
    minutes = abs((change.new.minutes if change.new else 0) - (change.live.minutes if change.live else 0))
    kind = KINDS.index(change.kind)
    return EFFECTS.index(change.effect), kind, -minutes, change.hashtag, change.country, change.category


def _differences(live: Sequence[Spell], new: Sequence[Spell]) -> Iterator[_Difference]:
    effects = {effect_of(spell) for spell in (*live, *new)}
    for effect in sorted(effects - {"flagged"} or effects, key=EFFECTS.index):
        before, after = ([spell for spell in side if effect_of(spell) == effect] for side in (live, new))
        kind = _kind(before, after)
        if kind is not None:
            yield _Difference(kind, effect, side_of(before), side_of(after))


def _difference_now(live: Sequence[Spell], new: Sequence[Spell]) -> Iterator[_Difference]:
    before, after = ([*map(effect_of, side)] for side in (live, new))
    if [spell.action for spell in live] != [spell.action for spell in new]:
        effect = min(before + after, key=EFFECTS.index)
        kind: Kind = "action" if before == after else "newly" if effect in after else "cleared"
        yield _Difference(kind, effect, side_of(live), side_of(new))


def effect_of(spell: Spell) -> Effect:
    """Return the effect of a spell's action on its tag."""
    return "hidden" if spell.hides else "discounted" if spell.discounts else "flagged"


def _kind(live: Sequence[Spell], new: Sequence[Spell]) -> Kind | None:
    before, after = side_of(live), side_of(new)
    if before is None or after is None:
        return None if before is after else "newly" if before is None else "cleared"
    if after.from_ms != before.from_ms:
        return "earlier" if after.from_ms < before.from_ms else "later"
    if after.minutes != before.minutes:
        return "longer" if after.minutes > before.minutes else "shorter"
    same = [(spell.from_ms, spell.to_ms, spell.action) for spell in live] == [
        (spell.from_ms, spell.to_ms, spell.action) for spell in new
    ]
    return None if same else "action"


def side_of(spells: Sequence[Spell]) -> PolicyOutcome | None:
    """Summarise the spells of one scope, in order; None without a spell."""
    if not spells:
        return None
    first = spells[0].decision
    evidence = first.evidence
    assert evidence is not None, "an action begins with its evidence"
    return PolicyOutcome(
        action=spells[0].action,
        from_ms=spells[0].from_ms,
        spells=len(spells),
        minutes=sum(spell.minutes for spell in spells),
        authors=evidence.authors,
        tweets=evidence.tweets,
        lower=first.reasons[0].value,
        upper=evidence.upper,
        threshold=first.reasons[0].threshold,
        weight=first.weight,
        established=evidence.established,
    )


def totals(live: Spells, new: Spells, changes: Iterable[PolicyChange]) -> list[CategoryTotal]:
    """Sum up by category and country; those without any spell are left out."""
    before, after = _by_category(live), _by_category(new)
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for change in changes:
        of_kind = counts.setdefault((change.category, change.country), {})
        of_kind[change.kind] = of_kind.get(change.kind, 0) + 1
    return [
        CategoryTotal(
            category=at[0],
            country=at[1],
            changes=counts.get(at, {}),
            live=before.get(at) or _nothing(),
            new=after.get(at) or _nothing(),
        )
        for at in sorted(before.keys() | after.keys())
    ]


def _by_category(spells: Spells) -> dict[tuple[str, str], dict[Effect, EffectTotal]]:
    """Sum up the spells of one policy by category and country."""
    by_scope: dict[tuple[str, str], dict[Effect, EffectTotal]] = {}
    counted: set[tuple[int, str, Effect]] = set()
    for (key, (category, _)), of_scope in spells.items():
        total = by_scope.setdefault((category, country_of(key)), _nothing())
        for spell in of_scope:
            for effect in {effect_of(spell), EFFECTS[-1]}:
                total[effect].hashtags += (key, category, effect) not in counted
                total[effect].minutes += spell.minutes
                counted.add((key, category, effect))
    return by_scope


def _nothing() -> dict[Effect, EffectTotal]:
    return {effect: EffectTotal() for effect in EFFECTS}
