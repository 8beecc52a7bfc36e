"""The answer to a surface's question."""

from __future__ import annotations

from typing import Literal, NamedTuple

from hushtag_client.registers import HIDING, Register

Why = Literal["flagged", "clear", "stale", "unavailable"]


class Answer(NamedTuple):
    """Whether a surface may show a hashtag, and why.

    `flagged`: a register hides it. `clear`: nothing hides it; `register` is then the one that allowed it, if any.
    `stale`: what is known is older than `max_staleness_seconds`. `unavailable`: nothing was ever known. In the last two
    `shown` is the surface's configured fallback.
    """

    hashtag: str
    """Normalised."""
    shown: bool
    why: Why
    register: Register | None


def answer_of(hashtag: str, register: Register) -> Answer:
    """What the register that won says; an allow, or a stop button, is a `clear` with its register."""
    hidden = register.action in HIDING
    return Answer(hashtag, not hidden, "flagged" if hidden else "clear", register)
