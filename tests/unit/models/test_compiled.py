"""Disk cache of compiled functions: reuse without changes, and invalidation by changes in other files."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from numba.core.caching import _CacheLocator

from models import compiled

PLAIN = {
    "kernel_caller": """
from kernel_middle import twice
from models.compiled import compiled

@compiled
def answer(x):
    return twice(x) + 1
""",
    "kernel_middle": """
from kernel_constants import FACTOR
from kernel_inner import same
from models.compiled import compiled

@compiled
def twice(x):
    return FACTOR * same(x)
""",
    "kernel_inner": """
from models.compiled import compiled

@compiled
def same(x):
    return x
""",
    "kernel_constants": "FACTOR = 2\n",
}
"""A caller, its callee, the callee's callee and a constant, each in a separate file."""


class Kernels:
    """Modules in a folder, imported again for each call as in a new process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def ask(self, **changed: str) -> tuple[str, int]:
        """Write and import the modules; return the result and the number of cache hits."""
        for name, text in (PLAIN | changed).items():
            (self.folder / f"{name}.py").write_text(text, "utf-8")
            sys.modules.pop(name, None)
        importlib.invalidate_caches()
        compiled._digest.cache_clear()
        answer = importlib.import_module("kernel_caller").answer
        return repr(answer(5)), answer.stats.cache_hits.total()


@pytest.fixture
def kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kernels]:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    made = Kernels(tmp_path)
    assert made.ask() == ("11", 0)
    yield made
    for name in PLAIN:
        sys.modules.pop(name, None)


def test_unchanged_function_is_loaded_from_cache(kernels: Kernels) -> None:
    assert kernels.ask() == ("11", 1)


@pytest.mark.parametrize(
    ("name", "old", "new", "answer"),
    [
        ("kernel_middle", "FACTOR * same", "100 + same", "106"),
        ("kernel_inner", "return x", "return -x", "-9"),
        ("kernel_constants", "2", "3", "16"),
        ("kernel_constants", "2", "2.0", "11.0"),
    ],
    ids=["callee", "callee's callee", "constant", "type of a constant"],
)
def test_change_in_another_file_compiles_again(kernels: Kernels, name: str, old: str, new: str, answer: str) -> None:
    assert kernels.ask(**{name: PLAIN[name].replace(old, new)}) == (answer, 0)
    assert kernels.ask() == ("11", 1), "the former code is still cached"


def test_loaded_callee_links_into_a_new_caller(kernels: Kernels) -> None:
    assert kernels.ask(kernel_caller=PLAIN["kernel_caller"].replace("+ 1", "+ 2")) == ("12", 0)
    callee = importlib.import_module("kernel_middle").twice
    assert callee.stats.cache_hits.total() == 1
    (loaded,) = callee.overloads.values()
    assert loaded.library._shared_module is None, "its parsed module takes memory"


def test_call_through_a_module_is_refused(kernels: Kernels) -> None:
    caller = PLAIN["kernel_caller"].replace("from kernel_middle import twice", "import kernel_middle")
    with pytest.raises(TypeError, match=r"kernel_caller\.answer names kernel_middle, module: .* import the compiled"):
        kernels.ask(kernel_caller=caller.replace("twice(x)", "kernel_middle.twice(x)"))


@pytest.fixture
def read_only(kernels: Kernels, monkeypatch: pytest.MonkeyPatch) -> Kernels:
    """The same kernels, in a folder that the cache can read and not write."""

    def refuse(self: _CacheLocator) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(_CacheLocator, "ensure_cache_path", refuse)
    monkeypatch.setattr("numba.core.config.CACHE_DIR", "")
    return kernels


def test_read_only_folder_is_read(read_only: Kernels) -> None:
    before = compiled.kernel_counts()
    assert read_only.ask() == ("11", 1)
    after = compiled.kernel_counts()
    assert (after.loaded - before.loaded, after.compiled - before.compiled) == (1, 0)


def test_read_only_folder_of_other_code_compiles_unsaved(read_only: Kernels) -> None:
    before = compiled.kernel_counts()
    assert read_only.ask(kernel_constants="FACTOR = 3\n") == ("16", 0)
    after = compiled.kernel_counts()
    assert after.compiled - before.compiled == after.unsaved - before.unsaved == 2, "the caller and its callee"


def test_folder_without_machine_code_is_no_cache(read_only: Kernels) -> None:
    for index in read_only.folder.glob("__pycache__/*.nbi"):
        index.unlink()
    before = compiled.kernel_counts()
    assert read_only.ask() == ("11", 0)
    after = compiled.kernel_counts()
    assert after.unsaved - before.unsaved == 3
