"""Other frameworks on the same window job, side by side, in one run on one broker.

    make bench-peers      or    python -m benchmarks.peers --json peers.json

The job: uses of each hashtag in each country in the last 10 minutes, every 10 seconds, of what has at least 50 uses.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.machine import machine
from benchmarks.peers.backlog import PeerBacklog, fill, make_topic, read_rows
from benchmarks.peers.contenders import PEERS, Peer
from benchmarks.peers.install import ENVIRONMENTS, ROOT, NotHere
from benchmarks.peers.picture import picture
from benchmarks.peers.watch import PeerFailed, watch
from benchmarks.peers.windows import Exactness, compare
from benchmarks.side_by_side import PARTITIONS, Result
from devkit.stack import LocalStack
from streams.log.topics import create_topics
from streams.settings import Settings

PICTURE = ROOT / "docs" / "images" / "peers.svg"
DEADLINE_SECONDS = 180.0
progress = Console(stderr=True)


@dataclass(frozen=True)
class Run:
    """Figures of one peer's run."""

    peer: Peer
    result: Result
    windows: Exactness


def run_all(
    peers: list[Peer], tweets: int, per_second: float, advance_seconds: int
) -> tuple[list[Run], dict[str, str]]:
    """Install, fill, run and check; returns the runs, and why a peer has none."""
    commands: dict[str, list[str]] = {}
    left_out: dict[str, str] = {}
    for peer in peers:
        with progress.status(f"installing {peer.name}"):
            try:
                commands[peer.key] = peer.command()
            except NotHere as error:
                left_out[peer.name] = str(error)
    runs: list[Run] = []
    ENVIRONMENTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ENVIRONMENTS) as name, LocalStack(Path(name), heap_mb=1024) as stack:
        sizes = {peer.tweets(tweets) for peer in peers if peer.key in commands}
        settings = Settings(kafka=stack.kafka)
        create_topics(settings, tweets_partitions=PARTITIONS, create_time=True)
        topics = {size: settings.topic("tweets") if size == tweets else f"tweets-{size}" for size in sizes}
        for size in sizes - {tweets}:
            make_topic(stack.kafka, topics[size])
        with progress.status(f"writing {tweets:,} tweets"):
            backlogs = asyncio.run(fill(stack.kafka, topics, per_second))
        for peer in [peer for peer in peers if peer.key in commands]:
            backlog = backlogs[peer.tweets(tweets)]
            with progress.status(f"{peer.name}: {backlog.tweets:,} tweets"):
                try:
                    run = _run(peer, commands[peer.key], backlog, stack, Path(name) / peer.key, advance_seconds)
                except PeerFailed as error:
                    left_out[peer.name] = str(error)
                    continue
            runs.append(run)
            progress.print(f"{peer.name}: {run.result.seconds:.1f} s for {backlog.tweets:,} tweets, "
                           f"{run.windows.exact} of {run.windows.windows} windows exact")  # fmt: skip
    return runs, left_out


def _run(
    peer: Peer, command: list[str], backlog: PeerBacklog, stack: LocalStack, folder: Path, advance_seconds: int
) -> Run:
    folder.mkdir()
    counts = f"counts-{peer.key}"
    make_topic(stack.kafka, counts)
    environment = {
        "PEER_KAFKA": stack.kafka,
        "PEER_REDIS": stack.redis_url,
        "PEER_TWEETS": backlog.topic,
        "PEER_TWEETS_NUMBER": str(backlog.tweets),
        "PEER_UNTIL_MS": str(backlog.until_ms),
        "PEER_COUNTS": counts,
        "PEER_ADVANCE_SECONDS": str(advance_seconds),
        "PEER_FOLDER": str(folder),
    }
    took = watch(command, environment, folder / "peer.log", DEADLINE_SECONDS)
    result = Result(peer.name, backlog.tweets, took.seconds, took.cpu_seconds, took.peak_mb)
    rows = asyncio.run(read_rows(stack.kafka, counts))
    return Run(peer, result, compare(backlog.rows, rows, backlog.until_ms, advance_seconds * 1000))


def show(runs: list[Run], left_out: dict[str, str], title: str) -> None:
    """The table; ratios are to the bare loop of this run."""
    base = next((run.result for run in runs if run.peer.key == "bare"), None)
    table = Table("", "tweets", "tweets/s", "× bare", "CPU s per million", "× bare", "peak MB", "windows exact",
                  "rows right", "its job", title=title)  # fmt: skip
    for run in runs:
        result, windows = run.result, run.windows
        table.add_row(
            result.name, f"{result.tweets:,}",
            f"{result.per_second:,.0f}", _ratio(result.per_second, base and base.per_second),
            f"{result.cpu_per_million:,.1f}", _ratio(result.cpu_per_million, base and base.cpu_per_million),
            f"{result.peak_mb:,.0f}", f"{windows.exact} of {windows.windows}", f"{windows.right:,} of {windows.rows:,}",
            run.peer.job,
        )  # fmt: skip
    Console(width=170).print(table)
    for name, why in left_out.items():
        print(f"left out: {name}: {why}")
    print(f"{machine()}, {datetime.now(UTC):%Y-%m-%d}")


def _ratio(value: float, base: float | None) -> str:
    if not base:
        return "-"
    ratio = value / base
    return f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.2g}"


def as_json(runs: list[Run], left_out: dict[str, str], options: argparse.Namespace) -> str:
    """Return the figures as JSON values."""
    rows = [
        {
            "key": run.peer.key,
            "job": run.peer.job,
            **asdict(run.result),
            "tweets_per_second": run.result.per_second,
            "cpu_seconds_per_million": run.result.cpu_per_million,
            "exactness": asdict(run.windows),
        }
        for run in runs
    ]
    about = {
        "machine": machine(),
        "at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "tweets": options.tweets,
        "event_tweets_per_second": options.per_second,
        "advance_seconds": options.advance_seconds,
    }
    return json.dumps({**about, "rows": rows, "left_out": left_out}, indent=2) + "\n"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tweets", type=int, default=600_000, help="of the whole backlog; a slow peer reads a part")
    parser.add_argument("--per-second", type=float, default=500.0, help="tweets in a second of event time")
    parser.add_argument("--advance-seconds", type=int, default=10, help="from a window to the next, a multiple of 10")
    parser.add_argument("--only", default="", help=f"comma-separated, of {','.join(peer.key for peer in PEERS)}")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    parser.add_argument("--picture", type=Path, help=f"default: {PICTURE.relative_to(ROOT)} when all of them ran")
    options = parser.parse_args()
    options.keys = set(options.only.split(",")) if options.only else {peer.key for peer in PEERS}
    if unknown := options.keys - {peer.key for peer in PEERS}:
        parser.error(f"--only: {', '.join(sorted(unknown))} is none of {', '.join(peer.key for peer in PEERS)}")
    if options.advance_seconds <= 0 or options.advance_seconds % 10:
        parser.error(f"--advance-seconds: {options.advance_seconds} is not a multiple of 10, the pane's length")
    return options


def main() -> None:
    """Run the peers from the command line."""
    options = _arguments()
    start = time.monotonic()
    chosen = [peer for peer in PEERS if peer.key in options.keys]
    runs, left_out = run_all(chosen, options.tweets, options.per_second, options.advance_seconds)
    show(runs, left_out, f"10 minute windows every {options.advance_seconds} seconds")
    progress.print(f"took {time.monotonic() - start:.0f} s")
    if options.json:
        options.json.write_text(as_json(runs, left_out, options))
    target = options.picture or (PICTURE if len(runs) == len(PEERS) else None)
    if target and runs:
        kinds = {run.result.name: run.peer.kind for run in runs}
        target.write_text(picture([run.result for run in runs], kinds, options.advance_seconds, machine()))
        progress.print(f"picture: {target}")
    if not runs:
        raise SystemExit("nothing ran")


if __name__ == "__main__":
    main()
