"""Changes of published files, one member at a time: what a verifier must refuse, or list as not verified."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Any

from hypothesis import strategies as st

from tests.support.proof_vectors import VECTORS
from tests.support.proof_world import TO_MS, published_report

Path = tuple[Any, ...]
File = dict[str, Any]
Answer = dict[str, Any]
SCALARS: tuple[Any, ...] = (
    None, "hashtag", "suspended", "held", "human", "IN", "", "*", "\ud800", True, False, -3, 0, 1, 300, TO_MS - 1, 7.0,
    7.5, 2**53, [], {}, ["trends"], {"en": "x"},
)  # fmt: skip


@cache
def statements() -> tuple[File, ...]:
    """Return the statements of each kind that verify."""
    good = [one for one in VECTORS["proofs"] if one["code"] is None and "restriction" in one.get("file", {})]
    assert len(good) >= 6
    return tuple(one["file"] for one in good)


def report() -> File:
    """Return a report that verifies."""
    read: File = json.loads(published_report())
    return read


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """List the paths of all members of a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in items:
        yield (*path, key)
        yield from places(part, (*path, key))


def replaced(file: File, path: Path, value: Any) -> File:
    """Return the file with another value at a path."""
    file = deepcopy(file)
    holder: Any = file
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return file


def removed(file: File, path: Path) -> File:
    """Return the file without the member at a path."""
    file = deepcopy(file)
    holder: Any = file
    for key in path[:-1]:
        holder = holder[key]
    del holder[path[-1]]
    return file


def value_at(file: File, path: Path) -> Any:
    """Return the value at a path."""
    value: Any = file
    for key in path:
        value = value[key]
    return value


def is_listed(path: Path, names: list[str]) -> bool:
    """Return whether a list of names has a member, or one that contains it."""
    return any(".".join(map(str, path[:length])) in names for length in range(1, len(path) + 1))


@dataclass(frozen=True)
class Change:
    """A file with one member changed, added or removed."""

    before: File
    after: File
    path: Path

    @property
    def is_removal(self) -> bool:
        """Whether the member was removed, so that no one can read it."""
        return not isinstance(self.path[-1], int) and self.path[-1] not in value_at(self.after, self.path[:-1])

    def allows(self, before: Answer, after: Answer) -> bool:
        """Return whether a verifier may accept the file: it lists the member, or listed it before its removal.

        A language whose words are removed says nothing false.
        """
        listed = [*after["not_verified"], *(before["not_verified"] if self.is_removal else [])]
        return is_listed(self.path, listed) or (self.is_removal and self.path[0] == "text")


@st.composite
def changes(draw: st.DrawFn, files: tuple[File, ...]) -> Change:
    """Draw a file with one member changed, added or removed, or one character of a text changed."""
    file = draw(st.sampled_from(files))
    path = draw(st.sampled_from([*places(file)]))
    old = value_at(file, path)
    kind = draw(st.sampled_from(["replace", "remove", "character", "add"]))
    if kind == "character" and isinstance(old, str) and old:
        at = draw(st.integers(0, len(old) - 1))
        new = old[:at] + draw(st.sampled_from(["", "A", "0", "\n", "=", "é"])) + old[at + 1 :]
        return Change(file, replaced(file, path, new), path)
    if kind == "remove" and not isinstance(path[-1], int):
        return Change(file, removed(file, path), path)
    if kind == "add" and isinstance(old, dict):
        path = (*path, draw(st.sampled_from(["more", "suspended", "xx"])))
    value = draw(st.sampled_from(SCALARS) | st.text(max_size=3) | st.floats(-2, 2))
    return Change(file, replaced(file, path, value), path)
