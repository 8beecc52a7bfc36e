"""Bytes that each topic grows by, for a rate of tweets: what sizes the brokers' disks.

    python -m benchmarks.topic_sizes --rate 3000

The cores of a worker, without Kafka and Redis, begin with an hour of as many tweets in their windows, as in
`benchmarks.full_windows`. Then they read tweets of the synthetic firehose: all have a hashtag, a tenth of the hashtags
occur once, and no campaign runs, so `suppression-decisions` stays empty. Sizes are those of one replica, without
Kafka's overhead (some 70 bytes a batch); workers do not compress. The retention is that of `hushtag topics create`.
"""

from __future__ import annotations

import argparse
import json
from itertools import islice
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.full_windows import run, with_an_hour_behind_it
from benchmarks.machine import machine
from benchmarks.recovery import without_valves
from devkit.simulation.firehose import firehose
from streams.constants import HOUR_MS
from streams.log.topic_specs import EVIDENCE, PANES, PARTIALS, SHORT_PANES, SPEC_BY_NAME, TWEETS
from streams.policy import Policy, parse_policy

_WARM_UP_SECONDS = 60
"""Time after which panes settle as fast as tweets come."""
_SAMPLE = 20_000
"""Payloads of which the mean size is taken."""


def bytes_per_tweet(policy: Policy, rate: float, seconds: int) -> dict[str, float]:
    """Return the bytes that a tweet adds to each topic, as the mean of so many seconds."""
    cores = with_an_hour_behind_it(policy, rate)
    first = run(cores, rate, _WARM_UP_SECONDS)
    cores.written.clear()
    tweets = run(cores, rate, seconds, first=first)
    payloads = [len(payload) for payload in islice(firehose(4, _SAMPLE), _SAMPLE)]
    sizes = {name: cores.written[name] / tweets for name in (PARTIALS, PANES, SHORT_PANES, EVIDENCE)}
    return {TWEETS: sum(payloads) / len(payloads)} | sizes


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=3_000, help="tweets a second, all with a hashtag")
    parser.add_argument("--seconds", type=int, default=180, help="of tweets, in whole minutes")
    parser.add_argument("--json", action="store_true", help="print the bytes of a tweet in each topic as one object")
    options = parser.parse_args()
    text = Path("config/policy.yaml").read_text().replace("mode: shadow", "mode: suppress")
    sizes = bytes_per_tweet(parse_policy(without_valves(text), "config/policy.yaml"), options.rate, options.seconds)
    if options.json:
        print(json.dumps(sizes))
        return
    table = Table("topic", *(f"[right]{name}" for name in ("bytes a tweet", "GB an hour", "kept, h", "GB kept")))
    for name, size in sizes.items():
        hourly = size * options.rate * 3600 / 1e9
        kept = SPEC_BY_NAME[name].retention_ms / HOUR_MS
        table.add_row(name, f"{size:,.0f}", f"{hourly:.2f}", f"{kept:.0f}", f"{hourly * kept:,.0f}")
    Console(width=100).print(table)
    print(f"{options.rate:,.0f} tweets/s, one replica, windows full; {machine()}")


if __name__ == "__main__":
    main()
