"""Errors of the local stack, split by who must act."""

from __future__ import annotations

from streams.errors import CallerMistake, DependencyAway


class StackError(DependencyAway):
    """A server of the local stack does not start, or ended."""


class StackMistake(CallerMistake):
    """A port or folder for the local stack cannot be used: it is taken, or not writable."""
