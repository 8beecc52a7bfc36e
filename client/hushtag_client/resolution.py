"""Resolution: select the register of a hashtag that wins for one viewer at one moment.

The precedence is legal, human, automated; within each source, the viewer's country before the world. The first register
in force wins, an `allow` included: that is how a person overrules the pipeline. Time is an argument, and expiry is
checked on reading, so that a dead writer cannot keep a hashtag hidden.

A register that does not hide shows the hashtag, also one with an action that this client does not know. A `discount`
that wins shows it too; rankings multiply its tweets by the weight.

The stop button is a human `allow` on the hashtag `*`. It is no candidate for other hashtags; it disables the automated
suppressions and discounts in its scope. People's decisions are not affected.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hushtag_client.registers import ANY_HASHTAG, FLAGGING, HIDING, SOURCES, WORLD, Register

_RANK = {source: rank for rank, source in enumerate(SOURCES)}


def candidates(registers: Iterable[Register], country: str) -> tuple[Register, ...]:
    """Select and sort the registers that can decide for a viewer, the strongest first; `clear` ones never can.

    Args:
        registers: registers of one (hashtag, surface), at most one per (country, source).
        country: the viewer's country; `*` if it is unknown.
    """
    applicable = (r for r in registers if r.action != "clear" and r.country in (country, WORLD))
    return tuple(sorted(applicable, key=lambda r: (_RANK[r.source], r.country == WORLD)))


def winner(
    ordered: Sequence[Register], stops: Sequence[Register], now_ms: int, *, people_only: bool = False
) -> Register | None:
    """Select the register that decides, or None if no register is in force.

    Args:
        ordered: result of `candidates` for the hashtag.
        stops: result of `candidates` for the hashtag `*`; only human ones count.
        now_ms: the reader's clock.
        people_only: ignore automated registers, because the pipeline's flags are stale.

    Returns:
        The winning register, or the register of the stop button that lifted all registers in force.
    """
    lifted: Register | None = None
    for register in ordered:
        if not register.in_force(now_ms) or (people_only and not register.by_people):
            continue
        if register.by_people or register.action not in FLAGGING:
            return register
        stop = _lifting(register, stops, now_ms)
        if stop is None:
            return register
        lifted = lifted or stop
    return lifted


def restriction(ordered: Sequence[Register], now_ms: int) -> Register | None:
    """Select the register that hides an account or a tweet, a suspension first; None if it is visible.

    Only orders hide them in one country, and only people everywhere; other registers have no effect.

    Args:
        ordered: result of `candidates` for the account or the tweet.
        now_ms: the reader's clock.
    """
    deciding = (r for r in ordered if r.source == "legal" or (r.source == "human" and r.country == WORLD))
    hiding = [register for register in deciding if register.action in HIDING and register.in_force(now_ms)]
    return min(hiding, key=lambda register: register.source != "human", default=None)


def _lifting(register: Register, stops: Sequence[Register], now_ms: int) -> Register | None:
    """Find the stop that covers an automated flag; a stop with a category covers only that category."""
    for stop in stops:
        pressed = stop.source == "human" and stop.action == "allow" and stop.in_force(now_ms)
        if pressed and stop.category in ("", ANY_HASHTAG, register.category):
            return stop
    return None
