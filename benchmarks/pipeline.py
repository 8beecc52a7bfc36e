"""hushtag's worker as it runs in production, started by a benchmark and watched through its metrics."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import redis

from benchmarks.peers.watch import peak_mb
from benchmarks.side_by_side import Result, console
from benchmarks.worker_metrics import (
    CPU,
    DECISIONS,
    LATE_TWEETS,
    NOTHING,
    SCORED_TEXTS,
    TICKS,
    TWEETS,
    Scrape,
    read_series,
)
from streams.settings import Settings

_SCRAPE_SECONDS = 0.25
"""Pause between two scrapes; a scrape takes a worker about 5 ms."""
_DEADLINE_SECONDS = 600.0
"""Longest wait for a worker to settle what it was given."""


class BenchmarkFailed(Exception):
    """A run that judged nothing, or that did not end: it has no figures."""


@dataclass(frozen=True)
class PipelineResult(Result):
    """One run of the pipeline; `seconds` ends when every shard has settled the last tweet's pane."""

    read_seconds: float
    """Seconds between the first and the last tweet counted, without the judges' remaining work."""
    ticks: int
    """Settled ticks, over all shards.

    Once all is read, the idle sources' time advances to now, and shards settle the empty panes that follow the backlog.
    A shard that is done with the backlog settles some of them while others are not: a small part of the time.
    """
    scored_texts: int
    late_tweets: int
    """Tweets later than the allowed lateness: 0 unless the log times are not the producer's."""
    early_decisions: int

    def __str__(self) -> str:
        return (
            f"{self.name}: all read after {self.read_seconds:.1f} s ({self.tweets / self.read_seconds:,.0f} tweets/s), "
            f"every shard settled after {self.seconds:.1f} s ({self.per_second:,.0f} tweets/s); "
            f"{self.ticks} ticks, {self.scored_texts:,} texts scored, {self.late_tweets:,} late tweets, "
            f"{self.early_decisions:,} early decisions"
        )


@dataclass(frozen=True)
class Settled:
    """The two moments of a run's end, in seconds of the monotonic clock, and the metrics at the second."""

    read_at: float
    """Every tweet was read."""
    settled_at: float
    """Every shard had settled."""
    scrape: Scrape


class PipelineProcesses:
    """hushtag's worker as it runs in production: all stages in one process, or each set of them in its own.

    It begins with an empty Redis, because a Redis that knows other topics refuses the decisions of new ones. As a
    context manager it stops its processes at the end.
    """

    def __init__(self, settings: Settings, folder: Path, processes: Sequence[str]) -> None:
        self.settings = settings
        with redis.Redis.from_url(settings.redis_url) as server:
            server.flushall()
        self._log = (folder / "worker.log").open("a")
        self._ports = [settings.metrics_port + number for number in range(len(processes))]
        self._processes: list[subprocess.Popen[bytes]] = []
        for port, stages in reversed(list(zip(self._ports, processes, strict=True))):
            if self._processes:
                self._wait_ready(port + 1)  # the next process reads what this one writes
            own = settings.model_copy(update={"metrics_port": port}).model_dump(exclude_defaults=True)
            environment = {**os.environ, **{f"HUSHTAG_{name.upper()}": str(value) for name, value in own.items()}}
            command = [sys.executable, "-m", "streams.cli.main", "worker", "--stages", stages]
            self._processes.append(subprocess.Popen(command, env=environment, stdout=self._log, stderr=self._log))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def scrape(self) -> Scrape:
        """Read the metrics of all processes.

        Raises:
            SystemExit: a worker has ended; with the end of its log.
        """
        return Scrape([self._series(port) for port in self._ports])

    def metric(self, name: str) -> float:
        """Return one metric, summed over labels and processes."""
        return self.scrape().total(name)

    def _series(self, port: int) -> dict[str, float]:
        try:
            return read_series(port)
        except OSError:
            if any(process.poll() is not None for process in self._processes):
                raise SystemExit(f"a worker ended: {Path(self._log.name).read_text()[-2000:]}") from None
            return {}

    def _wait_ready(self, port: int) -> None:
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
                    return
            except OSError:
                self._series(port)
                time.sleep(0.1)

    def read_all(self, name: str, tweets: int, records: int, until_ms: int) -> PipelineResult:
        """Measure one run, from the first tweet counted to the last one settled.

        Args:
            name: name of the run, for its result and for errors.
            tweets: the run's tweets.
            records: all records of the topic: the tweets, and others that close their panes.
            until_ms: end of the last tweet's pane.

        Raises:
            BenchmarkFailed: the run did not end within the deadline, or judged nothing.
        """
        with console.status(f"{name}: {tweets:,} tweets"):
            deadline = time.monotonic() + _DEADLINE_SECONDS
            while not (first := self.scrape()).total(TWEETS):
                if time.monotonic() > deadline:
                    raise BenchmarkFailed(f"{name}: no tweet was read in {_DEADLINE_SECONDS:.0f} s")
                time.sleep(0.02)
            if first.total(TWEETS) >= tweets:
                raise BenchmarkFailed(f"{name}: all {tweets:,} tweets were read before the clock started: give it more")
            start = time.monotonic()
            end = self.wait_until_settled(name, records, until_ms)
        last = end.scrape
        return PipelineResult(
            name=name,
            tweets=tweets - int(first.total(TWEETS)),
            seconds=end.settled_at - start,
            cpu_seconds=last.total(CPU) - first.total(CPU),
            peak_mb=sum(peak_mb(process.pid) for process in self._processes),
            read_seconds=end.read_at - start,
            ticks=int(last.total(TICKS)),
            scored_texts=int(last.total(SCORED_TEXTS)),
            late_tweets=int(last.total(LATE_TWEETS)),
            early_decisions=int(last.total(DECISIONS, 'provisional="true"')),
        )

    def wait_until_settled(self, name: str, records: int, until_ms: int) -> Settled:
        """Wait until all records are read, and every shard has settled each pane that ends at `until_ms` or before.

        Raises:
            BenchmarkFailed: not within the deadline, or without a tick settled or a text scored.
        """
        deadline, read_at = time.monotonic() + _DEADLINE_SECONDS, None
        while True:
            scrape, now = self.scrape(), time.monotonic()
            if read_at is None and scrape.total(TWEETS) >= records:
                read_at = now
            settled_ms = scrape.settled_ms(self.settings.shards)
            if read_at is not None and settled_ms >= until_ms:
                require_judged(name, scrape)
                return Settled(read_at, now, scrape)
            if now > deadline:
                raise BenchmarkFailed(
                    f"{name}: after {_DEADLINE_SECONDS:.0f} s {scrape.total(TWEETS):,.0f} of {records:,} records were "
                    f"read, {scrape.total(TICKS):.0f} ticks settled, {scrape.total(SCORED_TEXTS):,.0f} texts scored; "
                    f"the slowest shard had settled up to {settled_ms} ms, needed: {until_ms} ms"
                )
            time.sleep(_SCRAPE_SECONDS)

    def wait_ready(self) -> None:
        """Wait until every process is ready."""
        for port in self._ports:
            self._wait_ready(port)

    def stop(self) -> None:
        """Stop all processes with SIGTERM."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait(20)


def require_judged(name: str, scrape: Scrape, since: Scrape = NOTHING) -> None:
    """Refuse a run whose judges did nothing: its figures would be those of reading alone.

    Args:
        name: name of the run, for the error.
        scrape: the metrics at the end of the run.
        since: the metrics when the run began.

    Raises:
        BenchmarkFailed: no tick settled, or no text was scored.
    """
    ticks, texts = (int(scrape.total(metric) - since.total(metric)) for metric in (TICKS, SCORED_TEXTS))
    if not ticks or not texts:
        raise BenchmarkFailed(
            f"{name}: {ticks} ticks settled and {texts:,} texts scored, needed: at least 1 of each, or the run would "
            "measure reading alone; try more --tweets, or a lower --rate, so that a pane has tags with enough authors"
        )
