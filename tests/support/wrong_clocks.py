"""Wrong clocks for tests: constant errors of ten minutes and an hour, and jumps that last half a minute."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
JUMP_AFTER_MS = 2 * MINUTE_MS
JUMP_MS = 30_000


@dataclass(frozen=True, slots=True)
class WrongClock:
    """Error of a host's clock.

    Args:
        error_ms: time by which it is ahead; negative: behind.
        jumps: whether it is right but for half a minute, two minutes after the start.
    """

    error_ms: int
    jumps: bool = False

    def shows_ms(self, true_ms: int, start_ms: int) -> int:
        """Return what the clock shows at a moment."""
        is_wrong = not self.jumps or JUMP_AFTER_MS <= true_ms - start_ms < JUMP_AFTER_MS + JUMP_MS
        return true_ms + (self.error_ms if is_wrong else 0)

    def reading(self, true_ms: Callable[[], int]) -> Callable[[], int]:
        """Return the clock as a function, given the true time."""
        start_ms = true_ms()
        return lambda: self.shows_ms(true_ms(), start_ms)


ERRORS_MS = (10 * MINUTE_MS, -10 * MINUTE_MS, HOUR_MS, -HOUR_MS)
WRONG_CLOCKS = [
    pytest.param(WrongClock(error_ms, jumps), id=f"{error_ms // MINUTE_MS:+}min{'-and-back' if jumps else ''}")
    for error_ms in ERRORS_MS
    for jumps in (False, True)
]
