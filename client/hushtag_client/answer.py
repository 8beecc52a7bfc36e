"""The answer of a check."""

from __future__ import annotations

from typing import Literal, NamedTuple

from hushtag_client.registers import HIDING, Register

Why = Literal["flagged", "clear", "stale", "unavailable"]
Warning = Literal["unknown_surface", "unknown_country"]


class Answer(NamedTuple):
    """Whether a surface may show a hashtag, and why.

    - `flagged`: a register hides it.
    - `clear`: no register hides it; `register` is the one that allows or discounts it, if any.
    - `stale`: the flags are older than `max_staleness_seconds`; `shown` is the surface's fallback.
    - `unavailable`: no flags were ever received; `shown` is the surface's fallback.

    A `warning` reports a surface or a country that is not known. The answer is by the same rules.
    """

    hashtag: str
    """Hashtag in normal form, without #."""
    shown: bool
    why: Why
    register: Register | None
    warning: Warning | None = None

    @property
    def weight(self) -> float:
        """Factor from 0 to 1 on the hashtag's tweets in a ranking; below 1 only if a `discount` is in force."""
        if self.register is None or self.register.action != "discount":
            return 1.0
        return self.register.weight


def answer_of(hashtag: str, register: Register) -> Answer:
    """Convert the winning register to an answer; one that does not hide gives `clear` with its register."""
    hidden = register.action in HIDING
    return Answer(hashtag, not hidden, "flagged" if hidden else "clear", register)
