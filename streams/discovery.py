"""Registries by discovery: a new module of a package is found without a list of them."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any


def discover(package: ModuleType, name: str) -> list[Any]:
    """Return the value of `name` in every module of a package that has one, in the order of the modules' names.

    It imports every module of the package; call it in a function where one of them imports the caller.
    """
    modules = [import_module(f"{package.__name__}.{found.name}") for found in iter_modules(package.__path__)]
    return [getattr(module, name) for module in modules if hasattr(module, name)]
