"""Hash words to 64 bits: FNV-1a over code points, mixed before bits are extracted.

FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv) is incremental: the hashes of all prefixes of a word cost no more
than the hash of the word.
"""

from __future__ import annotations

import numpy as np

from models.compiled import inlined
from models.kernels.points import Points

SEED = np.uint64(0xCBF29CE484222325)
PRIME = np.uint64(0x100000001B3)
PAIR = np.uint64(0x9E3779B97F4A7C15)  # hash of two words: the first's hash times this, plus the second's
_MIX = np.uint64(0xFF51AFD7ED558CCD)


@inlined
def mixed(hashed: np.uint64) -> np.uint64:
    """Mix a hash, so that the bits of a bucket or key depend on all of its bits."""
    hashed = (hashed ^ (hashed >> np.uint64(33))) * _MIX
    return hashed ^ (hashed >> np.uint64(29))


@inlined
def hash_of(words: Points, begin: int, end: int) -> np.uint64:
    """Compute the FNV-1a hash of the code points words[begin:end]."""
    hashed = SEED
    for i in range(begin, end):
        hashed = (hashed ^ np.uint64(words[i])) * PRIME
    return hashed
