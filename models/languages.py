"""Language gate: name the language of a text, so that a text in a language the model does not read gets no score.

Evidence in this order:

1. Script. A text of which most letters belong to a script that no read language uses is unread.
2. The language that the payload names. It decides for Devanagari (Marathi and Nepali are not Hindi) and, where it is
   evidence at all, for Latin script. Platforms detect languages too, and take Roman Hindi for Indonesian, Tagalog,
   Estonian, Haitian Creole, Welsh, Somali or Turkish: such tags are ignored. Tags of Indian languages are believed.
   Tags of the large western languages are believed unless the detector clearly finds English or Roman Hindi.
3. For Latin script, the detector: a table of n-grams in the artefact (`models.kernels.languages`,
   `models.build_languages`). Another language must be clearly better than English and than Roman Hindi.

The gate is conservative. A wrongly unread English text weakens the evidence of a hashtag, and people see fewer of them.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

READ = ("en", "hi-Latn", "hi")
"""Languages that the linear model reads, equal to `models.scorer.LANGUAGES`."""
GROUPS = (*READ, "ta", "te", "kn", "ml", "bn", "pa", "gu", "mr", "ur", "es", "other")
"""Storage groups: the read languages, then unread ones."""
LATIN = (
    "en", "hi-Latn", "es", "pt", "fr", "de", "it", "nl", "ca", "ro", "tr", "id", "tl", "vi", "sw", "pl",
    "cs", "hu", "sv", "nb", "fi", "hr", "el",
)  # fmt: skip
"""Columns of the detector. Greek is one because its letters are folded to Latin look-alikes."""
_SCRIPTS: tuple[tuple[tuple[int, int], tuple[str, ...]], ...] = (
    ((0x0900, 0x0980), ("hi", "mr", "ne", "sa", "bho", "mai", "kok", "doi", "brx", "sd", "ks")),
    ((0x0980, 0x0A00), ("bn", "as", "mni")),
    ((0x0A00, 0x0A80), ("pa",)),
    ((0x0A80, 0x0B00), ("gu",)),
    ((0x0B00, 0x0B80), ("or",)),
    ((0x0B80, 0x0C00), ("ta",)),
    ((0x0C00, 0x0C80), ("te",)),
    ((0x0C80, 0x0D00), ("kn",)),
    ((0x0D00, 0x0D80), ("ml",)),
    ((0x0D80, 0x0E00), ("si",)),
    ((0x0600, 0x0780), ("ur", "ar", "fa", "ps", "sd", "ckb", "ug", "ks", "pa", "ku")),
    ((0x0370, 0x0400), ("el",)),
    ((0x0400, 0x0530), ("ru", "uk", "bg", "sr", "be", "mk", "kk", "ky", "mn", "tg")),
    ((0x0530, 0x0590), ("hy",)),
    ((0x0590, 0x0600), ("he", "yi")),
    ((0x0780, 0x07C0), ("dv",)),
    ((0x0E00, 0x0E80), ("th",)),
    ((0x0E80, 0x0F00), ("lo",)),
    ((0x0F00, 0x1000), ("bo",)),
    ((0x1000, 0x10A0), ("my",)),
    ((0x10A0, 0x1100), ("ka",)),
    ((0x1100, 0x1200), ("ko",)),
    ((0x1200, 0x13A0), ("am", "ti")),
    ((0x1780, 0x1800), ("km",)),
    ((0x1C50, 0x1C80), ("sat",)),
    ((0x2D30, 0x2D80), ("zgh",)),
    ((0x3040, 0x3100), ("ja",)),
    ((0x3100, 0xA000), ("zh", "ja")),
    ((0xAA00, 0xAB00), ("mni",)),
    ((0xABC0, 0xAC00), ("mni",)),
    ((0xAC00, 0xD7B0), ("ko",)),
    ((0x20000, 0x32000), ("zh", "ja")),
)
"""Blocks of code points, and the languages written in them, the commonest first. The first block is Devanagari."""
DEVANAGARI = 1
"""Number of Devanagari among the scripts; 0 stands for Latin and for any block that is not listed."""
_BELIEVED = (
    *("ta", "te", "kn", "ml", "bn", "pa", "gu", "mr", "ur", "ne"),
    *("or", "as", "si", "sd", "ks", "kok", "bho", "mai"),
)
"""Languages whose tag decides for a text in Latin script, where people write them too."""
_LEANING = ("es", "pt", "fr", "de", "it")
"""Languages whose tag decides for a text in Latin script, unless the detector clearly finds a read language."""
_FORMER = {"in": "id", "iw": "he", "ji": "yi"}

UNDETERMINED = "und"
"""Tag of a text without words."""
TAGS = tuple(dict.fromkeys((*GROUPS[:-1], *LATIN, *(tag for _, tags in _SCRIPTS for tag in tags), UNDETERMINED)))
"""Languages that the gate can name: the read ones first."""

UNKNOWN, ANY = 0, 255
"""Hints: no language is known, and a text that is read in any language (labelled texts)."""
ASK, READS = 0, 254
"""Outcomes: the detector decides, and the text is read. Any other outcome is an unread tag's number plus one."""
POINTS_PER_SCRIPT = 16
_SCRIPT_SIZE = 0x32000 // POINTS_PER_SCRIPT

DETECTOR_PATH = Path(__file__).with_name("languages.npy")
RULES = 1
"""Number of the rules in `models.kernels.languages`; it changes with them."""
CYRILLIC_WEIGHT = 8
"""Letters that a Cyrillic one counts for where it was not folded: three of four are folded to Latin look-alikes.

A disguise of Latin words has only letters that are folded.
"""
FEWEST_WORDS = 3
"""Minimum number of words for the detector."""
CLEAR, FEW = 40.0, 20
"""A lead in the table's units is clear above CLEAR * sqrt(n-grams + FEW); FEW holds short texts back."""
N_PARTS = 4
"""Parts of a text's n-grams; the first, spread over the text, is enough where a read language leads clearly."""


def hint_of(tag: str) -> int:
    """Return the number of a payload's language for a scorer's `hints`; 0 for one that is no evidence.

    >>> [TAGS[hint_of(tag) - 1] for tag in ("hi", "EN_gb", "ta-IN", "iw")], hint_of("xx"), hint_of("")
    (['hi', 'en', 'ta', 'he'], 0, 0)
    """
    primary = tag.replace("_", "-").partition("-")[0].lower()
    primary = _FORMER.get(primary, primary)
    return TAGS.index(primary) + 1 if primary in TAGS and primary != UNDETERMINED else UNKNOWN


def group_of_tag(tag: str) -> int:
    """Return the storage group of a language; a text without words is in that of English.

    >>> [GROUPS[group_of_tag(tag)] for tag in ("hi", "ta", "fr", "und")]
    ['hi', 'ta', 'other', 'en']
    """
    if tag == UNDETERMINED:
        return 0
    return GROUPS.index(tag) if tag in GROUPS else len(GROUPS) - 1


def has_our_groups(n_read: int) -> bool:
    """Return whether a scorer that reads `n_read` groups has `GROUPS`: another one does not tell their meanings."""
    return n_read == len(READ)


def group_name(group: int, n_read: int) -> str:
    """Return the language of a storage group of a scorer that reads `n_read` groups, `UNDETERMINED` if not ours.

    >>> group_name(3, len(READ)), group_name(0, 1)
    ('ta', 'und')
    """
    return GROUPS[group] if has_our_groups(n_read) and group < len(GROUPS) else UNDETERMINED


@lru_cache(maxsize=1)
def groups_of_tags() -> npt.NDArray[np.uint8]:
    """Build the read-only table (len(TAGS),) of storage groups."""
    return _frozen(np.array([group_of_tag(tag) for tag in TAGS], np.uint8))


@lru_cache(maxsize=1)
def script_table() -> npt.NDArray[np.uint8]:
    """Build the read-only table of the scripts of code points, by `POINTS_PER_SCRIPT`."""
    table = np.zeros(_SCRIPT_SIZE, np.uint8)
    for number, ((start, end), _) in enumerate(_SCRIPTS, 1):
        table[start // POINTS_PER_SCRIPT : end // POINTS_PER_SCRIPT] = number
    return _frozen(table)


@lru_cache(maxsize=1)
def outcomes() -> npt.NDArray[np.uint8]:
    """Build the read-only table (256, n_scripts + 1): the outcome for a hint and the script of most letters."""
    table = np.zeros((256, len(_SCRIPTS) + 1), np.uint8)
    table[:, DEVANAGARI] = READS
    for tag in _SCRIPTS[0][1][1:]:
        table[hint_of(tag), DEVANAGARI] = TAGS.index(tag) + 1
    for script, (_, tags) in enumerate(_SCRIPTS[1:], 2):
        table[:, script] = TAGS.index(tags[0]) + 1
        for tag in tags:
            table[hint_of(tag), script] = TAGS.index(tag) + 1
    for tag in _BELIEVED:
        table[hint_of(tag), 0] = TAGS.index(tag) + 1
    for tag in ("en", "hi"):
        table[hint_of(tag), 0] = READS
    table[ANY] = READS
    return _frozen(table)


@lru_cache(maxsize=1)
def leanings() -> npt.NDArray[np.uint8]:
    """Build the read-only table (256,): the detector's column that a hint leans to, 0 for none."""
    table = np.zeros(256, np.uint8)
    for tag in _LEANING:
        table[hint_of(tag)] = LATIN.index(tag)
    return _frozen(table)


@lru_cache(maxsize=1)
def latin_tags() -> npt.NDArray[np.uint8]:
    """Build the read-only table (len(LATIN),) of the tags' numbers."""
    return _frozen(np.array([TAGS.index(tag) for tag in LATIN], np.uint8))


@lru_cache(maxsize=1)
def detector_table() -> npt.NDArray[np.int8]:
    """Read the detector's table, (n_rows, len(LATIN)), that a new model gets; see `models.build_languages`."""
    table: npt.NDArray[np.int8] = np.load(DETECTOR_PATH, allow_pickle=False)
    table.setflags(write=False)
    return table


def lookups() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8], npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Return the tables that the kernels take: scripts, outcomes, leanings, Latin tags."""
    return script_table(), outcomes(), leanings(), latin_tags()


def fingerprint() -> str:
    """Compute the fingerprint of the gate's rules, 16 hex digits. With other rules a model names other languages."""
    numbers = (RULES, CYRILLIC_WEIGHT, FEWEST_WORDS, CLEAR, FEW, N_PARTS)
    digest = hashlib.sha256(repr((*numbers, TAGS, GROUPS, LATIN)).encode())
    for table in (script_table(), outcomes(), leanings(), groups_of_tags()):
        digest.update(table.tobytes())
    return digest.hexdigest()[:16]


def _frozen(table: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    table.setflags(write=False)
    return table
