"""Innocent hashtags of the twelve families, each with a sign that corroborates, and some with hecklers."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from devkit.crowds.accounts import newcomer, person
from devkit.crowds.posts import AuthorRole, CrowdPost
from devkit.crowds.texts import HECKLERS, SLOGANS, CrowdTexts, wordless
from streams.constants import MINUTE_MS

SIGNS = ("burst", "slogans", "young", "size")
"""Signs that corroborate, in turn: growth, shared texts, young accounts, or many authors."""
SILENT = ("mourning", "festival", "activism")
"""Families whose hashtags are also played with 50 to 90% of their authors without a word."""
_FEWEST, _MOST, _LARGE = 60, 160, (310, 380)
"""Authors of a hashtag, and of one whose sign is its size."""
_PAST_AUTHORS = 60
"""Authors before a burst, over `_PAST_MINUTES`."""
_PAST_MINUTES, _MINUTES = (0, 20), (20, 26)
LENGTH_MS = 28 * MINUTE_MS
_EVERY_HECKLED = 3
_PLACES = 10_000
"""Ids of accounts for each hashtag."""


@dataclass(frozen=True, slots=True)
class InnocentTag:
    """An innocent hashtag. Its posts depend on these values alone."""

    family: str
    number: int
    silent: bool = False

    @property
    def hashtag(self) -> str:
        """Name of the hashtag."""
        return f"{self.family.replace('_', '')}{'silent' if self.silent else 'said'}{self.number}"

    @property
    def sign(self) -> str:
        """Sign of this hashtag, one of `SIGNS`."""
        return SIGNS[self.number % len(SIGNS)]

    @property
    def heckled(self) -> float:
        """Part of its authors that are hecklers."""
        dice = Random(f"heckled {self.hashtag}")
        return 0.05 + 0.15 * dice.random() if self.number // len(SIGNS) % _EVERY_HECKLED == 0 else 0.0


def posts_of(tag: InnocentTag, texts: CrowdTexts, start_ms: int, first_id: int) -> list[CrowdPost]:
    """Return the tweets of a hashtag by time, over `LENGTH_MS` from the start.

    Args:
        tag: the hashtag.
        texts: texts of the families.
        start_ms: start of the run.
        first_id: least id of its accounts; it has up to 10,000.
    """
    rng = Random(f"innocent {tag.hashtag}")
    count = rng.randint(*_LARGE) if tag.sign == "size" else rng.randint(_FEWEST, _MOST)
    hecklers = round(count * tag.heckled)
    silent = rng.uniform(0.5, 0.9) if tag.silent else 0.0
    slogans = texts.distinct(SLOGANS, 5, rng) if tag.family == "protest" else texts.distinct(tag.family, 5, rng)
    posts = []
    for number in range(count):
        is_young = tag.sign == "young" and rng.random() < 0.6
        account = (newcomer if is_young else person)(first_id + number, rng)
        if number < hecklers:
            text, role = texts.draw(HECKLERS, rng), AuthorRole.HECKLER
        elif rng.random() < silent:
            text, role = wordless(rng), AuthorRole.GENUINE
        elif tag.sign == "slogans" and rng.random() < 0.6:
            text, role = rng.choice(slogans), AuthorRole.GENUINE
        else:
            text = texts.draw_long(tag.family, rng) if rng.random() < 0.25 else texts.draw(tag.family, rng)
            role = AuthorRole.GENUINE
        posts.append(CrowdPost(_at(rng, start_ms, _MINUTES), account, text, tag.hashtag, role))
    if tag.sign == "burst":
        posts += [
            CrowdPost(
                _at(rng, start_ms, _PAST_MINUTES),
                person(first_id + _PLACES // 2 + number, rng),
                texts.draw(tag.family, rng),
                tag.hashtag,
                AuthorRole.GENUINE,
            )
            for number in range(_PAST_AUTHORS)
        ]
    return sorted(posts, key=lambda post: (post.at_ms, post.account.id))


def _at(rng: Random, start_ms: int, minutes: tuple[int, int]) -> int:
    low, high = minutes
    return start_ms + int((low + (high - low) * rng.random()) * MINUTE_MS)
