"""Texts to code points to features: what training and scoring share."""

from __future__ import annotations

import hashlib
import html
import unicodedata
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse

from models import characters, vocabulary
from models.kernels.ngrams import FEATURES_PER_POINT, N_BLOCKS, find_batch
from models.kernels.owners import find_words
from models.kernels.points import MAX_POINTS
from models.kernels.scoring import BLOCK_SCALES

_END = "\n"  # ends a text in the joined batch: nothing composes or is ordered across it

# Texts that use every rule of the features. What they hash to is the artefact's promise about how it was trained.
_PROBES = (
    "",
    "Plain words, plain words; and a tag #NotAWord with @some_one at https://example.org/path?q=1 or www.example.org",
    "CAFÉ straße ﬁne Ｗｉｄｅ ﷺ №5 ½ soooooo goooood!!! don't d0n't $ilver s1lv3r f**n 12:45 covid19 x2",
    "хеllo ρaypal ᴡᴏʀᴅ z\u0301\u0335\u0320a\u0340lgo zero\u200bwidth\u200d joi\u00adned",
    "किताबें पढ़ना ज़रूरी है, हाँ हां नहीं। क़लम १२३",
    "किताब ें हाथ ी ज ाना, भ*ड*\u093c*वा",
    "kitaben padhna zaroori hai, haan nahin bhai kah",
    "🙂👩🏽‍🚒 ok 🇮🇳 ❤️ le💲ter",
    "ქართული 中文字 العربية שלום ไทย বাংলা தமிழ்",
    "भ*ड*\u093c*वा र*ंडी म**द कुत्त ी ver min ी",
    "\ud800 alone \udfff \x00 \x1f end",
    "a &amp; b &lt;tag&gt; &#128512; line\nbreak\ttab",
)


def encode(texts: Sequence[str]) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
    """(points, offsets): all texts' code points in one array, text i being points[offsets[i]:offsets[i + 1]].

    HTML entities are resolved (the platform's API escapes &, < and >), compatibility forms folded (NFKC), and each
    text is cut to the part that is read. Any str will do, lone surrogates included.
    """
    return encode_lines("".join([text[:MAX_POINTS].replace(_END, " ") + _END for text in texts]))


def encode_lines(joined: str) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
    """`encode` of texts that are lines already, each at most `MAX_POINTS` long and with a line break behind it.

    What a line break within a text would become is a blank.
    """
    if "&" in joined:
        joined = "".join([_cleaned(line) + _END for line in joined.split(_END)[:-1]])
    if not joined.isascii():  # line by line: most are, and what is normal already is not cheap to normalise
        lines = joined.split(_END)
        joined = _END.join([line if line.isascii() else unicodedata.normalize("NFKC", line) for line in lines])
    points = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    return points, np.concatenate(([0], np.flatnonzero(points == ord(_END)) + 1))


def _cleaned(text: str) -> str:
    return html.unescape(text).replace(_END, " ") if "&" in text else text


def words_of(text: str) -> list[str]:
    """The words of a text as they are read: folded, without hashtags, handles, URLs and numbers.

    >>> words_of("V.e.r.m.i.n, @you said #so at 10")
    ['vermin', 'said', 'at']
    """
    points, offsets = encode([text])
    return find_words(points, offsets, *lookups(), 1)[0]


def is_mark(char: str) -> bool:
    """Whether it is a part of the letter before it, such as an Indic vowel sign."""
    return bool(characters.tables()[0][ord(char)] == characters.MARK)


def matrix(texts: Sequence[str], n_buckets: int) -> sparse.csr_matrix:
    """The features of each text, (n_texts, n_buckets): block scale / sqrt(block size) per bucket that the text has.

    A bucket that two blocks of a text share has the sum of both, so that `matrix(texts) @ weights` is the sum that
    `models.kernels.scoring.score_batch` computes.
    """
    points, offsets = encode(texts)
    out = np.empty(FEATURES_PER_POINT * len(points) + 64, np.int32)
    ends = np.zeros((len(texts), N_BLOCKS), np.int64)
    total = find_batch(points, offsets, *lookups(), n_buckets, out, ends)
    assert total >= 0, "the bound on features per code point does not hold"
    flat = ends.ravel()
    sizes = np.diff(flat, prepend=0)
    with np.errstate(divide="ignore"):
        values = np.repeat(np.tile(BLOCK_SCALES, len(texts)) / np.sqrt(sizes), sizes)
    rows = np.concatenate(([0], ends[:, -1])).astype(np.int64)
    result = sparse.csr_matrix((values, out[:total].astype(np.int64), rows), shape=(len(texts), n_buckets))
    result.sum_duplicates()
    return result


def lookups() -> tuple[
    npt.NDArray[np.uint8],
    npt.NDArray[np.uint32],
    npt.NDArray[np.uint8],
    npt.NDArray[np.uint8],
    npt.NDArray[np.uint32],
]:
    """The tables that every kernel of `models.kernels` takes: kinds, letters, leet, skeleton, known words."""
    kinds, letters = characters.tables()
    return kinds, letters, characters.leet_table(), characters.skeleton_table(), vocabulary.table()


def fingerprint() -> str:
    """16 hex digits of the SHA-256 of what the probe texts hash to: the same features, the same fingerprint.

    An artefact of another fingerprint would read its weights at the wrong places.
    """
    points, offsets = encode(_PROBES)
    out = np.empty(FEATURES_PER_POINT * len(points) + 64, np.int32)
    ends = np.zeros((len(_PROBES), N_BLOCKS), np.int64)
    total = find_batch(points, offsets, *lookups(), 1 << 20, out, ends)
    digest = hashlib.sha256(out[:total].astype("<i4").tobytes())
    digest.update(ends.astype("<i8").tobytes())
    digest.update(repr(BLOCK_SCALES).encode())
    digest.update(vocabulary.table().astype("<u4").tobytes())
    return digest.hexdigest()[:16]
