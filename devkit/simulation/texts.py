"""Texts of simulated tweets: from templates with slots, or from labelled texts. A draw depends on the dice alone.

A template such as "{who} at {place}" takes one phrase per slot, so a page of phrases makes thousands of texts. The slot
`subject` is not drawn but set by the story, so that a protest keeps to its cause.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from math import prod
from random import Random
from typing import Protocol

import msgspec

KINDS = ("harmful", "clean", "protest", "counter_speech", "news", "sports", "festival", "promotion")
"""Kinds of text; each has a file texts_<kind>.yaml."""
HARD_KINDS = ("reclaimed", "sarcasm", "mockery")
"""Kinds that preset `hard` adds. `mockery` is harmful without a slur, `reclaimed` has slurs without harm."""

_SLOT = re.compile(r"\{(\w+)\}")
_DEVANAGARI = re.compile("[\u0900-\u097f]")
_HASHTAG = re.compile("[#\uff03]\\S*")
_HANDLE = re.compile(r"<handle replaced>|@user\b")
_MIN_LETTERS = 8


class TextTemplates(msgspec.Struct, frozen=True):
    """Templates of one kind in one language, as in the YAML file."""

    language: str
    slots: dict[str, list[str]]
    templates: list[str]


class NameParts(msgspec.Struct, frozen=True):
    """Hashtag names made of two parts (first + second), and whole names."""

    first: list[str]
    second: list[str]
    whole: list[str] = []


class TagNames(msgspec.Struct, frozen=True):
    """Content of `tags.yaml`, names of hashtags by kind."""

    people: dict[str, list[str]]
    campaign: dict[str, list[str]]
    counter_speech: list[str]
    news: list[str]
    protest: list[str]
    protest_hi: list[str]
    sports: list[str]
    festival: list[str]
    bot_flood: list[str]
    reclaimed: list[str]
    sarcasm: list[str]
    unread: dict[str, list[str]]
    """Names by language, of languages that no model was measured on."""
    organic: dict[str, list[str] | NameParts]
    one_use: NameParts


class TextSource(Protocol):
    """Protocol of a source of texts."""

    def draw(self, kind: str, language: str, rng: Random, subject: int = 0) -> str:
        """Draw a text of this kind, in this language or else in a related one."""


class CompiledTemplates:
    """Templates split into literals and slots."""

    def __init__(self, block: TextTemplates) -> None:
        self._slots = block.slots
        self._templates = [_SLOT.split(template) for template in block.templates]
        for parts in self._templates:
            unknown = set(parts[1::2]) - set(block.slots)
            assert not unknown, f"{block.language}: no slot {unknown} for {parts}"

    @property
    def n_texts(self) -> int:
        """Maximum number of texts for one subject."""
        return sum(
            prod(len(self._slots[name]) for name in parts[1::2] if name != "subject") for parts in self._templates
        )

    def draw(self, rng: Random, subject: int) -> str:
        """Draw a text on a subject."""
        dice = rng.random
        parts = self._templates[int(dice() * len(self._templates))]
        words = list(parts)
        for at in range(1, len(parts), 2):
            slot = self._slots[parts[at]]
            words[at] = slot[subject % len(slot)] if parts[at] == "subject" else slot[int(dice() * len(slot))]
        return "".join(words)


class OwnTexts:
    """Texts of the simulator itself."""

    def __init__(self, blocks: Mapping[str, Iterable[TextTemplates]]) -> None:
        self.templates: dict[str, list[str]] = {
            kind: [template for block in of_kind for template in block.templates] for kind, of_kind in blocks.items()
        }
        self._phrases = {
            kind: {block.language: CompiledTemplates(block) for block in of_kind} for kind, of_kind in blocks.items()
        }

    def n_texts(self, kind: str, language: str) -> int:
        """Return the maximum number of texts for one subject."""
        return self._phrases[kind][language].n_texts

    def draw(self, kind: str, language: str, rng: Random, subject: int = 0) -> str:
        """Draw a text, in English if the kind lacks the language."""
        languages = self._phrases[kind]
        return (languages.get(language) or languages["en"]).draw(rng, subject)


class LabelledText(msgspec.Struct, frozen=True):
    """Line of a --texts file, labelled by `y` or `harmful`."""

    text: str
    y: int | bool | None = None
    harmful: int | bool | None = None
    lang: str | None = None

    def label(self) -> bool:
        """Return whether the text is harmful.

        Raises:
            ValueError: the line has no valid label.
        """
        label = self.y if self.harmful is None else self.harmful
        if label not in (0, 1):
            raise ValueError('"harmful" (or "y") must be true, false, 1 or 0')
        return bool(label)


class LabelledTexts:
    """Labelled texts from a file: harmful ones for campaigns, clean ones for all other tweets.

    Their hashtags are removed, since the ground truth would not know of them. A campaign of thousands of tweets needs
    many texts: a language with fewer than `FEW` harmful ones also uses those of a related language. Roman Hindi uses
    those of Hindi, Hindi those of English. A language without clean texts uses the simulator's own, and so do
    `HARD_KINDS`, which no label distinguishes.
    """

    FEW = 100

    def __init__(self, rows: Iterable[LabelledText], own: OwnTexts) -> None:
        self._own = own
        self._clean: dict[str, list[str]] = {}
        self._harmful: dict[str, list[str]] = {}
        self._all_harmful: list[str] = []
        for row in rows:
            text = tidy(row.text)
            if sum(map(str.isalnum, text)) < _MIN_LETTERS:
                continue
            (self._harmful if row.label() else self._clean).setdefault(row.lang or language_of(text), []).append(text)
        self.n_harmful_in = {language: len(texts) for language, texts in sorted(self._harmful.items())}
        """Number of usable harmful texts by language, without those of related languages."""
        for texts in self._harmful.values():
            self._all_harmful += texts
        for language, nearest in (("hi", "en"), ("hi-Latn", "hi")):
            own_ones = self._harmful.get(language, [])
            if len(own_ones) < self.FEW:
                self._harmful[language] = own_ones + self._harmful.get(nearest, [])

    @property
    def n_harmful(self) -> int:
        """Number of usable harmful texts."""
        return len(self._all_harmful)

    @property
    def n_clean(self) -> int:
        """Number of usable clean texts."""
        return sum(map(len, self._clean.values()))

    def draw(self, kind: str, language: str, rng: Random, subject: int = 0) -> str:
        """Draw a labelled text, or one of the simulator's own."""
        if kind in HARD_KINDS:
            return self._own.draw(kind, language, rng, subject)
        pool: Sequence[str] = (self._harmful if kind == "harmful" else self._clean).get(language, ())
        if kind == "harmful":
            pool = pool or self._all_harmful
        return pool[int(rng.random() * len(pool))] if pool else self._own.draw(kind, language, rng, subject)


def tidy(text: str) -> str:
    """Clean a labelled text for a tweet: remove hashtags, restore handles, join lines.

    >>> tidy("so #Sad &amp; true <handle replaced> ok")
    'so & true @someone ok'
    """
    return " ".join(_HANDLE.sub(" @someone ", _HASHTAG.sub(" ", html.unescape(text))).split())


def language_of(text: str) -> str:
    """Guess the language by script: "hi" for Devanagari letters, else "en"."""
    return "hi" if _DEVANAGARI.search(text) else "en"
