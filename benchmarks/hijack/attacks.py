"""Attacks on a protest's hashtag, by timing and kind of attackers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from random import Random

from benchmarks.hijack.posts import END_MS, START_MS, TAG, Post, at, distinct, paraphrased
from devkit.simulation.texts import TextSource
from streams.constants import MINUTE_MS

BEFORE, AMONG, AFTER = "before", "among", "after"
TIMINGS = {BEFORE: (0, 1), AMONG: (1, 11), AFTER: (6, 8)}
"""Minutes in which the attackers write."""
PROTEST = (1, 11)
"""Minutes in which the protesters write."""
KINDS = {
    "young": "Accounts of five days write one of three texts.",
    "old": "Accounts of 400 days write one of three texts.",
    "paraphrased": "Accounts of five days move and change the words of these texts.",
    "disguised": "Accounts of 400 days do the same, so that nothing distinguishes them from other people.",
    "trickled": "Young attackers write over all ten minutes of the protest.",
    "several": "Young attackers attack four other hashtags at the same time.",
    "echoing": "As many other young accounts as attackers copy the protesters' texts.",
}
OTHER_TAGS = tuple(f"Other{number}" for number in range(4))
ESTABLISHED = 40
"""Established authors from which a hashtag must stay visible, if fewer than `HARMFUL` of them write harm."""
HARMFUL = 0.2
_YOUNG_DAYS, _OLD_DAYS = 5, 400
_PROTESTER, _ATTACKER, _ECHO = 10_000_000, 20_000_000, 30_000_000
"""First account id of each group."""


@dataclass(frozen=True, slots=True)
class Attack:
    """One attack on a protest."""

    protesters: int
    ratio: float
    """Attackers for each protester."""
    timing: str = AMONG
    kind: str = "young"
    harmful: int = 0
    """Protesters who write harm themselves."""
    seed: int = 0

    @property
    def attackers(self) -> int:
        """Number of attacking accounts."""
        return round(self.protesters * self.ratio)

    @property
    def minutes(self) -> tuple[int, int]:
        """Minutes between which the attackers write."""
        return TIMINGS[self.timing]

    @property
    def ends_ms(self) -> int:
        """End of the attackers' time."""
        return START_MS + self.minutes[1] * MINUTE_MS

    @property
    def without(self) -> Attack:
        """The same protest without attackers."""
        return Attack(self.protesters, 0.0, harmful=self.harmful, seed=self.seed)


def posts_of(attack: Attack, texts: TextSource) -> list[Post]:
    """Return the tweets of a protest and of an attack, by time; the protest does not depend on the attack."""
    protest = _protest(attack, texts)
    return sorted([*protest, *_attackers(attack, texts, [post.text for post in protest])])


def established_ms(attack: Attack, posts: Sequence[Post]) -> int:
    """Return when `ESTABLISHED` protesters have written; the end where there are fewer."""
    times = [post.at_ms for post in posts if _PROTESTER <= post.author < _PROTESTER + attack.protesters]
    return sorted(times)[ESTABLISHED - 1] if len(times) >= ESTABLISHED else END_MS


def _protest(attack: Attack, texts: TextSource) -> list[Post]:
    rng = Random(f"protest {attack.protesters} {attack.harmful} {attack.seed}")
    own = distinct(texts, "protest", rng, attack.protesters - attack.harmful)
    own += distinct(texts, "harmful", rng, attack.harmful)
    rng.shuffle(own)
    return [
        Post(at(rng, *PROTEST), _PROTESTER + number, 60 + rng.randrange(3_000), text) for number, text in enumerate(own)
    ]


def _attackers(attack: Attack, texts: TextSource, protest: Sequence[str]) -> Iterator[Post]:
    rng = Random(f"{attack}")
    masters = distinct(texts, "harmful", rng, 3)
    days = _OLD_DAYS if attack.kind in ("old", "disguised") else _YOUNG_DAYS
    tags = (TAG, *OTHER_TAGS) if attack.kind == "several" else (TAG,)
    for number in range(attack.attackers):
        text = rng.choice(masters)
        if attack.kind in ("paraphrased", "disguised"):
            text = paraphrased(text, rng)
        for tag in tags:
            yield Post(at(rng, *attack.minutes), _ATTACKER + number, days, text, tag)
        if attack.kind == "echoing":
            yield Post(at(rng, *attack.minutes), _ECHO + number, days, rng.choice(protest))


def attacks(
    protesters: Sequence[int], ratios: Sequence[float], kinds: Sequence[str], *, most_harm: bool, seeds: int = 1
) -> Iterator[Attack]:
    """List attacks of all timings; a trickled attack has one.

    Args:
        protesters: sizes of the protest.
        ratios: attackers for each protester.
        kinds: kinds of attackers.
        most_harm: whether as many protesters write harm as a hashtag may have that must stay visible; else 5%.
        seeds: repetitions with other texts and times.
    """
    for kind, timing, size, ratio, seed in product(kinds, TIMINGS, protesters, ratios, range(seeds)):
        if kind != "trickled" or timing == AMONG:
            harmful = -int(-size * HARMFUL // 1) - 1 if most_harm else round(size * 0.05)
            yield Attack(size, ratio, timing, kind, harmful, seed)
