"""Convert Roman Hindi to Devanagari, which the encoder has read far more of.

Roman Hindi has no standard spelling. A word and a Devanagari word are taken for the same if their keys are equal. A key
is a Roman spelling without the differences in which people's spellings vary. Of the Devanagari words with one key the
most frequent is taken. A word without a match, such as an English one, stays as it is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from models.romanise import spell

# Links, handles and hashtags stay as they are: the encoder masks them.
_ROMAN = re.compile(r"(?:https?:|www\.|t\.co/|[@#＠＃])\S+|([a-z]{2,})", re.IGNORECASE)
_DEVANAGARI = re.compile(r"[\u0900-\u0963\u0970-\u097f]{2,}")
_LEAST_USES = 2
# In this order: long vowels, then pairs of letters for one sound, then single letters.
_SAME = (
    *(("ee", "i"), ("oo", "u"), ("ou", "o"), ("chh", "c"), ("ch", "c"), ("sh", "s"), ("ph", "f"), ("ck", "k")),
    *(("ai", "e"), ("ei", "e"), ("ay", "e"), ("au", "o"), ("x", "ks"), ("w", "v"), ("z", "j"), ("q", "k")),
    *(("mb", "nb"), ("mp", "np")),
)
_TWICE = re.compile(r"(.)\1+")
_NASAL_END = re.compile(r"(?<=[aeiou])n$")


def key_of(word: str) -> str:
    """Reduce a Roman spelling to a key that is equal for most spellings of one word.

    >>> {key_of(word) for word in ("accha", "achha", "acha")}
    {'aca'}
    """
    key = word.lower()
    for spelling, same in _SAME:
        key = key.replace(spelling, same)
    return _TWICE.sub(r"\1", _NASAL_END.sub("", _TWICE.sub(r"\1", key)))


def frequent_words(texts: Iterable[str]) -> list[str]:
    """Return the Devanagari words that occur in several of the texts, the most frequent first."""
    counts = Counter(word for text in texts for word in set(_DEVANAGARI.findall(text)))
    return [word for word, uses in sorted(counts.items(), key=lambda item: (-item[1], item[0])) if uses >= _LEAST_USES]


class Transliterator:
    """Conversion of Roman Hindi by a list of Devanagari words, the most frequent first."""

    def __init__(self, words: Iterable[str]) -> None:
        self.words = tuple(words)
        self._by_key: dict[str, str] = {}
        for word in self.words:
            key = key_of(spell(word))
            if len(key) > 1:
                self._by_key.setdefault(key, word)

    def convert(self, text: str) -> str:
        """Replace every Roman word that has a Devanagari match.

        >>> Transliterator(["नहीं", "है"]).convert("Mumbai me nahin hai #hai")
        'Mumbai me नहीं है #hai'
        """
        return _ROMAN.sub(lambda match: self._by_key.get(key_of(match[1] or ""), match[0]), text)

    def to_array(self) -> npt.NDArray[np.uint8]:
        """Encode the words for a model file: UTF-8, one per line."""
        return np.frombuffer("\n".join(self.words).encode(), np.uint8)

    @classmethod
    def from_array(cls, joined: npt.NDArray[np.uint8]) -> Transliterator:
        """Decode the words of a model file. Raises ValueError."""
        return cls(filter(None, joined.tobytes().decode().split("\n")))
