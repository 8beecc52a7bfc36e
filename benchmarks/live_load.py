"""Tweet to flag at a steady load, with empty or with full windows.

    python -m benchmarks.live_load --rate 10000                  empty windows
    python -m benchmarks.live_load --rate 10000 --minutes 60     full windows: an hour was settled before

The producer of the load and the broker share the cores with the worker. The windows are filled as in
`benchmarks.recovery`: the worker recovers that many minutes of settled panes, as many tweets a minute as the load has.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.live import WARM_UP_SECONDS, Live, live
from benchmarks.machine import machine
from benchmarks.pipeline import BenchmarkFailed, PipelineProcesses
from benchmarks.recovery import settled_minute, without_valves, write_history
from benchmarks.side_by_side import PARTITIONS, console
from devkit.stack import LocalStack
from streams.cli.inputs import load_policy_file
from streams.constants import MINUTE_MS
from streams.counting.times import FLUSH_MS
from streams.log.topics import create_topics
from streams.settings import Settings


def measure(stack: LocalStack, folder: Path, rate: float, minutes: int, seconds: float, flush_ms: int) -> Live:
    """Measure a worker at a steady load.

    Args:
        stack: running broker and Redis.
        folder: for the policy and the worker's log.
        rate: tweets a second.
        minutes: settled minutes that the worker recovers first.
        seconds: duration of the load.
        flush_ms: time between two flushes of ingest.

    Raises:
        BenchmarkFailed: nothing was judged.
    """
    policy = folder / "policy.yaml"
    text = without_valves(Path("config/demo-policy.yaml").read_text())
    policy.write_text(text + "\nmax_tags_per_pane: 10000000  # all count\n")
    settings = Settings(
        kafka=stack.kafka, redis_url=stack.redis_url, metrics_port=29_466, policy=policy, encoder="off",
        flush_ms=flush_ms,
    )  # fmt: skip
    create_topics(settings, tweets_partitions=PARTITIONS)
    if minutes:
        with console.status(f"writing {minutes} settled minutes"):
            minute = settled_minute(rate, load_policy_file(policy, settings.shards), settings)
            end_ms = int(time.time() * 1000) // MINUTE_MS * MINUTE_MS
            asyncio.run(write_history(settings, minutes, end_ms, minute))
    with PipelineProcesses(settings, folder, ["ingest,judge,publish"]) as pipeline:
        pipeline.wait_ready()
        return asyncio.run(live(pipeline, rate, seconds, "full" if minutes else "empty"))


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=10_000, help="tweets a second, all with a hashtag")
    parser.add_argument("--minutes", type=int, default=0, help="settled minutes before, 60 for full windows")
    parser.add_argument("--seconds", type=float, default=60, help=f"of load, more than {WARM_UP_SECONDS:g} to warm up")
    parser.add_argument("--flush-ms", type=int, default=FLUSH_MS, help="time between two flushes of ingest")
    options = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as name, LocalStack(Path(name), heap_mb=1024) as stack:
            figures = measure(stack, Path(name), options.rate, options.minutes, options.seconds, options.flush_ms)
    except BenchmarkFailed as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(3) from None
    print(f"tweet → flag at a client, at {options.rate:,.0f} tweets/s: {figures}")
    print(machine())


if __name__ == "__main__":
    main()
