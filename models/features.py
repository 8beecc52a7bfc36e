"""Convert texts to code points and to features, for training and for scoring."""

from __future__ import annotations

import hashlib
import html
import unicodedata
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse

from models import characters, normal_form, vocabulary
from models.kernels.attribution import find_words
from models.kernels.lines import read_lines
from models.kernels.ngrams import FEATURES_PER_POINT, N_BLOCKS, find_batch
from models.kernels.points import MAX_POINTS
from models.kernels.scoring import BLOCK_SCALES

_END = "\n"  # ends a text in the joined batch: normalisation never crosses it
_UTF32 = ("utf-32-le", "surrogatepass")

# Texts that exercise every rule of the features; their hash identifies the features that a model was trained on.
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
    """Encode texts as (points, offsets): text i is points[offsets[i]:offsets[i + 1]].

    HTML entities are resolved (the platform's API escapes &, < and >) and compatibility forms are folded (NFKC). Each
    text is cut to `MAX_POINTS`. Every str is accepted, including lone surrogates.
    """
    lines = "".join([text[:MAX_POINTS].replace(_END, " ") + _END for text in texts])
    return encode_lines(lines.encode("utf-8", "surrogatepass"))


def encode_lines(lines: bytes) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
    """Encode texts that are lines of UTF-8 already, each at most `MAX_POINTS` long and terminated by a line break.

    The caller has replaced line breaks within a text by blanks. Lone surrogates are accepted.

    Raises:
        UnicodeDecodeError: the lines are not UTF-8.
    """
    n_texts = lines.count(_END.encode())
    points, offsets = np.empty(len(lines), np.uint32), np.empty(n_texts + 1, np.int64)
    may_change = np.empty(n_texts, bool)
    if not read_lines(np.frombuffer(lines, np.uint8), normal_form.table(), points, offsets, may_change):
        lines.decode("utf-8", "surrogatepass")  # raises the error
    points = points[: offsets[-1]]
    if may_change.any():
        points = _with_changed(points, offsets, np.flatnonzero(may_change))
        offsets = np.concatenate(([0], np.flatnonzero(points == ord(_END)) + 1))
    return points, offsets


def _with_changed(
    points: npt.NDArray[np.uint32], offsets: npt.NDArray[np.int64], numbers: npt.NDArray[np.int64]
) -> npt.NDArray[np.uint32]:
    """Clean and normalise the lines with some numbers, ascending; the others are copied."""
    raw, at = memoryview(points.view(np.uint8)), 0  # type: ignore[arg-type]  # NumPy's arrays are buffers
    parts: list[memoryview | bytes] = []
    for begin, end in zip((4 * offsets[numbers]).tolist(), (4 * offsets[numbers + 1]).tolist(), strict=True):
        line = _cleaned(str(raw[begin : end - 4], *_UTF32))
        parts += [raw[at:begin], (unicodedata.normalize("NFKC", line) + _END).encode(*_UTF32)]
        at = end
    return np.frombuffer(bytearray().join([*parts, raw[at:]]), np.uint32)


def _cleaned(text: str) -> str:
    return html.unescape(text).replace(_END, " ") if "&" in text else text


def words_of(text: str) -> list[str]:
    """Return the folded words of a text, without hashtags, handles, URLs and numbers.

    >>> words_of("V.e.r.m.i.n, @you wrote #so at 10")
    ['vermin', 'wrote', 'at']
    """
    points, offsets = encode([text])
    return find_words(points, offsets, *lookups(), 1)[0]


def is_mark(char: str) -> bool:
    """Return whether a character belongs to the letter before it, as an Indic vowel sign does."""
    return bool(characters.tables()[0][ord(char)] == characters.MARK)


def matrix(texts: Sequence[str], n_buckets: int) -> sparse.csr_matrix:
    """Compute features (n_texts, n_buckets): block scale / sqrt(block size) in each bucket of the text.

    A bucket of two blocks of a text has the sum of both. `matrix(texts) @ weights` is therefore the sum that
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
    """Return the tables that the kernels take: kinds, letters, leet, skeleton, known words."""
    kinds, letters = characters.tables()
    return kinds, letters, characters.leet_table(), characters.skeleton_table(), vocabulary.table()


def fingerprint() -> str:
    """Compute the fingerprint of the features, 16 hex digits of the SHA-256 of the probe texts' features.

    An artefact with another fingerprint would read its weights from wrong buckets.
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
