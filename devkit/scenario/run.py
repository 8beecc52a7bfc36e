"""Play a story on a local run of hushtag, write its documents, and report whether it ended as it must."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from devkit.scenario.india import order_story
from devkit.scenario.play import play
from devkit.scenario.public_log import StoryLog
from devkit.stack.jars import default_cache
from devkit.stack.local_run import POLICY, LocalRun
from streams.cli.output import quieten
from streams.clock import monotonic_seconds
from streams.console import PlainConsole
from streams.errors import EXIT_NO
from streams.settings import Settings


def run_india(folder: Path, *, seed: int, as_json: bool) -> int:
    """Play the story; return the exit code: 3 if a published number differs from the log, or a surface misbehaves.

    Raises:
        HushtagError: a part does not start, or ends.
    """
    console = PlainConsole(soft_wrap=True, stderr=as_json)
    quieten()
    began = monotonic_seconds()

    def report(line: str) -> None:
        console.print(f"{monotonic_seconds() - began:5.1f} s  {line}")

    with _local_run(report) as (settings, log):
        ended = asyncio.run(play(order_story(seed), settings, report, log))
    documents = ended.documents
    files = documents.write(folder)
    seconds = monotonic_seconds() - began
    console.print(f"\n--- the public update ---\n\n{documents.update}")
    for order, text in documents.letters.items():
        console.print(f"--- the reply to the authority on {order} ---\n\n{_head(text)}")
    console.print("files written: " + ", ".join(map(str, files)))
    console.print("\n--- a third party, with the published folder, keys, one statement and the report ---\n")
    for line in ended.outsider.lines:
        console.print(line)
    if documents.keys:
        console.print(f"\ncheck it yourself: hushtag proof verify {folder}/statement.json $(cat {folder}/keys.txt)")
    for problem in ended.problems:
        console.print(f"✗ {problem}")
    if not ended.problems:
        console.print(f"✓ {ended.checked:,} published numbers, all equal to the count of the log ({seconds:.1f} s)")
        console.print("✓ all surfaces apply the decisions")
    if as_json:
        result = {
            "seconds": round(seconds, 1),
            "checked": ended.checked,
            "problems": ended.problems,
            "forgeries_found": ended.outsider.forgeries_found,
            "files": [str(file) for file in files],
            "report": documents.report.facts,
        }
        print(json.dumps(result))
    return EXIT_NO if ended.problems else 0


@contextmanager
def _local_run(report: Callable[[str], None]) -> Iterator[tuple[Settings, StoryLog]]:
    cache = default_cache()
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="scenario-", dir=cache) as name:
        folder = Path(name)
        log = StoryLog.new(folder / "published")
        with LocalRun(folder, report=report, HUSHTAG_SHARDS="2", HUSHTAG_POLICY=str(POLICY), **log.settings()) as run:
            run.start_servers()
            run.create_topics()
            log.start_witnesses(run)
            run.wait_until_ready(run.spawn_worker("--stages", "publish"))
            report("Kafka, Valkey, a worker and two witnesses are up")
            yield run.settings, log
            run.check()


def _head(letter: str) -> str:
    """Return the letter without its annex, which has a line for each target."""
    body, annex, lines = letter.partition("Annex: ")
    return body + (f"{annex}({len(lines.splitlines()) - 1:,} targets, in the file)\n" if annex else "")
