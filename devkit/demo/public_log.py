"""The demo's public log: its writer, its publisher, and two witnesses."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from devkit.scenario.public_log import StoryLog
from devkit.stack.local_run import LocalRun
from devkit.stack.ports import free_port

EVERY_SECONDS = 10
"""Interval of the published checkpoints; a log in production publishes each minute."""


def spawn_log(run: LocalRun, log: StoryLog) -> None:
    """Start witnesses, writer and publisher.

    Raises:
        HushtagError: a part does not start.
    """
    log.start_witnesses(run)
    writer, publisher = free_port(), free_port()
    process = run.spawn("audit writer", "audit", "run", "--metrics-port", str(writer), port=writer)
    options = ("--to", str(log.folder), "--every", str(EVERY_SECONDS), "--metrics-port", str(publisher))
    run.spawn("audit publisher", "audit", "publish", *options, port=publisher)
    run.wait_until_ready(process)


def write_check_script(log: StoryLog, folder: Path) -> Path:
    """Write the command by which anyone checks the published log; with its three keys it fits no terminal."""
    keys = [f"--log-key={log.key.public_key}", *(f"--witness-key={key.public_key}" for key in log.witnesses)]
    command = [str(Path(sys.executable).with_name("hushtag")), "proof", "log", f"--folder={log.folder}", *keys]
    path = folder / "check-log"
    path.write_text(f"exec {shlex.join(command)}\n")
    return path
