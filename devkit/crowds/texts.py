"""Texts of a kind, drawn from blocks of templates."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from random import Random

import msgspec

FAMILIES = (
    "protest", "politics", "sport", "festival", "news", "counter_speech", "mourning", "reclaimed", "activism",
    "victims", "violence", "slang",
)  # fmt: skip
"""Families of innocent hashtags. Activism is that of Dalits, and that of LGBT people."""
HARMFUL, HECKLERS, SLOGANS, CHATTER = "harmful", "hecklers", "slogans", "chatter"
_SLOT = re.compile(r"\{(\w+)\}")
_WORDLESS = ("🕯️", "🙏", "💔", "🏳️‍🌈", "🎉", "🪔", "❤️", "🌈", "😢", "✨")
_QUOTES = ('As my neighbour said: "{}"', '"{}" That is what they wrote.', 'He said "{}" and left.')
_DRAWS_EACH = 60


class TextBlock(msgspec.Struct, frozen=True):
    """Templates of one kind and language, and the values of their slots."""

    slots: Mapping[str, Sequence[str]]
    templates: Sequence[str]

    @property
    def n_texts(self) -> int:
        """Number of texts that the templates make."""
        return sum(
            math.prod(len(self.slots[name]) for name in set(_SLOT.findall(template))) for template in self.templates
        )

    def draw(self, rng: Random) -> str:
        """Draw a text; its first letter is a capital."""
        values = {name: rng.choice(choices) for name, choices in self.slots.items()}
        text = _SLOT.sub(lambda match: values[match[1]], rng.choice(self.templates))
        return text[:1].upper() + text[1:]


class CrowdTexts:
    """Texts by kind: `FAMILIES`, and those of attackers, hecklers, slogans and chatter."""

    def __init__(self, blocks: Mapping[str, Sequence[TextBlock]]) -> None:
        self.blocks = blocks

    def draw(self, kind: str, rng: Random) -> str:
        """Draw a text of a kind from one of its blocks, each as often as it has texts."""
        blocks = self.blocks[kind]
        return rng.choices(blocks, [block.n_texts for block in blocks])[0].draw(rng)

    def draw_long(self, kind: str, rng: Random) -> str:
        """Draw two to four sentences of a kind; half of the texts quote one of them."""
        parts = [self.draw(kind, rng) for _ in range(rng.randint(2, 4))]
        if rng.random() < 0.5:
            number = rng.randrange(len(parts))
            parts[number] = rng.choice(_QUOTES).format(parts[number].replace('"', ""))
        return " ".join(parts)

    def distinct(self, kind: str, count: int, rng: Random) -> list[str]:
        """Draw texts of a kind, no two alike.

        Raises:
            ValueError: the kind has too few.
        """
        drawn: dict[str, None] = {}
        for _ in range(_DRAWS_EACH * count):
            if len(drawn) == count:
                return list(drawn)
            drawn[self.draw(kind, rng)] = None
        if len(drawn) == count:
            return list(drawn)
        raise ValueError(f"{count} distinct texts were asked of {kind}, which gave {len(drawn)}")


def wordless(rng: Random) -> str:
    """Draw a text without words: emoji, a link to an image, or both."""
    emoji = "".join(rng.choice(_WORDLESS) for _ in range(rng.randint(1, 3)))
    link = f"https://t.co/{rng.getrandbits(50):010x}"
    return rng.choice((emoji, link, f"{emoji} {link}"))
