"""Compiles the kernels of the table of names, or reads them from disk."""

from __future__ import annotations

import numpy as np

from streams.counting.keys import COUNTRY_BITS, Tags


def warm_up_names() -> None:
    """Number a name, find it and release it."""
    tags = Tags()
    tags.of(["a"])
    tags.names(np.array([1 << COUNTRY_BITS], np.int64))
    tags.find("a", "*")
    tags.forget([1])
