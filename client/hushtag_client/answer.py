"""The answer of a check."""

from __future__ import annotations

from typing import Literal, NamedTuple

from hushtag_client.registers import HIDING, Register

Why = Literal["flagged", "clear", "stale", "unavailable"]


class Answer(NamedTuple):
    """Whether a surface may show a hashtag, and why.

    - `flagged`: a register hides it.
    - `clear`: no register hides it; `register` is the one that allows it, if any.
    - `stale`: the flags are older than `max_staleness_seconds`; `shown` is the surface's fallback.
    - `unavailable`: no flags were ever received; `shown` is the surface's fallback.
    """

    hashtag: str
    """Hashtag in normal form, without #."""
    shown: bool
    why: Why
    register: Register | None


def answer_of(hashtag: str, register: Register) -> Answer:
    """Convert the winning register to an answer; an allow, or a stop button, gives `clear` with its register."""
    hidden = register.action in HIDING
    return Answer(hashtag, not hidden, "flagged" if hidden else "clear", register)
