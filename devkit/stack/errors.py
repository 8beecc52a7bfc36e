"""What can go wrong with the local stack, split by who must act."""

from __future__ import annotations

from streams.errors import CallerMistake, DependencyAway


class StackError(DependencyAway):
    """A server of the local stack does not come up, or went away."""


class StackMistake(CallerMistake):
    """What was asked of the local stack cannot be done: a port in use, a folder in use or not writable."""
