"""64-bit hashes of words: FNV-1a over code points, mixed where bits are taken out of it.

http://www.isthe.com/chongo/tech/comp/fnv: a hash is carried on point by point, so that the hashes of all beginnings of
a word cost no more than that of the word.
"""

from __future__ import annotations

import numpy as np

from models.compiled import compiled
from models.kernels.points import Points

SEED = np.uint64(0xCBF29CE484222325)
PRIME = np.uint64(0x100000001B3)
PAIR = np.uint64(0x9E3779B97F4A7C15)  # of two words: the first's hash times this, and the second's
_MIX = np.uint64(0xFF51AFD7ED558CCD)


@compiled
def mixed(hashed: np.uint64) -> np.uint64:
    """The same with its bits mixed: those that a bucket or a key is made of depend on all."""
    hashed = (hashed ^ (hashed >> np.uint64(33))) * _MIX
    return hashed ^ (hashed >> np.uint64(29))


@compiled
def hash_of(words: Points, begin: int, end: int) -> np.uint64:
    """FNV-1a of the code points words[begin:end]."""
    hashed = SEED
    for i in range(begin, end):
        hashed = (hashed ^ np.uint64(words[i])) * PRIME
    return hashed
