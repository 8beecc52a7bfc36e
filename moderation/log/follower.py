"""Follower of the records that a view of the moderation topic keeps for other folds."""

from __future__ import annotations

from collections.abc import Callable

from streams.flags.overrides import OverrideHistory
from streams.log.moderation import OtherRecord


class Follower:
    """Place up to which a fold has read a view, always the same one.

    Args:
        apply: applies one record, by its offset and content, to the fold.
    """

    def __init__(self, apply: Callable[[int, OtherRecord], None]) -> None:
        self._apply = apply
        self._count = 0

    def follow(self, view: OverrideHistory) -> None:
        """Apply the records that the view has gained, in the order of the log."""
        for offset, other in view.others[self._count :]:
            self._apply(offset, other)
        self._count = len(view.others)
