"""`hushtag up`: the local Kafka and Valkey, until stopped."""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from devkit.stack import LocalStack

_console = Console(stderr=True)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("up")(up)


def up(
    kafka_port: Annotated[int, typer.Option(help="Port of Kafka on 127.0.0.1; 0: any free one.")] = 0,
    redis_port: Annotated[int, typer.Option(help="Port of Valkey on 127.0.0.1; 0: any free one.")] = 0,
    data: Annotated[Path, typer.Option(help="Folder for their data, kept between runs.")] = Path(".cache/stack"),
) -> None:
    """Run a local Kafka and Valkey until Ctrl-C or SIGTERM; print their addresses as one JSON line once both answer.

    The first time Kafka's jars are fetched (45 MB) and kept in the project's .cache folder; HUSHTAG_CACHE names
    another, HUSHTAG_MAVEN_URL a mirror to fetch them from.
    """
    stop = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}

    def on_signal(number: int, _frame: FrameType | None) -> None:
        stop.set()
        # While starting or stopping there is no loop that looks at `stop`: leave by the way of errors.
        if not ready.is_set():
            raise KeyboardInterrupt

    ready = threading.Event()
    for number in before:
        signal.signal(number, on_signal)
    try:
        _run(data, kafka_port, redis_port, stop, ready)
    except KeyboardInterrupt:
        _console.print("stopped before it was up", style="dim")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _run(data: Path, kafka_port: int, redis_port: int, stop: threading.Event, ready: threading.Event) -> None:
    from devkit.stack import LocalStack  # here, so that no other command waits for its imports

    stack: LocalStack | None = None
    try:
        with _console.status("starting Valkey and Kafka") as status:

            def report(line: str) -> None:
                status.update(line)
                if not _console.is_terminal:
                    _tell_seldom(line)

            stack = LocalStack(data, kafka_port=kafka_port, redis_port=redis_port, report=report)
            stack.start()
        ready.set()
        print(json.dumps({"kafka": stack.kafka, "redis": stack.redis_url}), flush=True)
        _console.print(f"Kafka and Valkey run, data in {stack.data_dir}; Ctrl-C stops them", style="dim")
        while not stop.wait(0.3):
            stack.check()
        _console.print("stopping", style="dim")
    finally:
        ready.set()  # a second Ctrl-C must not break off the stopping
        if stack is not None:
            stack.stop()


def _tell_seldom(line: str) -> None:
    """In a log file a line a jar is too much: the first of each kind and every tenth jar do."""
    words = line.split(": ")[-1].split(" of ")
    if len(words) < 2 or (words[0].isdigit() and int(words[0]) % 10 == 0):
        _console.print(line, style="dim", highlight=False)
