"""Settled decisions of a log by key and tick, as the oracles compare them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from streams.log.decisions import Decision, ScopeDecision

SettledHistory = dict[tuple[str, str], list[tuple[int, tuple[ScopeDecision, ...]]]]
"""(hashtag, country) → (tick, decisions of all scopes) at each change."""


def settled_part(rulings: Sequence[ScopeDecision]) -> tuple[ScopeDecision, ...]:
    """Select the values that must equal the reference; clears expire without a record, so they are left out."""
    return tuple(one for one in rulings if not one.provisional and (one.action != "clear" or one.lapsed))


def history(decisions: Iterable[Decision]) -> SettledHistory:
    """Collect each key's settled rulings by tick: the greatest version of each tick, every change once."""
    best: dict[tuple[str, str, int], Decision] = {}
    for one in decisions:
        key = (one.hashtag, one.country, one.tick_ms)
        if one.tick_ms == one.settled_ms and (key not in best or one.version > best[key].version):
            best[key] = one
    found: SettledHistory = {}
    for (hashtag, country, tick_ms), one in sorted(best.items()):
        past = found.setdefault((hashtag, country), [(0, ())])
        if settled_part(one.rulings) != past[-1][1]:
            past.append((tick_ms, settled_part(one.rulings)))
    return {key: past[1:] for key, past in found.items() if len(past) > 1}
