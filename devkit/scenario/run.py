"""Starts the local stack and a publish stage for a story, plays it, and says whether it ended as it must."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from devkit.demo.children import Child, Children
from devkit.demo.start import POLICY
from devkit.scenario.india import story
from devkit.scenario.play import play, write
from devkit.stack import LocalStack
from devkit.stack.jars import default_cache
from devkit.stack.ports import LOOPBACK, free_port
from streams.cli.quiet import quieten
from streams.clock import monotonic_seconds
from streams.errors import EXIT_NO
from streams.log.topics import create_topics
from streams.settings import Settings, load_settings

_KEPT_SETTINGS = {"HUSHTAG_CACHE", "HUSHTAG_MAVEN_URL"}


def run_india(folder: Path, *, seed: int, as_json: bool) -> int:
    """Play the story; the exit code: 3 if a number that was told is not the log's, or a surface does otherwise.

    Raises:
        HushtagError: a part does not start, or ends.
    """
    console = Console(highlight=False, markup=False, soft_wrap=True, stderr=as_json)
    quieten()
    began = monotonic_seconds()

    def tell(line: str) -> None:
        console.print(f"{monotonic_seconds() - began:5.1f} s  {line}")

    with _stack(tell) as settings:
        ended = asyncio.run(play(story(seed), settings, tell))
    files = write(ended, folder, json.dumps(ended.report.facts, indent=1) + "\n")
    seconds = monotonic_seconds() - began
    console.print(
        f"\n--- the public update ---\n\n{ended.update}\n--- the reply to the authority ---\n\n{_head(ended.letter)}"
    )
    console.print("written: " + ", ".join(map(str, files)))
    for problem in ended.problems:
        console.print(f"✗ {problem}")
    if not ended.problems:
        console.print(f"✓ every number told is the log's, and every surface does what was decided ({seconds:.1f} s)")
    if as_json:
        said = {"seconds": round(seconds, 1), "problems": ended.problems, "files": [str(file) for file in files]}
        print(json.dumps(said | {"report": ended.report.facts}))
    return EXIT_NO if ended.problems else 0


@contextmanager
def _stack(tell: Callable[[str], None]) -> Iterator[Settings]:
    """Kafka, Valkey, the topics and a worker's publish stage, in a world of their own."""
    for name in [name for name in os.environ if name.startswith("HUSHTAG_") and name not in _KEPT_SETTINGS]:
        del os.environ[name]
    cache = default_cache()
    cache.mkdir(parents=True, exist_ok=True)
    metrics_port = free_port()
    with tempfile.TemporaryDirectory(prefix="scenario-", dir=cache) as name:
        folder = Path(name)
        with LocalStack(folder / "stack", report=tell) as stack, Children() as children:
            os.environ.update(
                stack.environment(), HUSHTAG_SHARDS="2", HUSHTAG_METRICS_PORT=str(metrics_port),
                HUSHTAG_POLICY=str(POLICY),
            )  # fmt: skip
            settings = load_settings()
            create_topics(settings)
            url = f"http://{LOOPBACK}:{metrics_port}"
            command = ("worker", "--stages", "publish")
            worker = children.add(Child("worker", command, logs=folder, url=url, environment=os.environ))
            worker.wait_until_ready(stack.check)
            tell("Kafka, Valkey and a worker are up")
            yield settings
            children.check()


def _head(letter: str) -> str:
    """The letter without its annex, which has a line for each target."""
    body, annex, lines = letter.partition("Annex: ")
    return body + (f"{annex}({len(lines.splitlines()) - 1:,} targets, in the file)\n" if annex else "")
