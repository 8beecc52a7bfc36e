"""Memory of a flood of hashtags, and cost of a longer window in time and memory.

    make memory           or    python -m benchmarks.memory flood | authors | windows

The worker's own cores, without Kafka: ingest reads payloads of one source partition, its partials are encoded and
decoded, and eight judges of one process count, score, settle and encode their records. All state of a worker is
held. Only the clients of Kafka and Redis are absent: their buffers are bounded, and
tests/integration/test_backpressure.py covers them. Time is simulated.

- `flood`: ten million hashtags, each in one tweet: an hour at 2,500 a second, which fills every pane of the longest
  window, then at 20,000 a second, which fills the open ones. Among them are fifty hashtags that people use:
  their window counts are compared with a plain sum.
- `authors`: a million authors on one tag, at 20,000 tweets a second.
- `windows`: one judge, a fixed set of tags, one window of 10 minutes to a day: CPU time to settle a tick, and memory.

Each run is a separate process. Writes docs/images/memory.svg and window_cost.svg.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.chart import LineChart, svg
from benchmarks.cores import SHARDS, Cores, activation_of
from benchmarks.machine import machine
from streams.constants import PANE_MS
from streams.counting.block_counts import Flush, to_lines
from streams.counting.keys import Sharding
from streams.counting.sketch import KeyedHash
from streams.counting.times import FLUSH_MS
from streams.judging.shard_judge import ShardJudge
from streams.judging.shard_state import ShardState
from streams.log.lines import LogRecord
from streams.policy import Policy, parse_policy
from streams.windows.open_pane import Scores

START_MS = 1_750_000_000_000 // 3_600_000 * 3_600_000
HOUR_MS = 3_600_000
STEADY = 50
"""Tags that people use while the flood goes on: one tweet in twenty."""
MEASURED = 180
"""Ticks that are timed."""
CLOCKS = {"10 min": 600_000, "1 h": HOUR_MS, "6 h": 6 * HOUR_MS, "24 h": 24 * HOUR_MS}


def resident_mb() -> float:
    """Resident memory of this process now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def emit(**values: Any) -> None:
    """Print one line for the parent."""
    print(json.dumps(values), flush=True)


def policy_of(most_tags: int) -> Policy:
    """Parse the shipped policy with another limit."""
    text = Path("config/policy.yaml").read_text()
    text = text.replace("max_tags_per_pane: 50000", f"max_tags_per_pane: {most_tags}", 1)
    policy = parse_policy(text, "config/policy.yaml")
    assert policy.max_tags_per_pane == most_tags
    return policy


def payload(number: int, author: int, at_ms: int, hashtag: str) -> bytes:
    """Encode one tweet as a native payload."""
    return (
        b'{"id":"%d","author_id":"%d","created_at_ms":%d,"text":"something that number %d has to say about it",'
        b'"hashtags":["%s"],"country":"IN"}' % (number, author, at_ms, author, hashtag.encode())
    )


class Steady:
    """Hashtags that people use during the flood, counted pane by pane in the obvious way."""

    def __init__(self) -> None:
        self.panes: deque[tuple[int, Counter[str]]] = deque()

    def next(self, number: int, at_ms: int) -> str:
        """The tag of a tweet."""
        hashtag, pane = f"people{number // 20 % STEADY}", at_ms // PANE_MS
        if not self.panes or self.panes[-1][0] != pane:
            self.panes.append((pane, Counter()))
        self.panes[-1][1][hashtag] += 1
        return hashtag

    def wrong(self, cores: Cores, window_ms: int) -> int:
        """Count the hashtags whose settled window differs from the plain count."""
        wrong = 0
        for number in range(STEADY):
            hashtag = f"people{number}"
            end_ms = cores.judges[Sharding(SHARDS).of(hashtag)].state.store.end_ms
            end_ms = end_ms if window_ms <= 900_000 else end_ms // 60_000 * 60_000
            expected = sum(
                counts[hashtag] for pane, counts in self.panes if end_ms - window_ms <= pane * PANE_MS < end_ms
            )
            wrong += cores.count(hashtag, window_ms) != expected
        return wrong


def phases(tweets: int) -> list[tuple[int, float]]:
    """(tweets, a second): nine tenths over an hour, the last tenth at eight times that."""
    slow = tweets * 9 // 10
    return [(slow, slow / 3_600), (tweets - slow, 8 * slow / 3_600)]


def flood(tweets: int, most_tags: int, stop_at: int) -> None:
    """Child: so many hashtags of one tweet each, or of them the first `stop_at`."""
    cores, steady = Cores(policy_of(most_tags)), Steady()
    settle_garbage()
    number, offset, used, at = 0, 0, 0, float(START_MS)
    for many, rate in phases(tweets):
        per_batch = rate * FLUSH_MS / 1000 * 20 / 19
        due, told_ms = 0.0, 0.0
        first = used
        while used - first < many and used < stop_at:
            due += per_batch
            records = []
            while due >= 1:
                due -= 1
                number += 1
                at_ms = int(at)
                if number % 20:
                    used += 1
                    hashtag = f"flood{used}"
                else:
                    hashtag = steady.next(number, at_ms)
                records.append(LogRecord(0, offset, at_ms, None, payload(number, number, at_ms, hashtag)))
                offset += 1
            cores.read(records)
            at += FLUSH_MS
            if at - told_ms >= 10_000:
                told_ms = at
                emit(seconds=(at - START_MS) / 1000, tweets=used, mb=resident_mb())
    wrong = sum(steady.wrong(cores, window_ms) for window_ms in (600_000, HOUR_MS))
    emit(peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, given_up=cores.given_up, wrong=wrong)


def authors(people: int) -> None:
    """Child: so many authors on one tag."""
    cores = Cores(policy_of(100_000))
    settle_garbage()
    per_batch = 20_000 * FLUSH_MS // 1000
    for first in range(0, people, per_batch):
        at_ms = START_MS + first // per_batch * FLUSH_MS
        records = [
            LogRecord(0, number, at_ms, None, payload(number + 1, number + 1, at_ms, "everyone"))
            for number in range(first, min(people, first + per_batch))
        ]
        cores.read(records)
        if first // per_batch % 4 == 0:
            emit(seconds=(at_ms - START_MS) / 1000, tweets=first, mb=resident_mb())
    emit(peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def settle_garbage() -> None:
    """Freeze the heap, as the worker does after its start."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def fixed_traffic(ticks: int, tags: int, uses: int) -> Iterator[Flush]:
    """Yield one flush per tick, each a new block, with Zipf-distributed uses of a fixed set of hashtags."""
    rng = np.random.Generator(np.random.PCG64(5))
    names = [f"tag{number}" for number in range(tags)]
    share = 1 / np.arange(1, tags + 1)
    share /= share.sum()
    hashes = KeyedHash(b"benchmark")
    for tick in range(ticks):
        of = rng.choice(tags, uses, p=share)
        code = np.sort(of * 8 + rng.integers(0, 5, uses))
        keys, counts = np.unique(code, return_counts=True)
        end_ms = START_MS + (tick + 1) * PANE_MS
        yield Flush(
            "benchmark", 0, 1, 1, tick, end_ms, end_ms,
            hashtags=to_lines([names[key // 8] for key in keys.tolist()]),
            countries=(2 + keys % 8).astype("<u2").tobytes(),
            panes=np.full(len(keys), end_ms // PANE_MS - 1, "<i8").tobytes(),
            blocks=np.full(len(keys), tick, "<i8").tobytes(),
            counts=counts.astype("<u4").tobytes(),
            sizes=counts.astype("<u4").tobytes(),
            author=hashes.authors(rng.integers(0, 200_000, uses).tolist()).astype("<u8").tobytes(),
            tweet=rng.integers(0, 2**62, uses).astype("<i8").tobytes(),
            origin=rng.integers(0, 2**62, uses).astype("<i8").tobytes(),
            age_days=np.full(uses, 900, "<i4").tobytes(),
            flags=np.zeros(uses, "u1").tobytes(),
            displays=b"\n" * uses,
            texts=b"a text\n" * uses,
        )  # fmt: skip


def windows(window_ms: int, tags: int, uses: int) -> None:
    """Child: one judge with one window, filled, and then an hour of ticks."""
    judge = ShardJudge(
        ShardState(
            0, categories=["a", "b", "c"], model_revision="", hashes=KeyedHash(b"benchmark"), early=False, shards=1
        )
    )
    policy = policy_of(100_000).model_copy(update={"windows": (window_ms,)})
    blind = policy.model_copy(update={"evidence_floor": 1_000_000})  # nothing is judged while the window fills
    judge.apply(0, activation_of(blind))
    settle_garbage()
    base_mb, fill, spent = resident_mb(), (window_ms + HOUR_MS) // PANE_MS, []
    for offset, flush in enumerate(fixed_traffic(fill + MEASURED, tags, uses), 1):
        if offset == fill:
            judge.apply(offset, activation_of(policy, sequence=1, from_tick_ms=START_MS + fill * PANE_MS))
        judge.apply(offset, flush)
        begun = time.process_time()
        job = judge.next_tick()
        assert job is not None
        n = len(job.texts.entries)
        settled = judge.settle(
            job, Scores(np.full((n, 4), 0.1, np.float32), np.ones(n, np.uint32), np.zeros(n, np.uint8))
        )
        spent.append(1000 * (time.process_time() - begun))
        assert settled.progress is not None
    last = np.array(spent[-MEASURED:])
    emit(
        ms=float(last.mean()), p99_ms=float(np.quantile(last, 0.99)), worst_ms=float(last.max()), base_mb=base_mb,
        mb=resident_mb(), panes=len(judge.state.store.short_panes) + len(judge.state.store.rollups.panes),
    )  # fmt: skip


def child(*arguments: object) -> list[dict[str, float]]:
    """Run a part in a separate process, and return its result."""
    command = [sys.executable, "-m", "benchmarks.memory", *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def curve(samples: list[dict[str, float]], per: float = 60) -> list[tuple[float, float]]:
    """Memory over simulated time."""
    return [(sample["seconds"] / per, sample["mb"]) for sample in samples if "seconds" in sample]


def measure_flood(options: argparse.Namespace) -> None:
    """The flood under the limit, and a part of it without one."""
    bounded = child("flood", "--child", "--tweets", options.tweets, "--most-tags", options.most_tags)
    free = child(
        "flood", "--child", "--tweets", options.tweets, "--most-tags", 10**8, "--stop-at", options.tweets // 3
    )  # fmt: skip
    end = bounded[-1]
    print(f"flood: {options.tweets:,} hashtags of one tweet each, max_tags_per_pane {options.most_tags:,}: at most "
          f"{end['peak_mb']:,.0f} MB of {options.limit_mb:,}; {end['given_up']:,.0f} tweets given up; of {STEADY} tags "
          f"that people used meanwhile {end['wrong']:.0f} were counted wrongly over 10 min or 1 h")  # fmt: skip
    print(f"without a limit: {free[-1]['peak_mb']:,.0f} MB after {options.tweets // 3:,}")
    (options.pictures / "memory.svg").write_text(svg(flood_chart(options, bounded, free)))


def flood_chart(
    options: argparse.Namespace, bounded: list[dict[str, float]], free: list[dict[str, float]]
) -> LineChart:
    """Memory over the flood, with and without a limit."""
    slow, rate = phases(options.tweets)[0]
    return LineChart(
        f"A flood of {options.tweets / 1e6:g} million hashtags of one tweet each, windows of 10 min and 1 h",
        "minutes of the flood", "resident memory (MB)",
        {f"max_tags_per_pane: {options.most_tags}": curve(bounded), "without a limit": curve(free)},
        limits={f"limit {options.limit_mb:,} MB": options.limit_mb},
        moments={"eight times the rate": slow / rate / 60},
    )  # fmt: skip


def measure_authors(options: argparse.Namespace) -> None:
    """A million authors on one tag."""
    samples = child("authors", "--child", "--tweets", options.authors)
    start = next(sample["mb"] for sample in samples if "mb" in sample)
    print(f"authors: {options.authors:,} on one tag at 20,000 tweets/s: at most {samples[-1]['peak_mb']:,.0f} MB, "
          f"{start:,.0f} MB at the start")  # fmt: skip


def measure_windows(options: argparse.Namespace) -> None:
    """Each length of a window."""
    costs = {}
    for name, window_ms in CLOCKS.items():
        (costs[name],) = child(
            "windows", "--child", "--window-ms", window_ms, "--tags", options.tags, "--uses", options.uses
        )
        cost = costs[name]
        own_mb = cost["mb"] - cost["base_mb"]
        print(
            f"windows: {name:>6}: {cost['ms']:.1f} CPU ms a tick (p99 {cost['p99_ms']:.1f}, slowest "
            f"{cost['worst_ms']:.1f}), {cost['mb']:,.0f} MB, of it {own_mb:,.0f} the judge's, "
            f"{cost['panes']:.0f} panes",
            flush=True,
        )
    (options.pictures / "window_cost.svg").write_text(svg(window_chart(costs, options.tags, options.uses)))


def window_chart(costs: dict[str, dict[str, float]], tags: int, uses: int) -> LineChart:
    """Print the cost of each window length against the shortest."""
    at = {name: float(number) for number, name in enumerate(costs)}
    least = next(iter(costs.values()))
    return LineChart(
        f"One judge, {tags:,} tags, {uses / 10:,.0f} uses a second: what a longer window costs",
        "length of the window", f"times that of 10 min ({least['ms']:.1f} CPU ms a tick, {least['mb']:,.0f} MB)",
        {
            "CPU time of a tick": [(at[name], cost["ms"] / least["ms"]) for name, cost in costs.items()],
            "resident memory": [(at[name], cost["mb"] / least["mb"]) for name, cost in costs.items()],
        },
        limits={"twice": 2.0},
        x_names={x: name for name, x in at.items()},
    )  # fmt: skip


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="?", choices=("all", "flood", "authors", "windows"), default="all")
    parser.add_argument("--tweets", type=int, default=10_000_000, help="hashtags of the flood")
    parser.add_argument("--authors", type=int, default=1_000_000)
    parser.add_argument("--most-tags", type=int, default=20_000, help="max_tags_per_pane")
    parser.add_argument("--limit-mb", type=int, default=2_560, help="what memory is to stay under")
    parser.add_argument("--tags", type=int, default=60, help="of the fixed set: few enough to be busy in every window")
    parser.add_argument("--uses", type=int, default=400, help="of them in ten seconds")
    parser.add_argument("--stop-at", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--window-ms", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--pictures", type=Path, default=Path("docs/images"))
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        if options.part == "flood":
            flood(options.tweets, options.most_tags, options.stop_at or options.tweets)
        elif options.part == "authors":
            authors(options.tweets)
        else:
            windows(options.window_ms, options.tags, options.uses)
        return
    parts = {"flood": measure_flood, "authors": measure_authors, "windows": measure_windows}
    for name, part in parts.items():
        if options.part in ("all", name):
            part(options)
    print(machine())


if __name__ == "__main__":
    main()
