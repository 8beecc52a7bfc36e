"""Registers laid out for reading: surface → country → hashtag → the candidates, strongest first.

A country has an entry of its own only for hashtags about which it has a register of its own; all others are found
under `*`. So nothing is stored twice, and a lookup is two or three dictionary reads. Written by one thread; candidates
are tuples and each step replaces one dictionary value, so that readers in other threads need no lock.
"""

from __future__ import annotations

from collections.abc import Iterable

from hushtag_client.registers import ANY_HASHTAG, WORLD, Register
from hushtag_client.resolution import candidates

Candidates = tuple[Register, ...]


class Index:
    """All effective registers, by field and by what a reader asks."""

    def __init__(self, registers: Iterable[Register] = ()) -> None:
        self.registers: dict[str, Register] = {}
        self.views: dict[str, dict[str, dict[str, Candidates]]] = {}
        """surface → country → hashtag → candidates; each surface has a `*`."""
        self._slots: dict[tuple[str, str], dict[str, Register]] = {}
        for register in registers:
            self.put(register)

    def put(self, register: Register) -> None:
        """Set a register in place of the one with its field; which is newer is the caller's affair."""
        self.registers[register.field] = register
        slot = self._slots.setdefault((register.surface, register.hashtag), {})
        slot[register.field] = register
        self._lay_out(register, slot)

    def remove(self, field: str) -> None:
        """Forget a register; nothing happens where there is none."""
        register = self.registers.pop(field, None)
        if register is None:
            return
        slot = self._slots[register.surface, register.hashtag]
        del slot[field]
        self._lay_out(register, slot)
        if not slot:
            del self._slots[register.surface, register.hashtag]

    def candidates(self, surface: str, country: str | None, hashtag: str) -> Candidates:
        """The candidates for a viewer; `country` None, empty or `*` where it is not known."""
        views = self.views.get(surface)
        if views is None:
            return ()
        own = views.get(country) if country else None
        return (own.get(hashtag) if own else None) or views[WORLD].get(hashtag, ())

    def stops(self, surface: str, country: str | None) -> Candidates:
        """The stop buttons in a viewer's scope."""
        return self.candidates(surface, country, ANY_HASHTAG)

    def hashtags(self, surface: str, country: str | None) -> set[str]:
        """All hashtags about which something may be in force for a viewer."""
        views = self.views.get(surface, {})
        return set(views.get(WORLD, ())) | set(views.get(country or WORLD, ()))

    def _lay_out(self, changed: Register, slot: dict[str, Register]) -> None:
        views = self.views.get(changed.surface)
        if views is None:
            views = self.views[changed.surface] = {WORLD: {}}
        countries = {changed.country}
        if changed.country == WORLD:
            countries.update(register.country for register in slot.values())
        for country in countries:
            ordered = candidates(slot.values(), country)
            view = views.setdefault(country, {})
            views[country.lower()] = view  # a viewer's country may come in lower case
            if ordered and any(register.country == country for register in ordered):
                view[changed.hashtag] = ordered
            else:
                view.pop(changed.hashtag, None)
