"""Compiled functions of the code, found by their decorator."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from types import CodeType
from typing import Any

from models import compiled
from tests.support.paths import ROOT

PACKAGES = ("models", "streams", "moderation", "surfaces", "web")


def all_kernels() -> list[Any]:
    """Import every module with a compiled function; return all of them."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if re.search(r"^@compiled$", path.read_text("utf-8"), re.MULTILINE):
                import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    return list(compiled._kernels)


def called_kernels() -> dict[str, Any]:
    """Return the compiled functions that ordinary functions name, by their full name."""
    kernels = all_kernels()
    own = {(one.py_func.__code__.co_filename, one.py_func.__code__.co_firstlineno) for one in kernels}
    homes = {(one.py_func.__module__, one.py_func.__code__.co_filename) for one in kernels}
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            text = path.read_text("utf-8")
            if not any(module in text or str(path) == file for module, file in homes):
                continue
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            names = vars(import_module(module))
            for code in _functions(compile(text, str(path), "exec")):
                if (code.co_filename, code.co_firstlineno) in own:
                    continue
                for kernel in (names.get(name) for name in code.co_names):
                    if any(kernel is one for one in kernels):
                        found[f"{kernel.py_func.__module__}.{kernel.py_func.__name__}"] = kernel
    return found


def _functions(code: CodeType) -> Iterator[CodeType]:
    """Yield the code of all functions within other code."""
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield one
            yield from _functions(one)
