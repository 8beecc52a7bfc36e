"""Starts all parts of the demo, each with a line that says so, and stops them in the opposite order."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from devkit.demo.children import Child, Children
from devkit.stack import LocalStack
from devkit.stack.jars import default_cache
from devkit.stack.ports import LOOPBACK, free_port, is_free
from streams.clock import monotonic_seconds
from streams.log.topics import create_topics
from streams.settings import Settings, load_settings

POLICY = Path(__file__).resolve().parents[2] / "config" / "demo-policy.yaml"
KAFKA_PORT, REDIS_PORT, TRENDS_PORT, SEARCH_PORT = 9092, 6379, 8701, 8702
"""Taken if they are free, so that other commands find everything by their defaults."""
_KEPT_SETTINGS = {"HUSHTAG_CACHE", "HUSHTAG_MAVEN_URL"}
_FOLDER = "demo-"


@dataclass(frozen=True, slots=True)
class Running:
    """What has been started."""

    settings: Settings
    stack: LocalStack
    children: Children
    worker: Child
    trends: Child
    search: Child

    def check(self) -> None:
        """Raise if a part has ended.

        Raises:
            HushtagError: with the last lines of its log.
        """
        self.stack.check()
        self.children.check()

    @property
    def exports(self) -> str:
        """The shell line that points other commands here; "" if their defaults do."""
        here = self.stack.environment()
        if here == {
            "HUSHTAG_KAFKA": f"{LOOPBACK}:{KAFKA_PORT}",
            "HUSHTAG_REDIS_URL": f"redis://{LOOPBACK}:{REDIS_PORT}/0",
        }:
            return ""
        return "export " + " ".join(f"{name}={value}" for name, value in here.items())


@contextmanager
def everything(console: Console) -> Iterator[Running]:
    """Kafka, Valkey, the topics, the worker and both surfaces.

    Raises:
        HushtagError: a part does not start; the others are stopped again.
    """
    for name in [name for name in os.environ if name.startswith("HUSHTAG_") and name not in _KEPT_SETTINGS]:
        del os.environ[name]  # the demo is a world of its own
    began = monotonic_seconds()
    with _folder() as folder, ExitStack() as life:
        with _step(console, "Apache Kafka and Valkey") as report:
            stack = LocalStack(
                folder / "stack", kafka_port=_preferred(KAFKA_PORT), redis_port=_preferred(REDIS_PORT), report=report
            )
            life.callback(stack.stop)
            stack.start()
        metrics_port = free_port()
        os.environ.update(stack.environment())
        os.environ.update(HUSHTAG_POLICY=str(POLICY), HUSHTAG_METRICS_PORT=str(metrics_port))
        settings = load_settings()
        with _step(console, "topics"):
            create_topics(settings)
        running = _start_children(settings, stack, life.enter_context(Children()), folder, metrics_port)
        for child in (running.worker, running.trends, running.search):
            with _step(console, child.name):
                child.wait_until_ready(running.check)
        console.print(f"  everything runs after {monotonic_seconds() - began:.1f} s", style="dim")
        yield running
        console.print("stopping all parts", style="dim")


def _start_children(
    settings: Settings, stack: LocalStack, children: Children, folder: Path, metrics_port: int
) -> Running:
    ports = [_preferred(port) or free_port() for port in (TRENDS_PORT, SEARCH_PORT)]
    worker_url, trends_url, search_url = (f"http://{LOOPBACK}:{port}" for port in (metrics_port, *ports))

    def child(name: str, url: str, *command: str) -> Child:
        return children.add(Child(name, command, logs=folder, url=url, environment=os.environ))

    return Running(
        settings=settings,
        stack=stack,
        children=children,
        worker=child("worker", worker_url, "worker"),
        trends=child("trends service", trends_url, "trends", "--port", str(ports[0]), "--search-url", search_url),
        search=child("search service", search_url, "search", "--port", str(ports[1]), "--trends-url", trends_url),
    )


def _preferred(port: int) -> int:
    """The port if it is free, else 0 for any."""
    return port if is_free(port) else 0


@contextmanager
def _step(console: Console, name: str) -> Iterator[Callable[[str], None]]:
    """Say that something starts, hand out what takes lines on it, and say how long it took."""
    began = monotonic_seconds()
    if console.is_terminal:
        with console.status(f"starting {name}") as status:
            yield lambda line: status.update(f"starting {name}: {line}")
    else:
        yield lambda line: console.print(f"    {line}", markup=False, soft_wrap=True)
    console.print(f"  ✓ {name}  [dim]{monotonic_seconds() - began:.1f} s[/dim]")


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder for this run, in the project's cache. Kept if the run fails, for its logs, until the next run."""
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
