"""Convert Devanagari to the varied Roman spelling that people type; for training texts only.

Labelled Hindi is far rarer in Roman script than in Devanagari, and its spelling has no standard. Each word's spelling
is therefore drawn at random. Schwa deletion: the short a after a consonant is dropped at the end of a word, and mostly
between two consonants with a vowel before and after. It is kept after -iy ("bhartiya").
"""

from __future__ import annotations

import random
import re

_CONSONANTS = dict(
    zip(
        "कखगघङचछजझञटठडढणतथदधनपफबभमयरलवशषसहळ",
        (
            *("k", "kh", "g", "gh", "n", "ch", "chh", "j", "jh", "n", "t", "th", "d", "dh", "n", "t", "th"),
            *("d", "dh", "n", "p", "ph", "b", "bh", "m", "y", "r", "l", "v", "sh", "sh", "s", "h", "l"),
        ),
        strict=True,
    )
)
_WITH_NUKTA = {"क": "q", "ख": "kh", "ग": "g", "ज": "z", "ड": "d", "ढ": "dh", "फ": "f", "य": "y"}
_VOWELS = dict(zip("अआइईउऊएऐओऔऋऑ", ("a", "aa", "i", "ee", "u", "oo", "e", "ai", "o", "au", "ri", "o"), strict=True))
_SIGNS = dict(zip("ािीुूेैोौृॉ", ("aa", "i", "ee", "u", "oo", "e", "ai", "o", "au", "ri", "o"), strict=True))
_NASAL, _VISARGA, _VIRAMA, _NUKTA = "ंँ", "ः", "्", "़"
_DIGITS = str.maketrans("०१२३४५६७८९।॥", "0123456789..")
_WORD = re.compile(r"[\u0900-\u0963\u0970-\u097f]+")
# Variants of a piece. The piece itself is as likely as each of its variants.
_VARIANTS = {
    "aa": ("a", "a", "a"),
    "ee": ("i", "i"),
    "oo": ("u", "u"),
    "ai": ("e", "ai"),
    "au": ("o",),
    "v": ("w",),
    "chh": ("ch",),
    "chchh": ("cch", "cch", "chch", "cchh"),
    "chch": ("cch", "cch"),
    "ph": ("f",),
    "f": ("ph",),
    "z": ("j",),
    "q": ("k",),
    "sh": ("s", "sh", "sh"),
}


def romanise(text: str, rng: random.Random) -> str:
    """Replace every Devanagari word by a Roman spelling that `rng` draws."""
    return _WORD.sub(lambda match: _word(match[0], rng), text.translate(_DIGITS))


def spell(word: str) -> str:
    """Spell a Devanagari word in Roman letters, always in the same way."""
    return "".join(_pieces(word))


def _word(word: str, rng: random.Random) -> str:
    return "".join(rng.choice((piece, *_VARIANTS.get(piece, ()))) for piece in _pieces(word))


def _pieces(word: str) -> list[str]:
    """Split a word into Roman pieces, without the unwritten a where it is not spoken."""
    pieces: list[str] = []
    open_syllables: list[int] = []  # positions of unwritten a's
    for at, char in enumerate(word):
        following = word[at + 1 : at + 2]
        if char in _CONSONANTS:
            piece = _WITH_NUKTA.get(char, _CONSONANTS[char]) if following == _NUKTA else _CONSONANTS[char]
            vowel = word[at + 2 : at + 3] if following == _NUKTA else following
            if piece[:2] == "ch" and pieces[-1:] == ["ch"] and word[at - 1] == _VIRAMA:
                piece = pieces.pop() + piece  # one piece with its own spellings: "accha"
            pieces.append(piece)
            if vowel not in _SIGNS and vowel != _VIRAMA:
                open_syllables.append(len(pieces))
                pieces.append("a")
        elif char in _VOWELS or char in _SIGNS:
            pieces.append(_VOWELS.get(char) or _SIGNS[char])
        elif char in _NASAL:
            pieces.append("n")
        elif char == _VISARGA:
            pieces.append("h")
    for at in reversed(open_syllables):
        before, after = pieces[: at - 1], pieces[at + 1 :]
        last = not after
        between = len(after) > 1 and _is_vowel(after[1]) and bool(before) and _is_vowel(before[-1])
        spoken = pieces[at - 1] == "y" and before[-1:] in (["ee"], ["i"])
        if (last and len(pieces) > 2 and not spoken) or (between and not _is_vowel(after[0])):
            pieces[at] = ""
            pieces = [piece for i, piece in enumerate(pieces) if piece or i < at]
    return [piece for piece in pieces if piece]


def _is_vowel(piece: str) -> bool:
    return piece[:1] in ("a", "e", "i", "o", "u")
