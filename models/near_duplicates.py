"""Find near-duplicates among texts, so that no text is scored by a model trained on its twin.

MinHash (Broder, 1997) finds similar pairs without comparing all pairs. It keeps the least value of a text's shingles
under each of many hash functions. Two texts agree in such a value with a probability equal to the Jaccard similarity of
their shingles. Texts that agree in a whole band of values are candidates; a candidate pair counts if its exact
similarity is high enough.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse import csgraph

NEAR = 0.8
"""Minimum Jaccard similarity of near-duplicates."""

_SHINGLE = 5  # characters
# 16 bands of 4: a pair at 0.8 becomes a candidate with probability 0.9998, one at 0.5 with 0.64.
_BANDS, _ROWS = 16, 4
_MENTION = re.compile(r"<handle replaced>|https?://\S+|[@#]\w+")
_BETWEEN = re.compile(r"(?:[\u2000-\u206f\s_]|[^\w\u0300-\U0010ffff])+")  # marks and emoji count, punctuation does not
_LARGEST_BAND = 200  # texts of one key; larger ones (very short texts) would take the exact comparison too long

_PRIME = np.uint64(0x100000001B3)

Ints = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]


def comparable(text: str) -> str:
    """Reduce a text to letters with marks, digits and emoji, in lower case, without handles, links, hashtags.

    >>> comparable("@user  Go, NOW! #tag")
    'go now'
    """
    return _BETWEEN.sub(" ", _MENTION.sub(" ", text.casefold())).strip()


def clusters(texts: Sequence[str], near: float = NEAR) -> Ints:
    """Cluster near-duplicates, direct or through others; returns a number from 0 per text, (n_texts,).

    A text without comparable characters forms a separate cluster.
    """
    plains = [comparable(text) for text in texts]
    first_with: dict[str, int] = {}
    same = [(first_with.setdefault(text, i), i) for i, text in enumerate(plains) if text]
    distinct = sorted(set(first_with.values()))
    shingles = {i: _shingles(plains[i]) for i in distinct}
    near_pairs = [pair for pair in _candidates(shingles) if _jaccard(*(shingles[i] for i in pair)) >= near]
    rows, columns = np.array([*same, *near_pairs], np.int64).reshape(-1, 2).T
    graph = sparse.coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(texts), len(texts)))
    return np.asarray(csgraph.connected_components(graph, directed=False)[1], np.int64)


def _shingles(text: str) -> Hashes:
    """Hash all runs of `_SHINGLE` characters, or the whole text if it is shorter."""
    points = np.frombuffer(text.ljust(_SHINGLE).encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    hashes = np.zeros(len(points) - _SHINGLE + 1, np.uint64)
    for at in range(_SHINGLE):
        hashes = (hashes ^ points[at : at + len(hashes)]) * _PRIME
    return np.unique(hashes)


def _candidates(shingles: dict[int, Hashes]) -> set[tuple[int, int]]:
    rng = np.random.default_rng(0)
    factors = rng.integers(1, 1 << 63, _BANDS * _ROWS, np.uint64) | np.uint64(1)
    shifts = rng.integers(0, 1 << 63, _BANDS * _ROWS, np.uint64)
    bands: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    for i, of_text in shingles.items():
        # Upper half of a multiply-add modulo 2**64 (Dietzfelbinger 1996), as good as a random order here.
        least = ((of_text[:, None] * factors + shifts) >> np.uint64(32)).min(axis=0)
        for band in range(_BANDS):
            bands[band, least[band * _ROWS : (band + 1) * _ROWS].tobytes()].append(i)
    return {
        (members[0] if len(members) > _LARGEST_BAND else earlier, other)
        for members in bands.values()
        for at, other in enumerate(members)
        for earlier in members[:at]
    }


def _jaccard(shingles: Hashes, other: Hashes) -> float:
    both = len(np.intersect1d(shingles, other, assume_unique=True))
    return both / (len(shingles) + len(other) - both)
