"""Origin of a tweet in one number: source partition, source offset and language.

Each sampled entry carries its origin from ingest to the decision, so that a reviewer can read the text where the
platform wrote it. One column of numbers costs less on the way than three.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

NO_ORIGIN = -1
"""Origin of a tweet that cannot be found again: its partition's number is `MOST_PARTITIONS` or greater."""
MOST_PARTITIONS = 1 << 12
_LANGUAGE_BITS = 8
_OFFSET_BITS = 43
_OFFSET_MASK = (1 << _OFFSET_BITS) - 1
PARTITION_SHIFT = _OFFSET_BITS + _LANGUAGE_BITS
"""Bits of an origin below the number of its partition."""

UNDETERMINED = "und"
LANGUAGES = (
    UNDETERMINED,
    "am", "ar", "as", "az", "be", "bg", "bho", "bn", "bo", "brx", "bs", "ca", "ckb", "cs", "cy", "da", "de", "doi",
    "dv", "el", "en", "es", "et", "eu", "fa", "fi", "fil", "fr", "ga", "gl", "gu", "ha", "he", "hi", "hr", "ht", "hu",
    "hy", "id", "ig", "is", "it", "ja", "ka", "kk", "km", "kn", "ko", "kok", "ks", "ku", "ky", "lo", "lt", "lv", "mai",
    "mg", "mk", "ml", "mn", "mni", "mr", "ms", "my", "nb", "ne", "nl", "no", "om", "or", "pa", "pl", "ps", "pt", "ro",
    "ru", "rw", "sa", "sat", "sd", "si", "sk", "sl", "sn", "so", "sq", "sr", "sv", "sw", "ta", "te", "tg", "th", "ti",
    "tk", "tl", "tr", "ug", "uk", "ur", "uz", "vi", "xh", "yi", "yo", "zh", "zu",
)  # fmt: skip
"""Primary language subtags of BCP 47. An entry's language is its number here, so a new one goes to the end."""
_CODES = {tag: number for number, tag in enumerate(LANGUAGES)} | {
    former: LANGUAGES.index(tag) for former, tag in {"in": "id", "iw": "he", "ji": "yi"}.items()
}

Ints = npt.NDArray[np.int64]


def language_code(lang: str) -> int:
    """Return the number of a payload's language by its primary subtag; 0 for an unknown one.

    >>> [LANGUAGES[language_code(lang)] for lang in ("hi", "hi-Latn", "EN_gb", "in", "qme", "")]
    ['hi', 'hi', 'en', 'id', 'und', 'und']
    """
    code = _CODES.get(lang)
    return _CODES.get(lang[:12].replace("_", "-").partition("-")[0].lower(), 0) if code is None else code


def origins_of(partition: int, offsets: Ints, languages: npt.NDArray[np.integer[Any]]) -> Ints:
    """Pack the origins (n,) of tweets of one source partition.

    Args:
        partition: number of the source partition.
        offsets: (n,) offsets, below 2**43.
        languages: (n,) numbers of languages.
    """
    if partition >= MOST_PARTITIONS:
        return np.full(len(offsets), NO_ORIGIN)
    packed: Ints = (offsets << _LANGUAGE_BITS | languages) | partition << PARTITION_SHIFT
    return packed


def languages_of(origins: Ints) -> npt.NDArray[np.uint8]:
    """Unpack the numbers (n,) of the languages of origins (n,); 0 for an unknown one.

    >>> languages_of(np.array([NO_ORIGIN, language_code("ta")])).tolist() == [0, LANGUAGES.index("ta")]
    True
    """
    codes = (origins & ((1 << _LANGUAGE_BITS) - 1)).astype(np.uint8)
    return np.where(codes < len(LANGUAGES), codes, np.uint8(0))


def origin_parts(origin: int) -> tuple[int, int, str]:
    """Unpack an origin to partition, offset and language; (-1, -1, "und") for one that is unknown.

    >>> origin_parts(int(origins_of(3, np.array([70_000]), np.array([language_code("hi")], np.uint8))[0]))
    (3, 70000, 'hi')
    """
    code = origin & ((1 << _LANGUAGE_BITS) - 1)
    if origin < 0 or code >= len(LANGUAGES):
        return -1, -1, UNDETERMINED
    offset = origin >> _LANGUAGE_BITS & _OFFSET_MASK
    return origin >> PARTITION_SHIFT, offset, LANGUAGES[code]
