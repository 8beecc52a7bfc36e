"""The demo's public log: its writer, its publisher, and two witnesses."""

from __future__ import annotations

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


def check_command(log: StoryLog) -> str:
    """Return the command, without the program, by which anyone checks the published log."""
    witnesses = " ".join(f"--witness-key {key.public_key}" for key in log.witnesses)
    return f"proof log --folder {log.folder} --log-key {log.key.public_key} {witnesses}"
