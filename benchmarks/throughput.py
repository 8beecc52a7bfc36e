"""Speed, side by side, in one run on one broker: a bare loop, hushtag's whole pipeline, Faust as its docs say.

    make bench            or    python -m benchmarks.throughput --tweets 1000000

All three read the same tweets: every tweet tagged, tags Zipf-distributed. The bare loop (aiokafka, msgspec, panes in a
dict) does a part of the job and is the measure of all others; hushtag repartitions, samples authors, scores, decides
and publishes flags. Log times rise at --rate, however fast this machine wrote the tweets: the cost of a settled pane
grows far more slowly than its tweets. The tweets are as old as after an outage, so
there are no early looks. hushtag's clock stops when every shard has settled the last tweet's pane, not when the last
tweet is read; both moments are printed.

The second part measures early firings at half of hushtag's rate: the time from a tweet to the flag at a client, and the
CPU per tweet while windows are nearly empty. The cost of a client's answer and of a second worker follow.

A run in which no tick settles or no text is scored ends with exit code 3: it would measure reading alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.backlog import TEXTS, Backlog, Shape, fill
from benchmarks.live import WARM_UP_SECONDS, Live, cpu_of_load, live, lookups_per_check
from benchmarks.machine import machine
from benchmarks.peers.watch import watch
from benchmarks.pipeline import BenchmarkFailed, PipelineProcesses, PipelineResult
from benchmarks.side_by_side import PARTITIONS, Result, bare, console
from devkit.stack import LocalStack
from streams.log.topics import create_topics
from streams.settings import Settings, time_rules

DEADLINE_SECONDS = 600.0
EXIT_NOTHING_MEASURED = 3
WAYS = (("one process", ["ingest,judge,publish"]), ("ingest apart", ["ingest", "judge,publish"]))
GOALS: dict[tuple[Shape, int], tuple[str, str]] = {
    ("native", 1): ("≥ 0.60", "≤ 1.70"),
    ("native", 2): ("≥ 0.70", ""),
    ("v1.1", 1): ("≥ 0.50", "≤ 2.00"),
}
"""Goals for throughput and CPU, in multiples of the bare loop, by payload shape and number of processes."""
MOST_LOOKUPS, MOST_OF_ONE = 10, 1.1
"""Goals for a client's answer, in lookups of a dict, and for two workers, in CPU of one."""
SHARES: dict[Shape, float] = {"native": 1.0, "v1.1": 0.2}
"""Share of --tweets for payloads of each shape: those of v1.1 are ten times as long."""


def faust_documented(kafka: str, topic: str, tweets: int, shape: str) -> None:
    """Count in Faust as its documentation shows: an agent, a hopping table of counts, one event per tweet."""
    import faust

    group = f"{os.getpid()}{random.randrange(10**6)}"
    app = faust.App(f"bench-faust-{group}", broker=f"kafka://{kafka}", store="memory://", web_enabled=False,
                    worker_redirect_stdouts=False, datadir=".cache/faust",
                    topic_partitions=PARTITIONS, consumer_auto_offset_reset="earliest")  # fmt: skip
    counts = app.Table(f"counts-{group}", default=int, partitions=PARTITIONS).hopping(600, 60, expires=600)
    source = app.topic(topic, value_type=bytes, value_serializer="raw")
    done = 0

    @app.agent(source)
    async def count(stream: Any) -> None:
        nonlocal done
        async for value in stream:
            if not done:
                print("started", flush=True)
            for word in json.loads(value)["text"].split():
                if word[0] == "#":
                    counts[word.lower()] += 1
            done += 1
            if done >= tweets:
                os._exit(0)

    faust.Worker(app, loglevel="ERROR").execute_from_commandline()


def measure(name: str, contender: str, kafka: str, topic: str, tweets: int, shape: Shape = "native") -> Result:
    """Run one contender in a separate process, from its first fetch to its last tweet."""
    command = [sys.executable, "-m", "benchmarks.throughput", "--contender", contender, "--kafka", kafka,
               "--topic", topic, "--tweets", str(tweets), "--shape", shape]  # fmt: skip
    with console.status(f"{name}: {tweets:,} tweets"), tempfile.NamedTemporaryFile() as log:
        measured = watch(command, {}, Path(log.name), DEADLINE_SECONDS)
    return Result(name, tweets, measured.seconds, measured.cpu_seconds, measured.peak_mb)


def contend(
    stack: LocalStack, folder: Path, tweets: int, rate: float, shape: Shape, with_faust: int, live_seconds: float
) -> float:
    """Run the contenders, one after the other, and then hushtag at a steady load.

    Returns:
        Half of the tweets a second that hushtag settled with ingest apart: the steady load.

    Raises:
        BenchmarkFailed: a run judged nothing, or did not end.
    """
    pipelines: list[Result] = []
    topics: list[str] = []
    measured: Live | None = None
    half = 0.0
    for name, processes in WAYS:
        settings = _settings(stack, folder, f"{shape}{len(processes)}.")
        topics.append(settings.topic("tweets"))
        backlog = _write_backlog(settings, tweets, rate, shape)  # each just before its run: all are equally old
        with PipelineProcesses(settings, folder, processes) as pipeline:
            row = f"hushtag, whole pipeline, {name}"
            pipelines.append(pipeline.read_all(row, backlog.tweets, backlog.records, backlog.settles_ms))
            half = pipelines[-1].per_second / 2
            if live_seconds and len(pipelines) == len(WAYS):
                measured = asyncio.run(live(pipeline, half, live_seconds))
    results = [measure("bare aiokafka + msgspec + panes", "bare", stack.kafka, topics[0], tweets, shape), *pipelines]
    if with_faust:
        results.append(measure("Faust as documented (hopping table)", "faust", stack.kafka, topics[0], with_faust))
    show(results, shape)
    if measured is not None:
        print(f"tweet → flag at a client, at {half:,.0f} tweets/s: {measured}")
    return half


def _write_backlog(settings: Settings, tweets: int, rate: float, shape: Shape) -> Backlog:
    """Create topics, of which `tweets` keeps its producer's log times, and write the backlog."""
    create_topics(settings, tweets_partitions=PARTITIONS, create_time=True)
    slack_ms = time_rules(settings, create_time=True).watermark_slack_ms
    topic = settings.topic("tweets")
    return asyncio.run(fill(settings.kafka, topic, tweets, shape, rate, settings.timely_ms, slack_ms))


def cpu_per_million(stack: LocalStack, folder: Path, workers: int, rate: float) -> float:
    """Return the CPU seconds of a million tweets that equal workers read as they are written, each its share.

    The broker stamps these tweets, as in production.

    Raises:
        BenchmarkFailed: the run judged nothing.
    """
    settings = _settings(stack, folder, f"shared{workers}.")
    create_topics(settings, tweets_partitions=PARTITIONS)
    with PipelineProcesses(settings, folder, ["ingest,judge,publish"] * workers) as pipeline:
        return cpu_of_load(pipeline, f"{workers} × hushtag", rate)


def _settings(stack: LocalStack, folder: Path, prefix: str) -> Settings:
    policy = folder / "policy.yaml"
    policy.write_text(Path("config/demo-policy.yaml").read_text() + "\nmax_tags_per_pane: 10000000  # all count\n")
    return Settings(
        kafka=stack.kafka, redis_url=stack.redis_url, metrics_port=29_464, policy=policy, topic_prefix=prefix,
        group=prefix.rstrip("."), encoder="off",
    )  # fmt: skip


def show(results: Sequence[Result], shape: Shape) -> None:
    """Print the table, with ratios to the bare loop of this run, and both moments of each pipeline's end."""
    base = results[0]
    title = f"{shape} payloads, {results[0].tweets:,} tweets, drawn from {TEXTS:,} distinct texts"
    table = Table("", "tweets/s", "× bare", "goal", "CPU s per million", "× bare", "goal", "peak MB", title=title)
    for processes, result in enumerate(results):
        faster, cheaper = GOALS.get((shape, processes), ("", "")) if isinstance(result, PipelineResult) else ("", "")
        table.add_row(
            result.name, f"{result.per_second:,.0f}", f"{result.per_second / base.per_second:.2f}", faster,
            f"{result.cpu_per_million:.1f}", f"{result.cpu_per_million / base.cpu_per_million:.2f}", cheaper,
            f"{result.peak_mb:,.0f}",
        )  # fmt: skip
    Console(width=120).print(table)
    for result in results:
        if isinstance(result, PipelineResult):
            print(result)


def main() -> None:
    """Parse the command line; run the benchmark, or one of its contenders."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tweets", type=int, default=1_000_000)
    parser.add_argument("--rate", type=float, default=50_000, help="tweets a second by their log time")
    parser.add_argument("--shape", choices=[*SHARES, "both"], default="both")
    parser.add_argument("--faust", type=int, default=10_000, help="tweets for Faust's hopping table; 0 leaves it out")
    parser.add_argument("--live-seconds", type=float, default=60.0, help="duration of the steady load; 0 leaves it out")
    for hidden in ("--contender", "--kafka", "--topic"):
        parser.add_argument(hidden, default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if 0 < options.live_seconds <= WARM_UP_SECONDS:
        parser.error(
            f"--live-seconds {options.live_seconds:g}: say 0, or more than the {WARM_UP_SECONDS:g} of warming up"
        )
    if options.contender:
        {"bare": bare, "faust": faust_documented}[options.contender](
            options.kafka, options.topic, options.tweets, options.shape
        )
        return
    try:
        run(options)
    except BenchmarkFailed as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(EXIT_NOTHING_MEASURED) from None


def run(options: argparse.Namespace) -> None:
    """Run every part, and print its figures.

    Raises:
        BenchmarkFailed: a run judged nothing, or did not end.
    """
    print(machine())
    print(
        f"backlog: {options.rate:,.0f} tweets a second by log time; tweets/s of hushtag: until every shard has settled"
    )
    with tempfile.TemporaryDirectory() as name, LocalStack(Path(name), heap_mb=1024) as stack:
        halves: list[float] = []
        for shape in SHARES if options.shape == "both" else [options.shape]:
            native = shape == "native"
            halves.append(contend(
                stack, Path(name), int(options.tweets * SHARES[shape]), options.rate, shape,
                options.faust if native else 0, options.live_seconds if native else 0,
            ))  # fmt: skip
        print(f"a client's answer on a normalised tag: {lookups_per_check(stack.redis_url):.1f} lookups of a dict "
              f"(goal ≤ {MOST_LOOKUPS})")  # fmt: skip
        quarter = halves[0] / 2  # two workers, the load and the broker share the cores
        of_one, of_two = (cpu_per_million(stack, Path(name), workers, quarter) for workers in (1, 2))
        print(f"two workers, at {quarter:,.0f} tweets/s: {of_two:.1f} CPU s per million where one takes {of_one:.1f}: "
              f"{of_two / of_one:.2f} x (goal ≤ {MOST_OF_ONE})")  # fmt: skip


if __name__ == "__main__":
    main()
