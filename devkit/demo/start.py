"""Start all parts of the demo, with a printed line for each, and stop them at the end."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from devkit.demo.policy import write_policy
from devkit.demo.prepare import prepare
from devkit.demo.public_log import spawn_log, write_check_script
from devkit.scenario.public_log import StoryLog
from devkit.stack.jars import default_cache
from devkit.stack.local_run import POLICY, HushtagProcess, LocalRun
from devkit.stack.ports import LOOPBACK, free_port, is_free
from streams.clock import monotonic_seconds
from streams.settings import Settings

KAFKA_PORT, REDIS_PORT, TRENDS_PORT, SEARCH_PORT, API_PORT = 9092, 6379, 8701, 8702, 8710
"""Preferred ports, used if they are free, so that other commands reach the demo by their defaults."""
REVIEWER = "asha"
"""Person whom the link logs in."""
_FOLDER = "demo-"


@dataclass(frozen=True, slots=True)
class RunningDemo:
    """Started parts of the demo."""

    run: LocalRun
    worker: HushtagProcess
    trends: HushtagProcess
    search: HushtagProcess
    api: HushtagProcess
    policy: Path
    check_script: Path

    @property
    def link(self) -> str:
        """Link that logs the reviewer in, from the first output of the API."""
        lines = (self.run.folder / f"{self.api.name}.log").read_text("utf-8", "replace").splitlines()
        outputs = (json.loads(line) for line in lines if line.startswith('{"url"'))
        return next((str(output["link"]) for output in outputs), "")

    @property
    def settings(self) -> Settings:
        """Settings of the run."""
        return self.run.settings

    @property
    def exports(self) -> str:
        """Shell line that points other commands at the demo; "" if their defaults do."""
        here = self.run.stack.environment()
        if here == {
            "HUSHTAG_KAFKA": f"{LOOPBACK}:{KAFKA_PORT}",
            "HUSHTAG_REDIS_URL": f"redis://{LOOPBACK}:{REDIS_PORT}/0",
        }:
            return ""
        return "export " + " ".join(f"{name}={value}" for name, value in here.items())


@contextmanager
def running_demo(console: Console) -> Iterator[RunningDemo]:
    """Run Kafka, Valkey, the topics, the worker, both surfaces, the public log, and the API with the console.

    Raises:
        HushtagError: a part does not start; the others are stopped again.
    """
    began = monotonic_seconds()
    reports: list[Callable[[str], None]] = [lambda line: None]
    with (
        _run_folder() as folder,
        nullcontext(StoryLog.new(folder / "public-log")) as log,
        LocalRun(
            folder,
            kafka_port=_preferred(KAFKA_PORT),
            redis_port=_preferred(REDIS_PORT),
            report=lambda line: reports[-1](line),
            HUSHTAG_POLICY=str(write_policy(folder)),
            HUSHTAG_REPORTS=str(folder),
            **log.settings(),
        ) as run,
        ExitStack() as stack,
    ):
        stack.callback(lambda: console.print("stopping all parts", style="dim"))
        with _step(console, "Apache Kafka and Valkey", usual_seconds=8) as report:
            reports.append(report)
            run.start_servers()
        with _step(console, "topics", usual_seconds=2):
            run.create_topics()
        spawned = _spawn_all(run)
        with _step(console, "cases to decide on", usual_seconds=3):
            asyncio.run(prepare(run.settings))
        with _step(console, "public log with two witnesses", usual_seconds=5):
            spawn_log(run, log)
        demo = RunningDemo(run, *spawned, policy=folder / POLICY.name, check_script=write_check_script(log, folder))
        for process in (demo.worker, demo.trends, demo.search, demo.api):
            with _step(console, process.name, usual_seconds=5):
                run.wait_until_ready(process)
        console.print(f"  all parts run after {monotonic_seconds() - began:.1f} s", style="dim")
        yield demo


def _spawn_all(run: LocalRun) -> tuple[HushtagProcess, HushtagProcess, HushtagProcess, HushtagProcess]:
    """Start the worker, both surfaces and the API, which come up in parallel."""
    trends, search, api = (_preferred(port) or free_port() for port in (TRENDS_PORT, SEARCH_PORT, API_PORT))

    def spawn_surface(command: str, port: int, other: str, other_port: int) -> HushtagProcess:
        options = ("--port", str(port), f"--{other}-url", f"http://{LOOPBACK}:{other_port}")
        return run.spawn(f"{command} service", command, *options, port=port)

    return (
        run.spawn_worker(),
        spawn_surface("trends", trends, "search", search),
        spawn_surface("search", search, "trends", trends),
        run.spawn("API", "api", "--reviewer", REVIEWER, "--port", str(api), "--share", "1", "--json", port=api),
    )


def _preferred(port: int) -> int:
    """Return the port if it is free, else 0 for any."""
    return port if is_free(port) else 0


@contextmanager
def _step(console: Console, name: str, *, usual_seconds: int) -> Iterator[Callable[[str], None]]:
    """Print the start of a part and the seconds that it took; yield a function for lines in between.

    `usual_seconds` is its time on two idle cores.
    """
    began, beginning = monotonic_seconds(), f"starting {name} ({usual_seconds} s)"
    if console.is_terminal:
        with console.status(beginning) as status:
            yield lambda line: status.update(f"{beginning}: {line}")
    else:
        console.print(f"  {beginning}")
        yield lambda line: console.print(f"    {line}", markup=False, soft_wrap=True)
    console.print(f"  ✓ {name}  [dim]{monotonic_seconds() - began:.1f} s[/dim]")


@contextmanager
def _run_folder() -> Iterator[Path]:
    """Make a folder for this run in the project's cache; a failed run leaves its logs there until the next run."""
    cache = default_cache()
    cache.mkdir(parents=True, exist_ok=True)
    for old in cache.glob(f"{_FOLDER}*"):
        if not _alive(old.name.removeprefix(_FOLDER).partition("-")[0]):
            shutil.rmtree(old, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{_FOLDER}{os.getpid()}-", dir=cache))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def _alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        pass
    return True
