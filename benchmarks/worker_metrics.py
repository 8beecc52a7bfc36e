"""A worker's metrics as numbers, for the benchmarks that watch workers from outside."""

from __future__ import annotations

import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

TWEETS = "hushtag_tweets_total"
CPU = "process_cpu_seconds_total"
TICKS = "hushtag_tick_seconds_count"
SCORED_TEXTS = "hushtag_scored_texts_total"
LATE_TWEETS = "hushtag_late_tweets_total"
DECISIONS = "hushtag_decisions_total"
_SETTLED = "hushtag_settled_tick_timestamp_seconds"


def read_series(port: int) -> dict[str, float]:
    """Read a worker's metrics: each time series, labels included, with its value.

    Raises:
        OSError: no worker answers on this port.
    """
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        return parse(answer.read().decode())


def parse(page: str) -> dict[str, float]:
    r"""Parse a metrics page in Prometheus's text format.

    >>> parse('# HELP a_total Help.\na_total{shard="1"} 2.0\n')
    {'a_total{shard="1"}': 2.0}
    """
    lines = [line.rpartition(" ") for line in page.splitlines() if line and not line.startswith("#")]
    return {series: float(value) for series, _, value in lines}


@dataclass(frozen=True)
class Scrape:
    """The metrics of all processes of one pipeline, read one after the other."""

    processes: Sequence[Mapping[str, float]]
    """Values by time series, for each process. Empty for a process that does not answer."""

    def total(self, name: str, label: str = "") -> float:
        """Sum one metric over labels and processes.

        Args:
            name: name of the time series, without labels.
            label: only count series with this label, written `name="value"`.

        >>> Scrape([{'a{x="1"}': 1.0, 'a{x="2"}': 2.0, "ab": 9.0}, {'a{x="1"}': 4.0}]).total("a", 'x="1"')
        5.0
        """
        return sum(
            value
            for process in self.processes
            for series, value in process.items()
            if series.partition("{")[0] == name and label in series
        )

    def settled_ms(self, shards: int) -> int:
        """Return the lowest settled watermark of all shards, milliseconds since the epoch.

        Every pane that ends at or before it has settled in every shard. -1 while a shard has not settled any tick.

        >>> one = {'hushtag_settled_tick_timestamp_seconds{shard="0"}': 1.7e9}
        >>> Scrape([one]).settled_ms(1), Scrape([one]).settled_ms(2)
        (1700000000000, -1)
        """
        watermarks = [
            max((process.get(f'{_SETTLED}{{shard="{shard}"}}', -1.0) for process in self.processes), default=-1.0)
            for shard in range(shards)
        ]
        return -1 if min(watermarks) < 0 else round(min(watermarks) * 1000)


NOTHING = Scrape(())
"""Before anything was counted."""
