"""Closed sets of names: the surfaces and categories of a policy, to check against what people type. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import get_args

import msgspec
from hushtag_client.registers import ACCOUNT, TWEET

from streams.errors import CallerMistake
from streams.policy.keys import Surface
from streams.policy.model import Policy

RESERVED_SURFACES = frozenset({ACCOUNT, TWEET})
"""Surfaces of accounts and tweets in the flags contract; only the records of legal orders may use them."""
FLAG_SURFACES = RESERVED_SURFACES.union(get_args(Surface))
"""Every surface that a flag can be on, under any policy."""


class _NamesOnly(msgspec.Struct):
    surfaces: tuple[str, ...]
    categories: dict[str, msgspec.Raw]


_decode = msgspec.json.Decoder(_NamesOnly).decode


@dataclass(frozen=True, slots=True)
class PolicyNames:
    """Surfaces and categories that a policy defines, each sorted."""

    surfaces: tuple[str, ...]
    categories: tuple[str, ...]

    @classmethod
    def of(cls, policy: Policy) -> PolicyNames:
        """Return the names of a policy."""
        return cls(tuple(sorted(policy.surfaces)), policy.category_names)

    @classmethod
    def from_canonical(cls, text: str) -> PolicyNames:
        """Read the names from a canonical text; it may have other keys, of a newer version."""
        names = _decode(text)
        return cls(tuple(sorted(names.surfaces)), tuple(sorted(names.categories)))

    def select_surfaces(self, written: Sequence[str]) -> tuple[str, ...]:
        """Sort the given surfaces of hashtags; an empty list selects all of the policy's.

        Raises:
            CallerMistake: a surface is unknown, or it shows no hashtags.
        """
        for surface in written:
            if surface in RESERVED_SURFACES:
                raise CallerMistake(
                    f"no hashtag is shown on {surface!r}",
                    fix=f"one of {_listed(self.surfaces)}; hushtag orders decide is for accounts and tweets",
                )
            check_name("surface", surface, self.surfaces)
        return tuple(sorted(set(written or self.surfaces)))

    def check_category(self, category: str) -> str:
        """Return the category unchanged; "" means every category.

        Raises:
            CallerMistake: the policy does not define it.
        """
        return check_name("category", category, self.categories) if category else category


def check_name(kind: str, written: str, valid_names: Iterable[str]) -> str:
    """Return a name of a closed set unchanged.

    Args:
        kind: noun for the error, such as `surface`.
        written: name that a person typed.
        valid_names: every valid name.

    Raises:
        CallerMistake: the set does not have it; the error has the value, the closest names and the whole set.
    """
    names = sorted(valid_names)
    if written in names:
        return written
    near = difflib.get_close_matches(written.lower(), names, 3, 0.5)
    meant = f"did you mean {' or '.join(near)}? " if near else ""
    raise CallerMistake(f"unknown {kind} {written[:40]!r}", fix=f"{meant}use one of {_listed(names)}")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
