"""CPU time of each part of a worker's work while its windows are full, in total and per longest call.

    python -m benchmarks.full_windows --rate 10000

The cores of a worker, without Kafka and Redis: ingest of one source partition and the judges of all shards. They begin
as after a restart, with an hour of settled panes read back, made as in `benchmarks.recovery`; then tweets of the
synthetic firehose come at the rate given, all with a hashtag. Nothing waits for a clock: time is that of the tweets.
The decisions of that hour are not read back, so the first tick takes all of them at once; it is not counted.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.cores import Cores
from benchmarks.machine import machine
from benchmarks.recovery import without_valves
from benchmarks.recovery_history import restamped, settled_minute
from devkit.simulation.firehose import firehose
from streams.constants import MINUTE_MS, PANE_MS, SHORT_WINDOW_MS
from streams.counting.times import FLUSH_MS
from streams.judging.recovered_state import RecoveredState
from streams.log.decisions import Progress
from streams.log.lines import LogRecord
from streams.log.pane_assembly import Assembler
from streams.log.panes import PaneRecord, decode_pane_record
from streams.policy import Policy, parse_policy
from streams.settings import Settings

MINUTES = 60
_UNCOUNTED_SECONDS = 20
"""Tweets until the first tick has settled: a pane and the allowed lateness, and some more."""
END_MS = MINUTES * MINUTE_MS
PARTS = {
    "read": "parse tweets, count their hashtags",
    "flush": "partials of a batch",
    "apply": "add them up, in each shard",
    "look": "look early at what has grown, texts scored",
    "ahead": "score texts of panes that wait for their tick",
    "close": "close a pane",
    "score": "score its other texts",
    "settle": "settle it: window, evidence, rulings",
    "write": "encode panes and evidence",
}


def with_an_hour_behind_it(policy: Policy, rate: float) -> Cores:
    """Judges that have read back an hour at this rate."""
    cores = Cores(policy)
    minute: dict[int, list[PaneRecord]] = {}
    for written in settled_minute(rate, policy, Settings()):
        minute.setdefault(written.shard, []).append(written.record)
    for judge in track(cores.judges, "reading back", transient=True):
        assembler = Assembler(judge.state.tags)
        for number in range(MINUTES):
            for record in minute[judge.state.shard]:
                if record.length_ms == MINUTE_MS or number * MINUTE_MS >= END_MS - SHORT_WINDOW_MS:
                    assembler.add(decode_pane_record(restamped(record, number * MINUTE_MS, number)))
        panes = assembler.panes()
        progress = Progress(
            shard=judge.state.shard, settled_ms=END_MS, position=0, replay_offset=0,
            activations=judge.state.timeline.activations.to_list(), minutes_from_ms=0,
        )  # fmt: skip
        short = [pane for pane in panes if pane.length_ms == PANE_MS]
        rollups = [pane for pane in panes if pane.length_ms != PANE_MS]
        judge.state.recover(RecoveredState(progress=progress, panes=short, rollups=rollups))
    return cores


def run(cores: Cores, rate: float, seconds: int, *, first: int = 0) -> int:
    """Process tweets, of which `first` were processed before, and return their number."""
    batch: list[LogRecord] = []
    tweets = int(rate * seconds)
    payloads = firehose(4 + first, tweets, "native", start_ms=END_MS + int(first * 1000 / rate), per_second=rate)
    for number, payload in enumerate(track(payloads, "tweets", total=tweets, transient=True), first):
        batch.append(LogRecord(0, number, END_MS + int(number * 1000 / rate), None, payload))
        if len(batch) >= rate * FLUSH_MS / 1000:
            cores.read(batch)
            batch = []
    return tweets


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=10_000, help="tweets a second")
    parser.add_argument("--seconds", type=int, default=120, help="of tweets, after those of the first tick")
    options = parser.parse_args()
    text = Path("config/policy.yaml").read_text().replace("mode: shadow", "mode: suppress")
    policy = parse_policy(without_valves(text), "config/policy.yaml")
    cores = with_an_hour_behind_it(policy, options.rate)
    uncounted = run(cores, options.rate, _UNCOUNTED_SECONDS)
    cores.spent.clear()
    tweets = run(cores, options.rate, options.seconds, first=uncounted)
    table = Table(
        "part", "what", *(f"[right]{name}" for name in ("times", "CPU s per million tweets", "mean ms", "longest ms"))
    )
    whole = 0.0
    for part, what in PARTS.items():
        spent = cores.spent[part]
        whole += spent.seconds
        numbers = (
            f"{spent.times:,}",
            f"{spent.seconds / tweets * 1e6:.1f}",
            f"{spent.seconds / spent.times * 1e3:.1f}",
            f"{spent.longest * 1e3:.0f}",
        )
        table.add_row(part, what, *numbers)
    table.add_row("all", "", "", f"{whole / tweets * 1e6:.1f}", "", "")
    Console(width=110).print(table)
    print(f"{options.rate:,.0f} tweets/s in {len(cores.judges)} shards, windows of 10 min and 1 h, full; {machine()}")


if __name__ == "__main__":
    main()
