"""Run one server that ends when the process that started it ends. A script, run by `process.py`.

    python keeper.py PARENT_PID GRACE_SECONDS LOG_FILE COMMAND...

The keeper uses the standard library only. It starts COMMAND with output to LOG_FILE and prints the child's pid. Each
byte on its standard input is the number of a signal to forward; the keeper answers with the same byte once it is sent.
The end of that input, or another parent pid, means that the parent has ended, by kill -9 too. The child then gets
SIGTERM, and SIGKILL after the grace time. If the keeper itself is killed, Linux kills the child (PR_SET_PDEATHSIG).
That signal is tied to the thread that forks: here the keeper's main thread, which lives as long as the child, unlike a
thread of the caller. The exit code is the child's, or 128 + signal.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> int:
    """Start the child, obey commands on standard input, and return its exit code."""
    parent_pid, grace_seconds, log_file = (int(arguments[0]), float(arguments[1]), arguments[2])
    keeper_pid = os.getpid()
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def die_with_keeper() -> None:
        if libc is not None:
            libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
            if os.getppid() != keeper_pid:
                os._exit(1)

    try:
        with open(os.open(log_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab") as log:
            child = subprocess.Popen(
                arguments[3:],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_keeper,  # no thread runs yet
            )
    except OSError as error:
        print(f"error {error}", flush=True)
        return 127
    print(child.pid, flush=True)

    def end() -> None:
        child.send_signal(signal.SIGTERM)
        child.send_signal(signal.SIGCONT)
        time.sleep(grace_seconds)
        child.kill()

    def obey() -> None:
        while command := os.read(0, 1):
            child.send_signal(command[0])
            with suppress(OSError):  # the parent no longer reads answers
                os.write(1, command)
        end()

    def watch_parent() -> None:
        # A process forked from the parent may keep our input open, so the end of input alone is not enough.
        while os.getppid() == parent_pid:
            time.sleep(0.5)
        end()

    for target in (obey, watch_parent):
        threading.Thread(target=target, daemon=True).start()
    code = child.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    for ignored in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(ignored, lambda *_: None)  # not SIG_IGN, which the child would inherit
    # os._exit: a thread that still reads input must not delay the exit.
    os._exit(main(sys.argv[1:]))
