"""Measures of one attack: seconds hidden, changes of state, and ranks compared with the same protest without it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from statistics import median

from hushtag_client.registers import WORLD

from benchmarks.hijack.attacks import PROTEST, Attack, established_ms, posts_of
from benchmarks.hijack.posts import COUNTRY, END_MS, START_MS, load
from benchmarks.hijack.viewing import STEP_MS, PublishedDecision, Sight, decisions_of, sights
from streams.actions import HIDING
from streams.constants import MINUTE_MS

CHANGES_MS = 10 * MINUTE_MS
"""Time in which changes of state are counted."""


@dataclass(frozen=True, slots=True)
class AttackOutcome:
    """Effects of an attack. Ranks are medians of a minute, since single ones follow chance."""

    attack: Attack
    settled_seconds: float
    """Seconds in which a settled decision hides the hashtag from viewers."""
    early_seconds: float
    """The same by early decisions."""
    discounted_seconds: float
    changes: int
    """Most changes of state in ten minutes, of the flag that viewers see or of one (category, surface)."""
    settled_later: float
    """Seconds of settled ticks that hide the hashtag although enough established authors have written."""
    early_later: float
    """Longest time without a break that early decisions do so."""
    rank: float
    """Rank in the protest's last minute."""
    rank_without: float
    """Rank then without the attack."""
    lost: float | None
    """Most places that the attack takes in a minute after enough established authors have written; None: too few do."""
    lost_unflagged: float | None
    """The same without any flag: the burst of an attack changes the velocity of the hashtag too."""
    gained: float | None
    """Most places that the attack gives in a minute."""

    @property
    def hidden_seconds(self) -> float:
        """Seconds in which the hashtag is hidden from viewers."""
        return self.settled_seconds + self.early_seconds


def measure(attack: Attack, texts: Path | None) -> AttackOutcome:
    """Replay an attack with the texts of a file, or the simulator's own, and measure what it reached."""
    posts = posts_of(attack, load(texts))
    decisions = decisions_of(posts)
    seen, since_ms = list(sights(posts, decisions)), established_ms(attack, posts)
    ranks, peace = _ranks_by_minute(seen), _ranks_by_minute(_in_peace(attack.without, texts))
    first, last = -(-(since_ms - START_MS) // MINUTE_MS), PROTEST[1] - 1
    lost = _losses(ranks[first:], peace[first:])
    unflagged = _losses(_ranks_by_minute(sights(posts, ()))[first:], peace[first:])
    return AttackOutcome(
        attack,
        settled_seconds=_seconds(sight.hidden and not sight.provisional for sight in seen),
        early_seconds=_seconds(sight.hidden and sight.provisional for sight in seen),
        discounted_seconds=_seconds(sight.action == "discount" for sight in seen),
        changes=most_changes(seen, decisions),
        settled_later=settled_seconds(decisions, since_ms),
        early_later=longest_early(seen, since_ms),
        rank=ranks[last],
        rank_without=peace[last],
        lost=max(lost, default=None),
        lost_unflagged=max(unflagged, default=None),
        gained=max((-places for places in lost), default=None),
    )


@lru_cache(64)
def _in_peace(attack: Attack, texts: Path | None) -> tuple[Sight, ...]:
    posts = posts_of(attack, load(texts))
    return tuple(sights(posts, decisions_of(posts)))


def _losses(ranks: Sequence[float], peace: Sequence[float]) -> list[float]:
    return [rank - before for rank, before in zip(ranks, peace, strict=True)]


def _ranks_by_minute(seen: Iterable[Sight]) -> list[float]:
    minutes: dict[int, list[int]] = {}
    for sight in seen:
        if sight.rank is not None and sight.at_ms < END_MS:
            minutes.setdefault((sight.at_ms - START_MS) // MINUTE_MS, []).append(sight.rank)
    return [median(ranks) for _, ranks in sorted(minutes.items())]


def _seconds(states: Iterable[bool]) -> float:
    return sum(states) * STEP_MS / 1000


def longest_early(seen: Iterable[Sight], since_ms: int) -> float:
    """Return the longest time, in seconds, for which early decisions hide the hashtag without a break."""
    longest = run = 0
    for sight in seen:
        run = run + STEP_MS if sight.hidden and sight.provisional and sight.at_ms >= since_ms else 0
        longest = max(longest, run)
    return longest / 1000


def settled_seconds(decisions: Sequence[PublishedDecision], since_ms: int) -> float:
    """Sum the time of the settled ticks from a moment on whose decisions hide the hashtag in its country."""
    most = 0
    for country in (COUNTRY, WORLD):
        own = [
            published.decision
            for published in decisions
            if published.decision.country == country and not published.decision.provisional
        ]
        ends_ms = [*(decision.tick_ms for decision in own), END_MS][1:]
        total = 0
        for decision, end_ms in zip(own, ends_ms, strict=False):
            hiding = (each.expires_at_ms for each in decision.rulings if each.action in HIDING and not each.provisional)
            total += max(0, min(end_ms, max(hiding, default=0)) - max(decision.tick_ms, since_ms))
        most = max(most, total)
    return most / 1000


def most_changes(seen: Sequence[Sight], decisions: Iterable[PublishedDecision]) -> int:
    """Count the most changes of state within ten minutes."""
    shown = [after.at_ms for before, after in pairwise(seen) if before.action != after.action]
    return max(_most_within(times) for times in (shown, *_scope_changes(decisions)))


def _scope_changes(decisions: Iterable[PublishedDecision]) -> Iterator[list[int]]:
    """Return the settled ticks at which each (country, category, surface) changes its action."""
    changes: dict[tuple[str, str, str], list[int]] = {}
    actions: dict[tuple[str, str, str], str] = {}
    for _, decision in decisions:
        if decision.provisional:
            continue
        now = {
            (decision.country, each.category, each.surface): each.action
            for each in decision.rulings
            if not each.provisional
        }
        for scope in {*now, *(scope for scope in actions if scope[0] == decision.country)}:
            action = now.get(scope, "clear")
            if action != actions.get(scope, "clear"):
                changes.setdefault(scope, []).append(decision.tick_ms)
            actions[scope] = action
    yield from changes.values()


def _most_within(times: Sequence[int]) -> int:
    return max((sum(at <= other < at + CHANGES_MS for other in times) for at in times), default=0)
