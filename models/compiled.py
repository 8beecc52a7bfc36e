"""Functions compiled by numba."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiled to run without the GIL; kept on disk where that can be written, else compiled anew in each process."""
    try:
        return njit(function, nogil=True, cache=True)  # type: ignore[no-any-return]
    except RuntimeError:  # numba: no folder for its cache can be written
        return njit(function, nogil=True)  # type: ignore[no-any-return]
