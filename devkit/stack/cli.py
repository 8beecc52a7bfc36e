"""`hushtag up`: run the local Kafka and Valkey until stopped."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from devkit.stack import LocalStack

_console = Console(stderr=True)


def register(app: typer.Typer) -> None:
    """Add the command `up`."""
    app.command("up")(up)


def up(
    kafka_port: Annotated[int, typer.Option(help="Port of Kafka on 127.0.0.1; 0 picks a free one.")] = 0,
    redis_port: Annotated[int, typer.Option(help="Port of Valkey on 127.0.0.1; 0 picks a free one.")] = 0,
    data: Annotated[Path, typer.Option(help="Folder for data, kept between runs.")] = Path(".cache/stack"),
    brokers: Annotated[int, typer.Option(min=1, max=9, help="Number of Kafka brokers.")] = 1,
    secure: Annotated[
        bool, typer.Option("--secure", help="TLS, logins and access rights on both; nothing is permitted without one.")
    ] = False,
) -> None:
    """Run a local Kafka and Valkey until Ctrl-C or SIGTERM; print their addresses as one JSON line once both answer.

    The first run downloads Kafka's jars (45 MB) to the project's .cache folder. HUSHTAG_CACHE sets another folder,
    HUSHTAG_MAVEN_URL a Maven mirror. The line's `environment` has the variables for clients, which with --secure log in
    as the administrator; `hushtag acls` gives other users their rights.
    """
    signals = _Signals()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    for number in before:
        signal.signal(number, signals.on_signal)
    try:
        _run(signals, data, kafka_port, redis_port, brokers, secure)
    except (KeyboardInterrupt, _Stopped):
        _console.print("stopped before it was up", style="dim")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Stopped(Exception):
    """A signal came before the servers answered."""


class _Signals:
    """Handler of SIGINT and SIGTERM: the first signal ends the start, or the wait; a second one interrupts the start.

    An exception that a handler raises can leave a lock held, so that the stop waits for it for ever.
    """

    def __init__(self) -> None:
        self.stack: LocalStack | None = None
        self.stopped = False
        self.interruptible = True
        """False once the servers answer or stop, which nothing may cut short."""

    def on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self.stopped and self.interruptible:
            raise KeyboardInterrupt
        self.stopped = True
        if self.stack is not None:
            self.stack.give_up()

    def report(self, line: str) -> None:
        if self.stopped:
            raise _Stopped
        if not _console.is_terminal:
            _print_some(line)


def _run(signals: _Signals, data: Path, kafka_port: int, redis_port: int, brokers: int, secure: bool) -> None:
    from devkit.stack import LocalStack, StackError  # imported here, so that other commands do not wait for it

    try:
        with _console.status("starting Valkey and Kafka") as status:

            def report(line: str) -> None:
                status.update(line)
                signals.report(line)

            signals.stack = LocalStack(
                data, kafka_port=kafka_port, redis_port=redis_port, brokers=brokers, secure=secure, report=report
            )
            try:
                signals.report("starting Valkey")
                signals.stack.start()
            except StackError:
                if signals.stopped:
                    raise _Stopped from None
                raise
        signals.interruptible = False
        line = {
            "kafka": signals.stack.kafka,
            "redis": signals.stack.redis_url,
            "environment": signals.stack.environment(),
        }
        print(json.dumps(line), flush=True)
        _console.print(f"Kafka and Valkey run, data in {signals.stack.data_dir}; Ctrl-C stops them", style="dim")
        while not signals.stopped:
            time.sleep(0.3)
            signals.stack.check()
        _console.print("stopping", style="dim")
    finally:
        signals.interruptible = False
        if signals.stack is not None:
            signals.stack.stop()


def _print_some(line: str) -> None:
    """Print a line to a log file, but of the lines for single jars only every tenth."""
    words = line.split(": ")[-1].split(" of ")
    if len(words) < 2 or (words[0].isdigit() and int(words[0]) % 10 == 0):
        _console.print(line, style="dim", highlight=False)
