"""End of the demo: a second Ctrl-C takes nothing away, alone and under `make`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from devkit.demo.ending import EndingSignals
from tests.support.terminal import CTRL_C, Terminal

SHOW = """
import threading
from devkit.demo.ending import EndingSignals, own_terminal
signals, stop, second = EndingSignals(), threading.Event(), threading.Event()
with own_terminal():
    signals.begin_show(stop.set)
    print("runs", flush=True)
    while not stop.wait(0.05): pass
    print("ends", flush=True)
    input()
    print("verdict", flush=True)
"""


@pytest.fixture
def signals() -> Iterator[EndingSignals]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield EndingSignals()
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_first_signal_interrupts_the_start_once(signals: EndingSignals, number: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), number)
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_the_show_once(signals: EndingSignals, number: signal.Signals) -> None:
    ends: list[str] = []
    signals.begin_show(lambda: ends.append("end"))
    for _ in range(3):
        os.kill(os.getpid(), number)
    assert ends == ["end"]


@pytest.mark.parametrize("under", ["make", "shell"])
def test_second_ctrl_c_leaves_the_verdict(tmp_path: Path, under: str) -> None:
    (tmp_path / "show.py").write_text(SHOW)
    (tmp_path / "Makefile").write_text(f"demo:\n\t@exec {sys.executable} {tmp_path}/show.py\n")
    command = {"make": ["make", "-C", str(tmp_path), "demo"], "shell": [sys.executable, str(tmp_path / "show.py")]}
    with Terminal(command[under]) as terminal:
        terminal.wait_for("runs")
        terminal.type(CTRL_C)
        terminal.wait_for("ends")
        terminal.type(CTRL_C)
        terminal.type("\n")
        terminal.wait_for("verdict")
        assert terminal.wait() == 0
    assert "Interrupt" not in terminal.output
