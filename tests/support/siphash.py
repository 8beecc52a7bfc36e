"""SipHash-2-4 (Aumasson and Bernstein 2012) of one number of 8 bytes, in plain Python, one round after the other."""

from __future__ import annotations

MASK = 2**64 - 1


def turn(x: int, n: int) -> int:
    return ((x << n) | (x >> (64 - n))) & MASK


def siphash(number: int, k0: int, k1: int) -> int:
    """Hash a number under the key (k0, k1).

    >>> key = bytes(range(16))
    >>> hex(siphash(*(int.from_bytes(one, "little") for one in (key[:8], key[:8], key[8:]))))  # the paper's own
    '0x93f5f5799a932462'
    """
    a, b, c, d = (
        one ^ int.from_bytes(word, "big")
        for one, word in zip((k0, k1, k0, k1), (b"somepseu", b"dorandom", b"lygenera", b"tedbytes"), strict=True)
    )
    for word, n in ((number, 2), (8 << 56, 2), (0xFF, 4)):  # the message, its length, the end
        d, c = (d ^ word, c) if n == 2 else (d, c ^ word)
        for _ in range(n):
            a, c = (a + b) & MASK, (c + d) & MASK
            b, d = turn(b, 13) ^ a, turn(d, 16) ^ c
            a, c = (turn(a, 32) + d) & MASK, (c + b) & MASK
            b, d, c = turn(b, 17) ^ c, turn(d, 21) ^ a, turn(c, 32)
        a ^= word if n == 2 else 0
    return a ^ b ^ c ^ d
