"""Compile functions with numba, with a disk cache that notices changes in callees and constants.

numba inlines callees and constants into a function, but its cache key covers the function's own file only. A changed
callee in another file would keep its old machine code. The key here adds the files of all callees and the values of
all constants, which are found by the names in the function's code.
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
    """Compile a function to run without the GIL.

    The machine code is cached on disk if a cache folder is writable; otherwise each process compiles again. The
    function may name builtins, NumPy, `math`, constants and compiled functions. Compiled functions must be imported
    by name, not used as a module's attribute.

    Raises:
        TypeError: at the first call, if the function names anything else.
    """
    dispatcher: Any = njit(function, nogil=True)
    with suppress(RuntimeError):  # numba found no writable cache folder
        dispatcher._cache = _Cache(function)  # numba's `enable_caching` accepts no other class of cache
    return dispatcher  # type: ignore[no-any-return]


class _Cache(FunctionCache):
    """Cache of numba whose key also covers callees and constants."""

    def __init__(self, function: Any) -> None:
        super().__init__(function)  # type: ignore[no-untyped-call]
        _digest(function.__code__.co_filename)  # at import: the file may change afterwards

    def _index_key(self, sig: object, codegen: object) -> tuple[object, ...]:
        dependencies: dict[str, object] = {}
        _collect(self._py_func, dependencies)
        key = super()._index_key(sig, codegen)  # type: ignore[no-untyped-call]
        return (*key, tuple(sorted(dependencies.items())))


def _collect(function: Any, dependencies: dict[str, object]) -> None:
    """Add what is compiled into `function`, by name: digests of callees' files and values of constants."""
    for name in _names(function.__code__):
        if name not in function.__globals__:  # a builtin, or an attribute
            continue
        value = function.__globals__[name]
        if isinstance(value, Dispatcher):
            callee = value.py_func
            full_name = f"{callee.__module__}.{callee.__qualname__}"
            if full_name not in dependencies:
                dependencies[full_name] = _digest(callee.__code__.co_filename)
                _collect(callee, dependencies)
        elif isinstance(value, _CONSTANTS):
            bits = (value.dtype.str, value.shape, value.tobytes()) if isinstance(value, np.ndarray) else repr(value)
            dependencies[f"{function.__module__}.{name}"] = bits
        elif not any(value is library for library in _LIBRARIES):
            raise TypeError(
                f"{function.__module__}.{function.__qualname__} names {name}, {type(value).__name__}: the disk cache "
                "cannot notice a change of it; import the compiled function or the constant itself"
            )


def _names(code: CodeType) -> Iterator[str]:
    """Yield names of globals and attributes, including those of nested code."""
    yield from code.co_names
    for within in code.co_consts:
        if isinstance(within, CodeType):
            yield from _names(within)


@cache
def _digest(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
