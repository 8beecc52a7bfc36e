"""From decisions to what they amounted to: for how long which category hid a hashtag in a country. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from streams.log.decisions import HIDING, Decision


@dataclass(frozen=True, slots=True)
class Episode:
    """An automated suppression, from its first decision to its end, or to that of the report."""

    hashtag: str
    country: str
    category: str
    from_ms: int
    to_ms: int

    @property
    def lasted_ms(self) -> int:
        """How long it stood."""
        return self.to_ms - self.from_ms


def episodes(decisions: Iterable[Decision], from_ms: int, to_ms: int) -> list[Episode]:
    """The suppressions that began within [from_ms, to_ms), by their beginning.

    Decisions of a key are taken in the order of their versions, repeats once; what only renews a suppression prolongs
    it. A suppression ends with the next decision that does not have it, or when it runs out.
    """
    by_key: dict[tuple[str, str], dict[str, Decision]] = defaultdict(dict)
    for said in decisions:
        by_key[said.hashtag, said.country][said.version] = said
    found = [
        episode
        for versions in by_key.values()
        for episode in _of_key([versions[version] for version in sorted(versions)], to_ms)
        if from_ms <= episode.from_ms < to_ms
    ]
    return sorted(found, key=lambda one: (one.from_ms, one.hashtag, one.country, one.category))


def _of_key(decisions: Sequence[Decision], end_ms: int) -> list[Episode]:
    done: list[Episode] = []
    running: dict[str, tuple[int, int]] = {}
    for said in decisions:
        at_ms = said.decided_at_ms
        hiding: dict[str, int] = {}
        for ruling in said.rulings:
            if ruling.action in HIDING:
                hiding[ruling.category] = max(ruling.expires_at_ms, hiding.get(ruling.category, 0))
        for category, (began_ms, expires_ms) in list(running.items()):
            if category not in hiding or expires_ms <= at_ms:
                ended_ms = max(began_ms, min(at_ms, expires_ms))
                done.append(Episode(said.hashtag, said.country, category, began_ms, ended_ms))
                del running[category]
        for category, expires_ms in hiding.items():
            running[category] = (running[category][0] if category in running else at_ms, expires_ms)
    last = decisions[-1] if decisions else None
    for category, (began_ms, expires_ms) in running.items():
        assert last is not None
        done.append(Episode(last.hashtag, last.country, category, began_ms, max(began_ms, min(expires_ms, end_ms))))
    return done
