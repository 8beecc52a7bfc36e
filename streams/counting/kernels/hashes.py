"""Hashes: SipHash of numbers and of names (Aumasson and Bernstein 2012), shards of names, and a multiplier."""

from __future__ import annotations

from typing import Any
from zlib import crc32

import numpy as np

from models.compiled import compiled
from streams.counting.kernels.lines import Bytes, UInts

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""2**64 divided by the golden ratio: products of neighbouring numbers lie far apart (Knuth, vol. 3, 6.4).

For tables of numbers that no sender can choose alone, such as keys of hashtags.
"""
_REMAINDERS = np.array([crc32(bytes([byte ^ 0xFF])) ^ 0xFF000000 for byte in range(256)], np.uint32)
"""CRC-32 remainder of each byte, out of the checksums of single bytes."""
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
def siphash(words: Any, k0: Any, k1: Any) -> Any:
    """Return the SipHash-2-4 (n,) uint64 of messages of 8 bytes (n,) uint64, given as little-endian words.

    Args:
        words: (n,) uint64.
        k0: first half of the key, uint64.
        k1: second half.
    """
    key, other, hashes = np.uint64(k0), np.uint64(k1), np.empty(len(words), np.uint64)
    for number in range(len(words)):
        v0, v1 = key ^ np.uint64(0x736F6D6570736575), other ^ np.uint64(0x646F72616E646F6D)
        v2, v3 = key ^ np.uint64(0x6C7967656E657261), other ^ np.uint64(0x7465646279746573)
        for step in range(2):
            word = words[number] if step == 0 else np.uint64(8 << 56)  # the message, then its length
            v3 ^= word
            v0, v1, v2, v3 = _round(*_round(v0, v1, v2, v3))
            v0 ^= word
        v2 ^= np.uint64(0xFF)
        for _ in range(4):
            v0, v1, v2, v3 = _round(v0, v1, v2, v3)
        hashes[number] = v0 ^ v1 ^ v2 ^ v3
    return hashes


@compiled
def hash_of(lines: Bytes, first: int, end: int, secret: UInts) -> np.uint64:
    """Return the SipHash-1-3 of `lines[first:end]` under a key of two words."""
    v0, v1 = secret[0] ^ np.uint64(0x736F6D6570736575), secret[1] ^ np.uint64(0x646F72616E646F6D)
    v2, v3 = secret[0] ^ np.uint64(0x6C7967656E657261), secret[1] ^ np.uint64(0x7465646279746573)
    whole = (end - first) // 8
    for word_at in range(whole + 1):
        at = np.uint64(first + 8 * word_at)
        word = np.uint64(0) if word_at < whole else np.uint64(end - first) << np.uint64(56)
        for i in range(np.uint64(8 if word_at < whole else (end - first) % 8)):
            word |= np.uint64(lines[at + i]) << (i << _THREE)
        v3 ^= word
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
        v0 ^= word
    v2 ^= np.uint64(0xFF)
    for _ in range(3):
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    return np.uint64(v0 ^ v1 ^ v2 ^ v3)


@compiled
def shards_of(arena: Any, begins: Any, ends: Any, shards: Any) -> Any:
    """Return the CRC-32 modulo the number of shards (n,) int64 of the bytes [begin, end) of an arena.

    `streams.counting.keys.Sharding` is the same for one hashtag.

    Args:
        arena: (a,) uint8.
        begins: (n,) int64.
        ends: (n,) int64.
        shards: number of shards.
    """
    found = np.empty(len(begins), np.int64)
    for number in range(len(begins)):
        rest = np.uint32(0xFFFFFFFF)
        for place in range(begins[number], ends[number]):
            rest = _REMAINDERS[(rest ^ arena[place]) & np.uint32(255)] ^ (rest >> np.uint32(8))
        found[number] = np.int64(rest ^ np.uint32(0xFFFFFFFF)) % shards
    return found
