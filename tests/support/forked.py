"""Run a check in a forked child process."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable


def in_child(question: Callable[[], bool]) -> bool:
    """Return whether a check is true in a forked child; False if the child raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of forks with running threads
        pid = os.fork()
    if pid == 0:
        answer = 1
        try:
            answer = 0 if question() else 1
        finally:
            os._exit(answer)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
