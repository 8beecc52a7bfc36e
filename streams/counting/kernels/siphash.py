"""SipHash-2-4 of words of 8 bytes (Aumasson and Bernstein 2012), compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.compiled import compiled


@compiled
def _rotated(word: Any, bits: Any) -> Any:
    return (word << np.uint64(bits)) | (word >> np.uint64(64 - bits))


@compiled
def siphash(words: Any, k0: Any, k1: Any) -> Any:
    """Return the hashes (n,) uint64 of messages of 8 bytes (n,) uint64, given as little-endian words.

    Args:
        words: (n,) uint64.
        k0: first half of the key, uint64.
        k1: second half.
    """
    key, other, hashes = np.uint64(k0), np.uint64(k1), np.empty(len(words), np.uint64)
    for number in range(len(words)):
        v0, v1 = key ^ np.uint64(0x736F6D6570736575), other ^ np.uint64(0x646F72616E646F6D)
        v2, v3 = key ^ np.uint64(0x6C7967656E657261), other ^ np.uint64(0x7465646279746573)
        for step in range(8):  # two rounds each for the message and its length, four to finish
            word = words[number] if step < 2 else np.uint64(8 << 56)
            if step == 0 or step == 2:
                v3 ^= word
            v0, v2 = v0 + v1, v2 + v3
            v1, v3 = _rotated(v1, 13) ^ v0, _rotated(v3, 16) ^ v2
            v0, v2 = _rotated(v0, 32) + v3, v2 + v1
            v1, v3 = _rotated(v1, 17) ^ v2, _rotated(v3, 21) ^ v0
            v2 = _rotated(v2, 32)
            if step == 1 or step == 3:
                v0 ^= word
            if step == 3:
                v2 ^= np.uint64(0xFF)
        hashes[number] = v0 ^ v1 ^ v2 ^ v3
    return hashes
