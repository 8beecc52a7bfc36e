"""The multiplier of the tables of numbers that no sender can choose alone, such as keys of hashtags."""

from __future__ import annotations

import numpy as np

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""2**64 by the golden ratio: the products of neighbouring numbers lie far apart (Knuth, vol. 3, 6.4)."""
