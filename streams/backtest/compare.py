"""Two walks over one past, side by side: who would be hit, who would not, when, and for how long."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from streams.backtest.spells import Spell
from streams.counting.keys import Tags, country_of
from streams.judging.key_state import Scope

Spells = Mapping[tuple[int, Scope], Sequence[Spell]]
Kind = Literal["newly", "cleared", "earlier", "later", "longer", "shorter", "action"]
"""Only under the new policy; only under the live one; it begins at another tick; it stands for another time; only what
is done differs."""
KINDS: tuple[Kind, ...] = ("newly", "cleared", "earlier", "later", "longer", "shorter", "action")


class Side(msgspec.Struct, frozen=True):
    """What one policy does to a tag."""

    action: str
    """Of the first spell."""
    from_ms: int
    spells: int
    minutes: float
    authors: int
    tweets: int
    lower: float
    """Lower bound of the harmful share as it began."""
    upper: float
    threshold: float
    """`suppress_at`"""

    @property
    def margin(self) -> float:
        """How far the lower bound was over the threshold."""
        return self.lower - self.threshold


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A tag to which the two policies do not do the same. Where either hides it, only hiding is compared."""

    kind: Kind
    hashtag: str
    country: str
    category: str
    surfaces: tuple[str, ...]
    hidden: bool
    """Whether it is about hiding; else about `review` or `shadow`."""
    live: Side | None = None
    new: Side | None = None
    was_protected: bool = False
    """In the live policy's `never_suppress`, and not in the new one's."""

    @property
    def side(self) -> Side:
        """The new policy's where it has one."""
        found = self.new or self.live
        assert found is not None
        return found


class Total(msgspec.Struct, kw_only=True):
    """Sums of one category in one country; tag-minutes count on each surface."""

    category: str
    country: str
    changes: dict[str, int]
    hidden_minutes_live: float = 0.0
    hidden_minutes_new: float = 0.0
    flagged_minutes_live: float = 0.0
    """In any action, hiding or not."""
    flagged_minutes_new: float = 0.0


def compare(live: Spells, new: Spells, tags: Tags) -> list[Change]:
    """Every difference, the most minutes first; scopes that differ in their surface only are one."""
    merged: dict[Change, list[str]] = {}
    for key, scope in sorted({*live, *new}):
        change = _compare(key, scope, live.get((key, scope), ()), new.get((key, scope), ()), tags)
        if change is not None:
            merged.setdefault(change, []).append(scope[1])
    changes = [msgspec.structs.replace(change, surfaces=tuple(surfaces)) for change, surfaces in merged.items()]
    return sorted(changes, key=_order)


def _order(change: Change) -> tuple[object, ...]:
    minutes = abs((change.new.minutes if change.new else 0) - (change.live.minutes if change.live else 0))
    return (not change.hidden, KINDS.index(change.kind), -minutes, change.hashtag, change.country, change.category)


def _compare(key: int, scope: Scope, live: Sequence[Spell], new: Sequence[Spell], tags: Tags) -> Change | None:
    hidden = any(spell.hides for spell in (*live, *new))
    if hidden:
        live, new = [one for one in live if one.hides], [one for one in new if one.hides]
    before, after = side_of(live), side_of(new)
    kind = _kind(before, after, live, new)
    if kind is None:
        return None
    return Change(
        kind=kind,
        hashtag=tags.name(key),
        country=country_of(key),
        category=scope[0],
        surfaces=(),
        hidden=hidden,
        live=before,
        new=after,
    )


def _kind(before: Side | None, after: Side | None, live: Sequence[Spell], new: Sequence[Spell]) -> Kind | None:
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


def side_of(spells: Sequence[Spell]) -> Side | None:
    """Spells of one scope in order, in short."""
    if not spells:
        return None
    first = spells[0].ruling
    evidence = first.evidence
    assert evidence is not None, "what begins says why"
    return Side(
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


def totals(live: Spells, new: Spells, changes: Iterable[Change]) -> list[Total]:
    """Per category and country, where there is anything to tell."""
    found: dict[tuple[str, str], Total] = {}

    def total(category: str, country: str) -> Total:
        return found.setdefault((category, country), Total(category=category, country=country, changes={}))

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
