"""Functions compiled by numba, kept on disk for as long as nothing that was compiled into them has changed.

numba compiles into a function what it calls and the numbers that it names, but keeps the machine code by the file that
the function itself stands in: it would go on running yesterday's callee out of another file. So the key has these as
well, found by the names in the function's code: the files of what it calls, and the constants.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any

import numpy as np
from numba import njit
from numba.core.caching import FunctionCache
from numba.core.dispatcher import Dispatcher

_LIBRARIES = (np, math)
_CONSTANTS = (int, float, tuple, np.generic, np.ndarray)


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiled to run without the GIL; kept on disk where that can be written, else compiled anew in each process.

    What it names beside builtins is NumPy, `math`, constants, and functions that are compiled, each under its own name
    and not as some module's attribute. TypeError, when it is called, for anything else.
    """
    dispatcher: Any = njit(function, nogil=True)
    with suppress(RuntimeError):  # numba: no folder for its cache can be written
        dispatcher._cache = _Cache(function)  # as its own `enable_caching`, which knows of one kind of cache only
    return dispatcher  # type: ignore[no-any-return]


class _Cache(FunctionCache):
    """numba's, under a key that has what the function calls and names, too."""

    def __init__(self, function: Any) -> None:
        super().__init__(function)  # type: ignore[no-untyped-call]
        _digest(function.__code__.co_filename)  # now: later the file may be another than the one that was imported

    def _index_key(self, sig: object, codegen: object) -> tuple[object, ...]:
        meant: dict[str, object] = {}
        _collect(self._py_func, meant)
        key = super()._index_key(sig, codegen)  # type: ignore[no-untyped-call]
        return (*key, tuple(sorted(meant.items())))


def _collect(function: Any, meant: dict[str, object]) -> None:
    """Adds to `meant` what is compiled into `function`, by name: the digest of a callee's file, a constant's value."""
    for name in _names(function.__code__):
        if name not in function.__globals__:  # a builtin, or an attribute
            continue
        value = function.__globals__[name]
        if isinstance(value, Dispatcher):
            callee = value.py_func
            full_name = f"{callee.__module__}.{callee.__qualname__}"
            if full_name not in meant:
                meant[full_name] = _digest(callee.__code__.co_filename)
                _collect(callee, meant)
        elif isinstance(value, _CONSTANTS):
            bits = (value.dtype.str, value.shape, value.tobytes()) if isinstance(value, np.ndarray) else repr(value)
            meant[f"{function.__module__}.{name}"] = bits
        elif not any(value is library for library in _LIBRARIES):
            raise TypeError(
                f"{function.__module__}.{function.__qualname__} names {name}, {type(value).__name__}: a change of what "
                "it stands for would not be noticed on disk; import the compiled function or the constant itself"
            )


def _names(code: CodeType) -> Iterator[str]:
    """Of globals and attributes, in code within the code, too."""
    yield from code.co_names
    for within in code.co_consts:
        if isinstance(within, CodeType):
            yield from _names(within)


@cache
def _digest(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
