"""Which of the registers of a hashtag wins, for one viewer at one moment.

The order is fixed by scope: legal before human before automated, and within each the viewer's country before the
world. The first in force wins, an `allow` included, which is how a person overrules the pipeline. Time is an argument:
a register runs out when it is *read*, so that a dead writer cannot keep a hashtag hidden.

The stop button is a human `allow` on the hashtag `*`. It is no candidate for other hashtags; it makes the automated
suppressions in its scope as if they were not there. People's own decisions are not touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hushtag_client.registers import ANY_HASHTAG, HIDING, SOURCES, WORLD, Register

_RANK = {source: rank for rank, source in enumerate(SOURCES)}


def candidates(registers: Iterable[Register], country: str) -> tuple[Register, ...]:
    """The registers of one hashtag and surface that can speak to a viewer, strongest first; `clear` ones never can.

    Args:
        registers: of one (hashtag, surface), at most one per (country, source).
        country: the viewer's; `*` where it is not known.
    """
    heard = (r for r in registers if r.action != "clear" and r.country in (country, WORLD))
    return tuple(sorted(heard, key=lambda r: (_RANK[r.source], r.country == WORLD)))


def winner(
    ordered: Sequence[Register], stops: Sequence[Register], now_ms: int, *, people_only: bool = False
) -> Register | None:
    """The register that decides, or None where nobody has an opinion.

    Args:
        ordered: from `candidates`.
        stops: from `candidates` over the hashtag `*`; only human ones count.
        now_ms: the reader's clock.
        people_only: leave automated registers out, for when the pipeline's word is too old.

    Returns:
        Where only a stop button keeps the hashtag from being hidden, that stop's register.
    """
    lifted: Register | None = None
    for register in ordered:
        if not register.in_force(now_ms) or (people_only and not register.by_people):
            continue
        if register.by_people or register.action not in HIDING:
            return register
        stop = _lifting(register, stops, now_ms)
        if stop is None:
            return register
        lifted = lifted or stop
    return lifted


def _lifting(register: Register, stops: Sequence[Register], now_ms: int) -> Register | None:
    """The stop that covers an automated suppression. One with a category covers that category alone."""
    for stop in stops:
        pressed = stop.source == "human" and stop.action == "allow" and stop.in_force(now_ms)
        if pressed and stop.category in ("", ANY_HASHTAG, register.category):
            return stop
    return None
