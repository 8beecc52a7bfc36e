"""Lookup tables of code points: the kind of each, and the letter that it is folded to.

The tables cover all folding that does not depend on neighbours: case, accents, look-alikes of other scripts (Cyrillic
а for Latin a), styled digits, stacked marks (zalgo) and invisible characters. Vowel signs of Indic scripts are part of
a word; a rule that treats them as punctuation splits every Hindi word. The tables are built from Python's
`unicodedata`. `models.features.fingerprint` checks that they agree with the tables of a model's training.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import numpy as np
import numpy.typing as npt

BREAK, LETTER, MARK, DIGIT, SKIP, SYMBOL, STAR, HASH, AT, LEET = range(10)

_TABLE_SIZE = 0x110000
_LETTERS_END = 0x32000
"""End of the code points that can be a part of a word."""
# Ranges of one kind are filled at once instead of one code point at a time.
_UNIFORM = (
    (0x3400, 0xA000, LETTER),
    (0xAC00, 0xD7A4, LETTER),
    (0xD800, 0xF900, BREAK),  # lone surrogates and private use
    (0x20000, _LETTERS_END, LETTER),
    (0xE0000, 0xE1000, SKIP),
)
_IGNORABLE = (
    *(0x00AD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFEFF, 0xFFA0),
    *range(0x180B, 0x1810),
    *range(0x200B, 0x2010),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
    *range(0xFE00, 0xFE10),
)
# Decorating marks (accents that did not compose, zalgo), and Devanagari's nukta, which writers often omit.
_DECORATION = (
    *range(0x0300, 0x0370),
    *range(0x1AB0, 0x1B00),
    *range(0x1DC0, 0x1E00),
    *range(0x20D0, 0x2100),
    *range(0xFE20, 0xFE30),
    0x093C,
)
_APOSTROPHES = (0x27, 0x2BC, 0x2018, 0x2019)
# Letters that look like a Latin one (after casefolding), in the scripts that people use to evade word lists.
_LOOK_ALIKES = dict(
    zip(
        "авсԁеһіјӏкмоԛрѕтуѵԝхӽьҽгпиєяшғүұөѡ" + "αβϲεηικνορτυχωγδσςμπθζ" + "օոսցհքզ" + "ıɩɪʟɴʀɢʙʜᴀᴄᴅᴇᴊᴋᴍᴏᴘᴛᴜᴠᴡᴢɡɑ",
        "abcdehijlkmoqpstyvwxxbernuerwfyyow" + "abcenikvoptuxwydocunoz" + "onughpq" + "iiilnrgbhacdejkmoptuvwzga",
        strict=True,
    )
)
_LOOK_ALIKES |= dict(  # letters with a stroke, a hook or a tail, and Cherokee
    zip(
        "ƀɓƃƈđɖɗɛǝəƒɠǥħɦɨɉƙłƚɫɭɱɲŋɳøɵƥɋɍɾɹɽʂŧƭʈʉʋⱳƴɏƶȥʐ" + "ᎪᏴᏟᎠᎬᏀᎻᎥᎫᏦᏞᎷᏢᎡᏚᎢᏙᎳᎩᏃ",
        "bbbcdddeeefgghhijkllllmnnnoopqrrrrstttuvwyyzzz" + "abcdeghijklmprstvwyz",
        strict=True,
    )
)
_BOXED_LETTERS = (0x1F150, 0x1F170)  # first code points of A to Z, white on black, round and square
# Digits and signs that represent a letter between two letters.
LEET_LETTERS = dict(zip("013456789@$!|¡¢©£®¥", "oieasgtbgasiiicclry", strict=True))
LEET_SIZE = 256

# Vowel-free key of a word, equal for Roman Hindi and Devanagari: consonants by place, without aspiration.
SKELETON_PASS, SKELETON_VOWEL, SKELETON_BREATH = 0, 1, 2  # never in the key; only as its first; only after a vowel
_ROMAN_KEY = dict(zip("aeiouhbcdfgjklmnpqrstvwxz", b"\1\1\1\1\1\2BCDPGJKLMNPKRSTVVKJ", strict=True))
_DEVANAGARI_KEY = dict(zip("कखगघङचछजझञटठडढणतथदधनपफबभमयरलवशषसहळ", b"KKGGNCCJJNTTDDNTTDDNPPBBM\0RLVSSSHL", strict=True))
_DEVANAGARI_VOWELS = "अआइईउऊएऐओऔऋऑऍ"
SKELETON_SIZE = 0x0980


def _kind(point: int) -> int:
    category = unicodedata.category(chr(point))
    if category[0] == "L" or category in ("Nl", "No"):
        return LETTER
    if category == "Nd":
        return DIGIT
    if category in ("Mn", "Mc"):
        return MARK
    if category in ("So", "Sk") and point > 0x7F:
        return SYMBOL
    return SKIP if category in ("Cf", "Me") else BREAK


def _letter(point: int) -> int:
    """Fold a code point: lower case, without accent, look-alike replaced."""
    if chr(point) in _LOOK_ALIKES:  # before folding: a final sigma looks like c, any other like o
        return ord(_LOOK_ALIKES[chr(point)])
    folded = chr(point).casefold()[0]
    base = unicodedata.normalize("NFD", folded)[0] if ord(folded) < 0x0530 or 0x1E00 <= ord(folded) < 0x2000 else folded
    return ord(_LOOK_ALIKES.get(base, base))


@lru_cache(maxsize=1)
def tables() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint32]]:
    """Build the read-only tables (kinds, letters): kind of each of the 0x110000 code points, and folded letters.

    `letters` ends where letters do: the kernels fold letters, marks and stars only.
    """
    kinds = np.zeros(_TABLE_SIZE, np.uint8)  # BREAK; pages that nothing is written to take no memory
    letters = np.arange(_LETTERS_END, dtype=np.uint32)
    uniform = np.zeros(_LETTERS_END, bool)
    for start, end, kind in _UNIFORM:
        kinds[start:end] = kind
        uniform[start:end] = True
    for point in np.flatnonzero(~uniform).tolist():
        kinds[point] = _kind(point)
        letters[point] = _letter(point) if kinds[point] == LETTER else point
    kinds[list(_IGNORABLE)] = SKIP
    kinds[list(_DECORATION)] = SKIP
    kinds[list(_APOSTROPHES)] = SKIP
    kinds[0x1F3FB:0x1F400] = SYMBOL  # skin tones
    for first in _BOXED_LETTERS:
        kinds[first : first + 26] = LETTER
        letters[first : first + 26] = np.arange(ord("a"), ord("z") + 1)
    for sign, kind in (("*", STAR), ("#", HASH), ("@", AT), ("$", LEET), ("!", LEET)):
        kinds[ord(sign)] = kind
    letters[ord("ँ")] = ord("ं")  # writers interchange candrabindu and anusvara
    assert not np.isin(kinds[_LETTERS_END:], (LETTER, MARK, STAR)).any()
    for array in (kinds, letters):
        array.setflags(write=False)
    return kinds, letters


@lru_cache(maxsize=1)
def skeleton_table() -> npt.NDArray[np.uint8]:
    """Build the read-only table of codes in a word's vowel-free key, for code points below `SKELETON_SIZE`."""
    table = np.zeros(SKELETON_SIZE, np.uint8)
    for letter, code in (*_ROMAN_KEY.items(), *_DEVANAGARI_KEY.items()):
        table[ord(letter)] = code
    for vowel in _DEVANAGARI_VOWELS:
        table[ord(vowel)] = SKELETON_VOWEL
    table[ord("ं")] = ord("N")
    table.setflags(write=False)
    return table


@lru_cache(maxsize=1)
def leet_table() -> npt.NDArray[np.uint8]:
    """Build the read-only table of letters that digits and signs represent inside a word, else 0.

    It covers code points below `LEET_SIZE`.
    """
    table = np.zeros(LEET_SIZE, np.uint8)
    for sign, letter in LEET_LETTERS.items():
        table[ord(sign)] = ord(letter)
    table.setflags(write=False)
    return table
