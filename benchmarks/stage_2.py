"""CPU time of stage 2 in a worker: the judges' side, and the encoder's process.

    python -m benchmarks.stage_2 [--seconds 90] [--rate 20000]

Tweets of a firehose go through the worker's cores (one source partition, eight judges), once without stage 2 and once
with one that answers at once: after each tick of a shard texts are kept and candidates chosen, and all that a worker
would read of them is put in force. Then, where the extra `encoder` is installed, its process reads texts as a worker
asks for them.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import time
from collections import Counter
from itertools import islice
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.cores import SHARDS, Cores
from benchmarks.machine import machine
from devkit.simulation.firehose import firehose
from streams.counting.times import FLUSH_MS
from streams.judging.shard_judge import ShardJudge
from streams.judging.ticks import SettledTick, TickJob
from streams.log.lines import LogRecord
from streams.pipeline import stage_2
from streams.pipeline.encoder_process import EncoderProcess
from streams.pipeline.stage_2_texts import RecentTexts
from streams.policy import parse_policy
from streams.settings import Settings
from streams.windows.corrections import Corrections

START_MS = 1_750_000_000_000 // 3_600_000 * 3_600_000
TEXTS_BYTES = 64 * 1024 * 1024


class ReadingJudges(Cores):
    """Judges with a running stage 2. `spent`: CPU seconds by part of the work."""

    def __init__(self, *args: object, per_second: float) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self.spent: Counter[str] = Counter()
        self.read_texts = self.rows = 0
        self._per_tick = int(per_second * 10 / SHARDS)
        self._texts = [RecentTexts(TEXTS_BYTES // SHARDS) for _ in self.judges]
        for judge in self.judges:
            judge.settle = self._settling(judge, judge.settle)  # type: ignore[method-assign]

    def _settling(self, judge: ShardJudge, settle):  # type: ignore[no-untyped-def]
        def settled(job: TickJob, scores) -> SettledTick:  # type: ignore[no-untyped-def]
            settled: SettledTick = settle(job, scores)
            began = time.process_time()
            self._texts[judge.state.shard].keep(job)
            kept = time.process_time()
            chosen = judge.state.stage_2_candidates()
            done = time.process_time()
            self.spent["keep texts"] += kept - began
            self.spent["choose"] += done - kept
            left = self._per_tick
            for candidate in chosen:
                tweets = [tweet for tweet in candidate.tweets if self._texts[judge.state.shard].find(tweet) is not None]
                if not tweets or left <= 0:
                    continue
                left -= len(tweets)
                self.rows += len(tweets)
                differences = np.full((len(tweets), 1 + len(self.scorer.categories)), -0.1, "<f4")
                judge.apply(
                    self._offset,
                    Corrections("new", "", [candidate.hashtag] * len(tweets), np.array(tweets, "<i8").tobytes(),
                                differences.tobytes()),
                )  # fmt: skip
            self.spent["find and take"] += time.process_time() - done
            return settled

        return settled


def run(cores: Cores, seconds: int, rate: int) -> float:
    """CPU seconds for so many seconds of a firehose."""
    payloads = firehose(1, seconds * rate, start_ms=START_MS, per_second=rate)
    began, offset, at_ms = time.process_time(), 0, START_MS
    while batch := list(islice(payloads, rate * FLUSH_MS // 1000)):
        at_ms += FLUSH_MS
        cores.read([LogRecord(0, offset + n, at_ms, None, payload) for n, payload in enumerate(batch)])
        offset += len(batch)
    return time.process_time() - began


async def read_along(count: int) -> None:
    """Texts as a worker asks for them, twenty at a time."""
    texts = [msgspec.json.decode(payload)["text"].encode() for payload in firehose(2, count)]
    process = EncoderProcess(stage_2.command(Settings()))
    began = time.monotonic()
    await process.start()
    await process.ask(texts[:20])
    print(f"encoder: ready after {time.monotonic() - began:.1f} s")
    pid = process.pid
    before = _cpu_seconds(pid)
    for first in range(20, count, 20):
        await process.ask(texts[first : first + 20])
    spent = _cpu_seconds(pid) - before
    print(f"encoder: {(count - 20) / spent:.0f} texts a CPU second, {_resident_mb(pid):.0f} MB resident")
    await process.end()


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def _resident_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


def main() -> None:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=90)
    parser.add_argument("--rate", type=int, default=20_000)
    parser.add_argument("--texts", type=int, default=400)
    options = parser.parse_args()
    print(machine())
    policy = parse_policy(Path("config/policy.yaml").read_text(), "config/policy.yaml")
    run(Cores(policy), 5, options.rate)
    without = run(Cores(policy), options.seconds, options.rate)
    reading = ReadingJudges(policy, per_second=60)
    whole = run(reading, options.seconds, options.rate)
    print(f"judges and ingest: {without:.1f} CPU s without stage 2, {whole:.1f} with, {options.seconds} s of tweets")
    parts = ", ".join(f"{what} {spent:.2f}" for what, spent in reading.spent.items())
    print(f"of these {parts}; {reading.rows} texts read")
    if stage_2.is_enabled(Settings()):
        asyncio.run(read_along(options.texts))


if __name__ == "__main__":
    main()
