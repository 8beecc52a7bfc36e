"""Comparison of two policies on one past: the tags that either hits, from when, and for how long."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from streams.backtest.spells import Spell
from streams.counting.keys import Tags, country_of
from streams.judging.key_state import Scope

Spells = Mapping[tuple[int, Scope], Sequence[Spell]]
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
    """Lower bound of the harmful share at the start."""
    upper: float
    threshold: float
    """`suppress_at` of the rule."""

    @property
    def margin(self) -> float:
        """Distance of the lower bound from the threshold."""
        return self.lower - self.threshold


class PolicyChange(msgspec.Struct, frozen=True, kw_only=True):
    """A tag on which the two policies differ. Where either hides it, only hiding is compared."""

    kind: Kind
    hashtag: str
    country: str
    category: str
    surfaces: tuple[str, ...]
    hidden: bool
    """Whether either policy hides the tag; else the change is one of `review` or `shadow`."""
    live: PolicyOutcome | None = None
    new: PolicyOutcome | None = None
    was_protected: bool = False
    """Whether the tag is in the live policy's `never_suppress` and not in the new one's."""

    @property
    def side(self) -> PolicyOutcome:
        """Effect of the new policy, or of the live one where the new one has none."""
        found = self.new or self.live
        assert found is not None
        return found


class CategoryTotal(msgspec.Struct, kw_only=True):
    """Sums of one category in one country; tag-minutes count on each surface."""

    category: str
    country: str
    changes: dict[str, int]
    hidden_minutes_live: float = 0.0
    hidden_minutes_new: float = 0.0
    flagged_minutes_live: float = 0.0
    """Tag-minutes of any action, hiding or not."""
    flagged_minutes_new: float = 0.0


def compare(live: Spells, new: Spells, tags: Tags) -> list[PolicyChange]:
    """List every difference, most minutes first; scopes that differ only in their surface are merged."""
    merged: dict[PolicyChange, list[str]] = {}
    for key, scope in sorted({*live, *new}):
        change = _compare(key, scope, live.get((key, scope), ()), new.get((key, scope), ()), tags)
        if change is not None:
            merged.setdefault(change, []).append(scope[1])
    changes = [msgspec.structs.replace(change, surfaces=tuple(surfaces)) for change, surfaces in merged.items()]
    return sorted(changes, key=_order)


def _order(change: PolicyChange) -> tuple[object, ...]:
    minutes = abs((change.new.minutes if change.new else 0) - (change.live.minutes if change.live else 0))
    return (not change.hidden, KINDS.index(change.kind), -minutes, change.hashtag, change.country, change.category)


def _compare(key: int, scope: Scope, live: Sequence[Spell], new: Sequence[Spell], tags: Tags) -> PolicyChange | None:
    hidden = any(spell.hides for spell in (*live, *new))
    if hidden:
        live, new = [one for one in live if one.hides], [one for one in new if one.hides]
    before, after = side_of(live), side_of(new)
    kind = _kind(before, after, live, new)
    if kind is None:
        return None
    return PolicyChange(
        kind=kind,
        hashtag=tags.name(key),
        country=country_of(key),
        category=scope[0],
        surfaces=(),
        hidden=hidden,
        live=before,
        new=after,
    )


def _kind(
    before: PolicyOutcome | None, after: PolicyOutcome | None, live: Sequence[Spell], new: Sequence[Spell]
) -> Kind | None:
    if before is None or after is None:
        return None if before is after else "newly" if before is None else "cleared"
    if after.from_ms != before.from_ms:
        return "earlier" if after.from_ms < before.from_ms else "later"
    if after.minutes != before.minutes:
        return "longer" if after.minutes > before.minutes else "shorter"
    same = [(one.from_ms, one.to_ms, one.action) for one in live] == [
        (one.from_ms, one.to_ms, one.action) for one in new
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
        action=first.action,
        from_ms=spells[0].from_ms,
        spells=len(spells),
        minutes=sum(spell.minutes for spell in spells),
        authors=evidence.authors,
        tweets=evidence.tweets,
        lower=evidence.lower,
        upper=evidence.upper,
        threshold=first.reasons[0].threshold,
    )


def totals(live: Spells, new: Spells, changes: Iterable[PolicyChange]) -> list[CategoryTotal]:
    """Sum up by category and country; those without any spell are left out."""
    found: dict[tuple[str, str], CategoryTotal] = {}

    def total(category: str, country: str) -> CategoryTotal:
        return found.setdefault((category, country), CategoryTotal(category=category, country=country, changes={}))

    for name, spells in (("live", live), ("new", new)):
        for (key, (category, _)), of_scope in spells.items():
            one = total(category, country_of(key))
            flagged = sum(spell.minutes for spell in of_scope)
            hidden = sum(spell.minutes for spell in of_scope if spell.hides)
            if name == "live":
                one.flagged_minutes_live += flagged
                one.hidden_minutes_live += hidden
            else:
                one.flagged_minutes_new += flagged
                one.hidden_minutes_new += hidden
    for change in changes:
        counts = total(change.category, change.country).changes
        counts[change.kind] = counts.get(change.kind, 0) + 1
    return [found[at] for at in sorted(found)]
