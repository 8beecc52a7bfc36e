"""Near-copies among texts, so that no text is judged by a model that has seen its twin.

MinHash finds pairs that may be alike without comparing all with all (Broder, 1997): of each text's shingles the least
value under each of many hash functions is kept; two texts agree in one with a probability that is the Jaccard
similarity of their shingles; texts that agree in a whole band of them are candidates, and a candidate pair counts if
its true similarity does.
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
"""From this similarity on two texts are near-copies."""

_SHINGLE = 5  # characters
# 16 bands of 4: a pair at 0.8 becomes a candidate with probability 0.9998, one at 0.5 with 0.64.
_BANDS, _ROWS = 16, 4
_MENTION = re.compile(r"<handle replaced>|https?://\S+|[@#]\w+")
_BETWEEN = re.compile(r"(?:[\u2000-\u206f\s_]|[^\w\u0300-\U0010ffff])+")  # marks and emoji count, punctuation does not
_LARGEST_BAND = 200  # of one key: texts of one or two words, which the exact comparison would take for ever over

_PRIME = np.uint64(0x100000001B3)

Ints = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]


def plain(text: str) -> str:
    """What is compared: letters, signs on them, digits and emoji in lower case; no handles, links, hashtags.

    >>> plain("@user  Go, NOW! #tag")
    'go now'
    """
    return _BETWEEN.sub(" ", _MENTION.sub(" ", text.casefold())).strip()


def clusters(texts: Sequence[str], near: float = NEAR) -> Ints:
    """(n_texts,): texts of one number are near-copies, directly or through others. Numbers count from 0.

    A text in which nothing is left to compare is a near-copy of nothing.
    """
    plains = [plain(text) for text in texts]
    first_with: dict[str, int] = {}
    same = [(first_with.setdefault(text, i), i) for i, text in enumerate(plains) if text]
    distinct = sorted(set(first_with.values()))
    shingles = {i: _shingles(plains[i]) for i in distinct}
    near_pairs = [pair for pair in _candidates(shingles) if _jaccard(*(shingles[i] for i in pair)) >= near]
    rows, columns = np.array([*same, *near_pairs], np.int64).reshape(-1, 2).T
    graph = sparse.coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(texts), len(texts)))
    return np.asarray(csgraph.connected_components(graph, directed=False)[1], np.int64)


def near_copies(texts: Sequence[str], of: Sequence[str], near: float = NEAR) -> npt.NDArray[np.bool_]:
    """(n_texts,): whether a text is a near-copy of any text of `of`."""
    found = clusters([*of, *texts], near)
    return np.isin(found[len(of) :], found[: len(of)])


def _shingles(text: str) -> Hashes:
    """Distinct hashes of all runs of a few characters; of the whole text if it is shorter."""
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
        # Multiply-add modulo 2**64, the upper half (Dietzfelbinger 1996): as good as a random order here.
        least = ((of_text[:, None] * factors + shifts) >> np.uint64(32)).min(axis=0)
        for band in range(_BANDS):
            bands[band, least[band * _ROWS : (band + 1) * _ROWS].tobytes()].append(i)
    return {
        (members[0] if len(members) > _LARGEST_BAND else one, other)
        for members in bands.values()
        for at, other in enumerate(members)
        for one in members[:at]
    }


def _jaccard(one: Hashes, other: Hashes) -> float:
    both = len(np.intersect1d(one, other, assume_unique=True))
    return both / (len(one) + len(other) - both)
