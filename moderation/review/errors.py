"""What may go wrong with a review or an appeal beyond the caller's slip of the pen."""

from __future__ import annotations

from streams.errors import EXIT_NO, CallerMistake, HushtagError


class StaleReview(HushtagError):
    """Somebody else was quicker. Nothing was changed. `changed`: what happened, in words."""

    exit_code = EXIT_NO

    def __init__(self, case: str, why: str) -> None:
        self.version = ""
        self.changed = (why,)
        super().__init__(f"{case}: {why}", fix="look at the queue again (hushtag review list)")


class NoSuchCase(CallerMistake):
    """Nothing is known by this id."""
