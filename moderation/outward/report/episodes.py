"""Derive episodes from decisions: the periods in which a category hid or discounted a hashtag in a country. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

from streams.actions import HIDING
from streams.log.decisions import Decision


@dataclass(frozen=True, slots=True)
class Episode:
    """An automated action of one kind, from its first decision to its end or to the end of the report."""

    hashtag: str
    country: str
    category: str
    from_ms: int
    to_ms: int

    @property
    def lasted_ms(self) -> int:
        """Duration of the episode in ms."""
        return self.to_ms - self.from_ms


def episodes(
    decisions: Iterable[Decision], from_ms: int, to_ms: int, actions: Container[str] = HIDING
) -> list[Episode]:
    """List the episodes that began within [from_ms, to_ms), by their beginning.

    Decisions of a key are applied once each, in the order of their versions. A renewal prolongs an episode; it ends
    with the next decision that does not include it, or when it expires.

    Args:
        decisions: in any order, also repeated.
        from_ms: start of the period, inclusive.
        to_ms: end of the period, exclusive.
        actions: kind of the episodes: one with any of these actions.
    """
    by_key: dict[tuple[str, str], dict[str, Decision]] = defaultdict(dict)
    for decision in decisions:
        by_key[decision.hashtag, decision.country][decision.version] = decision
    chosen = [
        episode
        for versions in by_key.values()
        for episode in _of_key([versions[version] for version in sorted(versions)], to_ms, actions)
        if from_ms <= episode.from_ms < to_ms
    ]
    return sorted(chosen, key=lambda episode: (episode.from_ms, episode.hashtag, episode.country, episode.category))


def _of_key(decisions: Sequence[Decision], end_ms: int, actions: Container[str]) -> list[Episode]:
    done: list[Episode] = []
    running: dict[str, tuple[int, int]] = {}
    for decision in decisions:
        at_ms = decision.decided_at_ms
        in_force: dict[str, int] = {}
        for ruling in decision.rulings:
            if ruling.action in actions:
                in_force[ruling.category] = max(ruling.expires_at_ms, in_force.get(ruling.category, 0))
        for category, (began_ms, expires_ms) in list(running.items()):
            if category not in in_force or expires_ms <= at_ms:
                ended_ms = max(began_ms, min(at_ms, expires_ms))
                done.append(Episode(decision.hashtag, decision.country, category, began_ms, ended_ms))
                del running[category]
        for category, expires_ms in in_force.items():
            running[category] = (running[category][0] if category in running else at_ms, expires_ms)
    last = decisions[-1] if decisions else None
    for category, (began_ms, expires_ms) in running.items():
        assert last is not None
        done.append(Episode(last.hashtag, last.country, category, began_ms, max(began_ms, min(expires_ms, end_ms))))
    return done
