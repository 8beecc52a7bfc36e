"""Runs one server so that it can outlive nobody. A script of its own, standard library only, started by `process.py`.

    python keeper.py PARENT_PID GRACE_SECONDS LOG_FILE COMMAND...

It starts COMMAND with output to LOG_FILE, prints the child's pid, and obeys its standard input: each byte is the
number of a signal to hand on, answered by the same byte once that is done. The end of that input, or a parent that is
no longer ours, means that whoever started the stack has gone, kill -9 included: the child then gets SIGTERM, and
SIGKILL after the grace time. Should the keeper itself be killed, Linux kills the child (PR_SET_PDEATHSIG; it is tied
to the thread that forks, which here is the keeper's main thread and lives as long as the child does, unlike some
thread of the caller). The exit code is the child's, or 128 + signal.
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
    parent_pid, grace_seconds, log_file = (int(arguments[0]), float(arguments[1]), arguments[2])
    keeper_pid = os.getpid()
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def die_with_keeper() -> None:
        if libc is not None:
            libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
            if os.getppid() != keeper_pid:
                os._exit(1)

    try:
        with open(log_file, "ab") as log:
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
            with suppress(OSError):  # nobody waits for the answer any more
                os.write(1, command)
        end()

    def watch_parent() -> None:
        # A process forked from the parent may hold the other end of our input open, so its end alone is not enough.
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
    # os._exit: a thread that still waits for input must not hold up the end.
    os._exit(main(sys.argv[1:]))
