"""Registers indexed for reading: hashtag → surface → country → candidates, the strongest first.

The hashtag comes first because most checked hashtags have no register. A country has its own entry only if it has its
own register; all other countries use the entry of `*`. One thread writes. Entries are tuples and each step replaces one
dictionary value, so that readers in other threads need no lock.

An entry holds the precomputed answer of its strongest candidate. It is valid until that candidate expires, unless a
stop button lifts it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from hushtag_client.answer import Answer, answer_of
from hushtag_client.registers import ANY_HASHTAG, FLAGGING, WORLD, Register
from hushtag_client.resolution import candidates

Candidates = tuple[Register, ...]
_FOR_EVER_NS = 2**63


class IndexEntry(NamedTuple):
    """Candidates for one viewer and hashtag, with the answer of the strongest."""

    until_ns: int
    """Expiry of the strongest candidate, in nanoseconds since the epoch."""
    liftable: bool
    """Whether a stop button can lift the answer."""
    answer: Answer
    candidates: Candidates


class Index:
    """All effective registers, by field and by (hashtag, surface, country)."""

    def __init__(self, registers: Iterable[Register] = ()) -> None:
        self.registers: dict[str, Register] = {}
        self.tags: dict[str, dict[str, dict[str, IndexEntry]]] = {}
        """Entries by hashtag, surface and country."""
        self.stopped: set[str] = set()
        """Surfaces with a register on the hashtag `*`."""
        self.discounted: dict[str, set[str]] = {}
        """Hashtags with a `discount`, in force or not, by surface; there are few."""
        self._slots: dict[tuple[str, str], dict[str, Register]] = {}
        for register in registers:
            self.put(register)

    def put(self, register: Register) -> None:
        """Replace the register of the same field; the caller compares versions."""
        self.registers[register.field] = register
        slot = self._slots.setdefault((register.hashtag, register.surface), {})
        slot[register.field] = register
        self._update(register, slot)

    def remove(self, field: str) -> None:
        """Remove a register, if there is one."""
        register = self.registers.pop(field, None)
        if register is None:
            return
        slot = self._slots[register.hashtag, register.surface]
        del slot[field]
        self._update(register, slot)
        if not slot:
            del self._slots[register.hashtag, register.surface]

    def candidates(self, surface: str, country: str | None, hashtag: str) -> Candidates:
        """Return the candidates for a viewer; an unknown `country` is None, "" or `*`."""
        view = self.tags.get(hashtag, {}).get(surface, {})
        entry = view.get(country or WORLD) or view.get(WORLD)
        return entry.candidates if entry else ()

    def stops(self, surface: str, country: str | None) -> Candidates:
        """Return the stop buttons in a viewer's scope."""
        return self.candidates(surface, country, ANY_HASHTAG)

    def hashtags(self, surface: str) -> list[str]:
        """List the hashtags with candidates on a surface."""
        return [hashtag for hashtag, surfaces in list(self.tags.items()) if surface in surfaces]

    def _update(self, changed: Register, slot: dict[str, Register]) -> None:
        """Rebuild the entries that a changed register may affect."""
        surfaces = self.tags.get(changed.hashtag, {})
        view = dict(surfaces.get(changed.surface, {}))
        countries = {changed.country}
        if changed.country == WORLD:
            countries.update(register.country for register in slot.values())
        for country in countries:
            ordered = candidates(slot.values(), country)
            for name in {country, country.lower()}:  # a viewer's country may come in lower case
                if any(register.country == country for register in ordered):
                    view[name] = _entry(ordered)
                else:
                    view.pop(name, None)
        self._set(changed.hashtag, changed.surface, view)
        discounted = self.discounted.setdefault(changed.surface, set())
        discounts = any(register.action == "discount" for register in slot.values())
        (discounted.add if discounts else discounted.discard)(changed.hashtag)
        if changed.hashtag == ANY_HASHTAG:
            (self.stopped.add if view else self.stopped.discard)(changed.surface)

    def _set(self, hashtag: str, surface: str, view: dict[str, IndexEntry]) -> None:
        surfaces = {name: other for name, other in self.tags.get(hashtag, {}).items() if name != surface}
        if view:
            surfaces[surface] = view
        if surfaces:
            self.tags[hashtag] = surfaces
        else:
            self.tags.pop(hashtag, None)


def _entry(ordered: Candidates) -> IndexEntry:
    first = ordered[0]
    until_ns = first.expires_at_ms * 1_000_000 or _FOR_EVER_NS
    liftable = not first.by_people and first.action in FLAGGING
    return IndexEntry(until_ns, liftable, answer_of(first.hashtag, first), ordered)
