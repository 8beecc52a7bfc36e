"""The encoder's process ends with its worker, also when it hangs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from streams.pipeline.encoder_main import PARENT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere only the end of its input ends it")

CHILD = """
import sys, time
from streams.pipeline.encoder_main import EncoderHello, encode, end_with_parent, send
end_with_parent()
send(sys.stdout.buffer, encode(EncoderHello("new", "one", 2)))
time.sleep(600)
"""
"""It never looks at its input, as code does that hangs in a library."""
WORKER = f"""
import asyncio, sys
from streams.pipeline.encoder_process import EncoderProcess
async def main():
    process = EncoderProcess([sys.executable, "-c", {CHILD!r}])
    await process.start()
    print(process.pid, flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


def is_alive(pid: int) -> bool:
    """Whether there is such a process that still could do something."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rsplit(")", 1)[1].split()[0] not in "ZX"


@pytest.mark.parametrize("stopped", [False, True], ids=["hanging", "stopped"])
def test_encoder_ends_with_a_killed_worker(stopped: bool) -> None:
    with subprocess.Popen([sys.executable, "-c", WORKER], stdout=subprocess.PIPE) as worker:
        assert worker.stdout is not None
        pid = int(worker.stdout.readline())
        try:
            assert is_alive(pid)
            if stopped:
                os.kill(pid, signal.SIGSTOP)
            worker.kill()
            deadline = time.monotonic() + 60
            while is_alive(pid) and time.monotonic() < deadline:
                time.sleep(0.01)
            assert not is_alive(pid)
        finally:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize(("parent", "code"), [(os.getpid(), 0), (1 << 22, 1)], ids=["there", "gone"])
def test_encoder_does_not_start_without_its_worker(parent: int, code: int) -> None:
    program = "from streams.pipeline.encoder_main import end_with_parent; end_with_parent()"
    done = subprocess.run([sys.executable, "-c", program], env=os.environ | {PARENT: str(parent)}, check=False)
    assert done.returncode == code
