"""The demo in a terminal, at a rate beyond this machine: its link opens until the end, and Ctrl-C gives a verdict."""

from __future__ import annotations

import re
import signal
import sys

import httpx
import pytest

from devkit.stack.jars import default_cache
from tests.support.terminal import CTRL_C, Terminal

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

BUSY = """
import sys
from devkit.demo.run import run_demo
from devkit.demo.traffic import Traffic
Traffic.__init__.__kwdefaults__["rate"] = 3_000.0
sys.exit(run_demo(None))
"""
BROWSER = {"Accept": "text/html"}


@pytest.mark.parametrize("ending", ["twice Ctrl-C", pytest.param("SIGTERM", marks=pytest.mark.long)])
def test_demo_under_load_ends_with_a_verdict(ending: str) -> None:
    with Terminal([sys.executable, "-c", BUSY], columns=100, rows=40) as terminal:
        terminal.wait_for("all parts run", 300)
        terminal.wait_for("see search", 60)
        link = re.findall(r"http://\S+/login/link\?token=[\w-]{22}", terminal.output)[-1]
        for _ in range(2):
            with httpx.Client(headers=BROWSER, follow_redirects=True) as browser:
                assert browser.get(link).url.path == "/console/queue"
        refused = httpx.get(link.partition("/login")[0] + "/console/queue", headers=BROWSER)
        assert refused.status_code == 401 and "Open the link again" in refused.text
        if ending == "SIGTERM":
            terminal.signal(signal.SIGTERM)
        else:
            terminal.type(CTRL_C)
            terminal.wait_for("\x1b[?1049l", 60)
            terminal.type(CTRL_C)
        assert terminal.wait(120) in (0, 3)
    assert "Compared with the simulator's ground truth" in terminal.output
    assert not list(default_cache().glob(f"demo-{terminal.pid}-*")), "all parts were stopped in order"
