"""Reaction of the demo to Ctrl-C and SIGTERM: they end the start, or the show once; its end then takes its course."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_INPUT = 0
"""Descriptor of standard input, also where it is closed."""


class EndingSignals:
    """Handler of both signals, installed when it is made and for the rest of the process.

    The first signal of the start raises KeyboardInterrupt. During the show a signal calls `end_show`. Any further
    signal does nothing, so that a second Ctrl-C takes away neither the verdict nor the orderly end of all parts.
    """

    def __init__(self) -> None:
        self._end_show: Callable[[], object] | None = None
        self._ended = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._handle)

    def begin_show(self, end_show: Callable[[], object]) -> None:
        """Call `end_show` at the next signal, instead of interrupting the start."""
        self._end_show = end_show

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._ended:
            return
        self._ended = True
        if self._end_show is None:
            raise KeyboardInterrupt
        self._end_show()


@contextmanager
def own_terminal() -> Iterator[None]:
    """Let Ctrl-C reach this process alone, and return the terminal at the end.

    A process under `make` shares its terminal: a second Ctrl-C would end `make` before the verdict is printed. Ctrl-Z
    does nothing meanwhile, because the shell would not notice it.
    """
    owner = os.getpgrp()
    shares_terminal = os.isatty(_INPUT) and os.tcgetpgrp(_INPUT) == owner != os.getpid()
    if not shares_terminal:
        yield
        return
    for number in (signal.SIGTSTP, signal.SIGTTOU):
        signal.signal(number, signal.SIG_IGN)
    os.setpgid(0, 0)
    os.tcsetpgrp(_INPUT, os.getpgrp())
    try:
        yield
    finally:
        os.tcsetpgrp(_INPUT, owner)
