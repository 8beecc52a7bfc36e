"""Compile functions with numba, with a disk cache that notices changes in callees and constants.

numba inlines callees and constants into a function, but its cache key covers the function's own file only. A changed
callee in another file would keep its old machine code. The key here adds the files of all callees and the values of
all constants, which are found by the names in the function's code.

numba uses a cache folder only if it can write there. A read-only image has one that its build has filled: it is read.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from types import CodeType
from typing import Any

import numpy as np
from llvmlite.binding import parse_bitcode
from numba import njit
from numba.core.caching import CompileResultCacheImpl, FunctionCache, InTreeCacheLocator, UserProvidedCacheLocator
from numba.core.dispatcher import Dispatcher

_LIBRARIES = (np, math)
_CONSTANTS = (int, float, tuple, np.generic, np.ndarray)
_kernels: list[Any] = []


@dataclass(frozen=True, slots=True)
class KernelCounts:
    """Counts of this process: compiled functions, and their machine code by origin. A function may have several."""

    kernels: int
    """Functions that `compiled` decorates."""
    loaded: int
    """Machine codes read from the disk."""
    compiled: int
    unsaved: int
    """Machine codes of `compiled` that the disk does not keep."""


def kernel_counts() -> KernelCounts:
    """Count what this process has compiled so far, and what it has read from the disk."""
    unsaved = sum(
        kernel._cache.unsaved if isinstance(kernel._cache, _Cache) else kernel.stats.cache_misses.total()
        for kernel in _kernels
    )
    return KernelCounts(
        kernels=len(_kernels),
        loaded=sum(kernel.stats.cache_hits.total() for kernel in _kernels),
        compiled=sum(kernel.stats.cache_misses.total() for kernel in _kernels),
        unsaved=unsaved,
    )


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function to run without the GIL.

    The machine code is cached on disk if a cache folder is writable. Otherwise it is read from the folder next to the
    source; each process compiles again what is not there. The function may name builtins, NumPy, `math`, constants and
    compiled functions. Compiled functions must be imported by name, not used as a module's attribute.

    Raises:
        TypeError: at the first call, if the function names anything else.
    """
    return _compiled(function)


def inlined(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a small function into its callers, as `compiled` does.

    A call counts the references to each array argument, which costs more than a few instructions on its values.
    """
    return _compiled(function, inline="always")


def _compiled(function: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    dispatcher: Any = njit(function, nogil=True, **options)
    with suppress(RuntimeError):  # numba found no writable cache folder
        dispatcher._cache = _Cache(function)  # numba's `enable_caching` accepts no other class of cache
    _kernels.append(dispatcher)
    return dispatcher  # type: ignore[no-any-return]


class InstalledCacheLocator(InTreeCacheLocator):
    """Cache folder next to the source that this process can read and not write, as in a read-only image."""

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> InstalledCacheLocator | None:
        """Return the locator if the folder has machine code of the function, else None."""
        locator: Any = cls(py_func, py_file)
        pattern = f"{Path(py_file).stem}.{py_func.__name__}-{locator.get_disambiguator()}.*.nbi"
        return locator if any(Path(locator.get_cache_path()).glob(pattern)) else None


class _CacheImpl(CompileResultCacheImpl):
    _locator_classes = [  # noqa: RUF012  # numba's own attribute
        UserProvidedCacheLocator,
        InTreeCacheLocator,
        InstalledCacheLocator,
        *CompileResultCacheImpl._locator_classes[2:],
    ]


class _Cache(FunctionCache):
    """Cache of numba whose key also covers callees and constants. A folder that is not writable is no error."""

    _impl_class = _CacheImpl

    def __init__(self, function: Any) -> None:
        super().__init__(function)  # type: ignore[no-untyped-call]
        self.unsaved = 0
        _digest(function.__code__.co_filename)  # at import: the file may change afterwards

    def load_overload(self, sig: object, target_context: object) -> Any:
        """Load machine code. Its LLVM module serves only callers that are compiled later: it is kept as bitcode.

        A parsed module takes ten times the memory of its bitcode.
        """
        result: Any = super().load_overload(sig, target_context)  # type: ignore[no-untyped-call]
        if result is not None:
            library = result.library
            bitcode = library._get_module_for_linking().as_bitcode()
            library._shared_module = None
            library._get_module_for_linking = partial(parse_bitcode, bitcode)
        return result

    def save_overload(self, sig: object, data: object) -> None:
        """Save machine code; a folder that cannot be written counts in `unsaved`."""
        try:
            super().save_overload(sig, data)  # type: ignore[no-untyped-call]
        except OSError:
            self.unsaved += 1

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
