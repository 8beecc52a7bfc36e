"""Curated terms, found again when somebody dresses them up.

Two tags look alike when their skeletons are equal. A skeleton is what the eye is left with: look-alike letters of
Cyrillic and Greek become Latin, digits and signs that stand for letters become those letters, accents of Latin
letters, underscores and repetitions go. It follows the idea of Unicode's UTS 39 (section 4) with a table of our own
that also knows leetspeak. Scripts that no Latin letter imitates (Devanagari, Bengali, Arabic, ...) keep their letters
and marks, which carry meaning.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from itertools import groupby

from hushtag_client.normalise import normalise

_CYRILLIC = dict(zip("авекмнорстухѕіјԁԛԝһӏԍзбг", "abekmhopctyxsijdqwhlg36r", strict=True))
_GREEK = dict(zip("αβγεζηικμνορτυχωϲ", "abyezniku" + "vopt" + "uxwc", strict=True))
_LATIN = dict(zip("ıłøđħŧæßɑɡʀ", "ilodht" + "a" + "b" + "agr", strict=True))
_LEET = dict(zip("0134578@$!|", "oieastb" + "asii", strict=True))
_SAME = {"l": "i"}
"""Upper-case i, lower-case L and 1 are one stroke: one class for the three."""
_IMITATES = {**_CYRILLIC, **_GREEK, **_LATIN}


def skeleton(hashtag: str) -> str:
    """What is left of a hashtag to the eye; equal for look-alikes. Idempotent.

    >>> skeleton("H@te_Tag") == skeleton("hаtеtаg") == skeleton("HHHaaate7ag") == skeleton("hátètâg")
    True
    """
    while (simpler := _simplify(hashtag)) != hashtag:
        hashtag = simpler
    return hashtag


def imitated(name: str) -> str:
    """A name as the eye reads it: as `skeleton`, but repetitions count. Equal for names that pass for each other.

    >>> imitated("Аnn") == imitated("ａｎｎ") == imitated("an\u200bn") != imitated("an")
    True
    """
    letters = [_IMITATES.get(one, one) for one in _without_accents(normalise(name)) if _shows(one)]
    spelt = any(one.isalpha() for one in letters)
    plain = (_LEET.get(one, one) if spelt else one for one in letters)
    return "".join(_SAME.get(one, one) for one in plain)


def _simplify(hashtag: str) -> str:
    return "".join(one for one, _ in groupby(imitated(hashtag)))


def _without_accents(text: str) -> str:
    """Without the marks of U+0300 to U+036F, which sit on Latin, Greek and Cyrillic letters."""
    kept = (one for one in unicodedata.normalize("NFD", text) if not "\u0300" <= one <= "\u036f")
    return unicodedata.normalize("NFC", "".join(kept))


def _shows(one: str) -> bool:
    """Whether a character is part of the word: a letter, a mark on one, a digit, or a sign that stands for a letter."""
    return one.isalnum() or one in _LEET or unicodedata.category(one).startswith("M")


class TermMatcher:
    """Curated terms, ready to be asked.

    Args:
        terms: (term, "exact" or "lookalike") each.
    """

    def __init__(self, terms: Iterable[tuple[str, str]]) -> None:
        exact: set[str] = set()
        skeletons: set[str] = set()
        for term, match in terms:
            exact.add(normalise(term))
            if match == "lookalike":
                skeletons.add(skeleton(term))
        self._exact = frozenset(exact)
        self._skeletons = frozenset(skeletons - {""})

    def matches(self, hashtag: str) -> bool:
        """Whether a hashtag is a term, or looks like one that is matched by its looks."""
        if not self._exact:
            return False
        return normalise(hashtag) in self._exact or (bool(self._skeletons) and skeleton(hashtag) in self._skeletons)
