"""Hashes: SipHash of names and of numbers (Aumasson and Bernstein 2012), and a multiplier."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.compiled import compiled
from streams.counting.kernels.lines import Bytes, UInts

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""2**64 divided by the golden ratio: products of neighbouring numbers lie far apart (Knuth, vol. 3, 6.4).

For tables of numbers that no sender can choose alone, such as keys of hashtags.
"""
_THREE = np.uint64(3)


@compiled
def _turned(word: np.uint64, bits: int) -> np.uint64:
    return (word << np.uint64(bits)) | (word >> np.uint64(64 - bits))


@compiled
def _round(v0: np.uint64, v1: np.uint64, v2: np.uint64, v3: np.uint64) -> tuple[np.uint64, ...]:
    v0, v2 = v0 + v1, v2 + v3
    v1, v3 = _turned(v1, 13) ^ v0, _turned(v3, 16) ^ v2
    v0, v2 = _turned(v0, 32) + v3, v2 + v1
    v1, v3 = _turned(v1, 17) ^ v2, _turned(v3, 21) ^ v0
    return v0, v1, _turned(v2, 32), v3


@compiled
def hash_of(data: Bytes, first: int, end: int, key: UInts, rounds: int = 1) -> np.uint64:
    """Return the SipHash of `data[first:end]` under a key of two words.

    It has so many rounds for a word, and two more at the end: SipHash-1-3 is enough for a table.
    """
    v0, v1 = key[0] ^ np.uint64(0x736F6D6570736575), key[1] ^ np.uint64(0x646F72616E646F6D)
    v2, v3 = key[0] ^ np.uint64(0x6C7967656E657261), key[1] ^ np.uint64(0x7465646279746573)
    whole = (end - first) // 8
    for word_at in range(whole + 1):
        at = np.uint64(first + 8 * word_at)
        word = np.uint64(0) if word_at < whole else np.uint64(end - first) << np.uint64(56)
        for i in range(np.uint64(8 if word_at < whole else (end - first) % 8)):
            word |= np.uint64(data[at + i]) << (i << _THREE)
        v3 ^= word
        for _ in range(rounds):
            v0, v1, v2, v3 = _round(v0, v1, v2, v3)
        v0 ^= word
    v2 ^= np.uint64(0xFF)
    for _ in range(rounds + 2):
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    return np.uint64(v0 ^ v1 ^ v2 ^ v3)


@compiled
def siphash(words: UInts, key: UInts) -> Any:
    """Return the SipHash-2-4 (n,) uint64 of messages of 8 bytes (n,), given as little-endian words."""
    hashes, data = np.empty(len(words), np.uint64), words.view(np.uint8)
    for number in range(len(words)):
        hashes[number] = hash_of(data, 8 * number, 8 * number + 8, key, 2)
    return hashes
