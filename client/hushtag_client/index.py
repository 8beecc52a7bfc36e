"""Registers laid out for reading: hashtag → surface → country → the candidates, strongest first.

The hashtag comes first because nearly all that is asked about is not there. A country has an entry of its own only
where it has a register of its own; all others are found under `*`. Written by one thread; entries are tuples and each
step replaces one dictionary value, so that readers in other threads need no lock.

An entry carries the answer that its strongest candidate gives, ready made: it holds until that one runs out, unless a
stop button lifts it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from hushtag_client.answer import Answer, answer_of
from hushtag_client.registers import ANY_HASHTAG, HIDING, WORLD, Register
from hushtag_client.resolution import candidates

Candidates = tuple[Register, ...]
_FOR_EVER_NS = 2**63


class Entry(NamedTuple):
    """The candidates for one viewer and hashtag, and what the strongest of them answers."""

    until_ns: int
    """When the strongest runs out, nanoseconds since the epoch."""
    liftable: bool
    """Whether a stop button could lift it."""
    answer: Answer
    candidates: Candidates


class Index:
    """All effective registers, by field and by what a reader asks."""

    def __init__(self, registers: Iterable[Register] = ()) -> None:
        self.registers: dict[str, Register] = {}
        self.tags: dict[str, dict[str, dict[str, Entry]]] = {}
        """hashtag → surface → country → entry."""
        self.stopped: set[str] = set()
        """Surfaces for which there is something under the hashtag `*`."""
        self._slots: dict[tuple[str, str], dict[str, Register]] = {}
        for register in registers:
            self.put(register)

    def put(self, register: Register) -> None:
        """Set a register in place of the one with its field; which is newer is the caller's affair."""
        self.registers[register.field] = register
        slot = self._slots.setdefault((register.hashtag, register.surface), {})
        slot[register.field] = register
        self._lay_out(register, slot)

    def remove(self, field: str) -> None:
        """Forget a register; nothing happens where there is none."""
        register = self.registers.pop(field, None)
        if register is None:
            return
        slot = self._slots[register.hashtag, register.surface]
        del slot[field]
        self._lay_out(register, slot)
        if not slot:
            del self._slots[register.hashtag, register.surface]

    def candidates(self, surface: str, country: str | None, hashtag: str) -> Candidates:
        """The candidates for a viewer; `country` None, empty or `*` where it is not known."""
        view = self.tags.get(hashtag, {}).get(surface, {})
        entry = view.get(country or WORLD) or view.get(WORLD)
        return entry.candidates if entry else ()

    def stops(self, surface: str, country: str | None) -> Candidates:
        """The stop buttons in a viewer's scope."""
        return self.candidates(surface, country, ANY_HASHTAG)

    def hashtags(self, surface: str) -> list[str]:
        """All hashtags about which something may be in force on a surface."""
        return [hashtag for hashtag, surfaces in list(self.tags.items()) if surface in surfaces]

    def _lay_out(self, changed: Register, slot: dict[str, Register]) -> None:
        """Make the entries anew that a changed register may have a part in."""
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
        if changed.hashtag == ANY_HASHTAG:
            (self.stopped.add if view else self.stopped.discard)(changed.surface)

    def _set(self, hashtag: str, surface: str, view: dict[str, Entry]) -> None:
        surfaces = {name: other for name, other in self.tags.get(hashtag, {}).items() if name != surface}
        if view:
            surfaces[surface] = view
        if surfaces:
            self.tags[hashtag] = surfaces
        else:
            self.tags.pop(hashtag, None)


def _entry(ordered: Candidates) -> Entry:
    first = ordered[0]
    until_ns = first.expires_at_ms * 1_000_000 or _FOR_EVER_NS
    liftable = not first.by_people and first.action in HIDING
    return Entry(until_ns, liftable, answer_of(first.hashtag, first), ordered)
