"""hushtag's whole worker on the same backlog: it also repartitions, samples authors, scores, decides and writes flags.

The worker runs as in production, in this process; a thread asks its metrics whether it is through, and afterwards sums
the settled panes that it wrote to `hashtag-short-panes`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time

from benchmarks.peers.bare import send_rows
from benchmarks.peers.windows import PANE_MS, Uses
from benchmarks.worker_metrics import NOTHING, TWEETS, Scrape, read_series
from devkit.stack.ports import free_port
from streams.counting.keys import Tags, country_of
from streams.log.pane_assembly import Assembler
from streams.log.panes import pane_records
from streams.log.reading import LogReader, connection
from streams.settings import Settings, load_settings

_ACKNOWLEDGED_SECONDS = 3.0
"""Wait after the last pane has settled until the broker has its records."""


def _scrape(port: int) -> Scrape:
    """Read the worker's metrics; empty while it does not answer."""
    try:
        return Scrape([read_series(port)])
    except OSError:
        return NOTHING


async def _settled(settings: Settings) -> Uses:
    """Read the settled panes of 10 s back from the log."""
    uses: Uses = {}
    tags = Tags()
    shards = [Assembler(tags) for _ in range(settings.shards)]
    async with LogReader(connection(settings), settings.topic("hashtag-short-panes")) as reader:
        async for batch in reader.to_end():
            for record in pane_records(entry.value for entry in batch):
                shards[record.shard].add(record)
    for pane in (pane for shard in shards for pane in shard.panes()):
        for key, count in zip(pane.keys.tolist(), pane.counts.tolist(), strict=True):
            uses.setdefault((tags.name(key), country_of(key)), {})[pane.start_ms // PANE_MS] = count
    return uses


def _follow(settings: Settings, tweets: int, until_ms: int) -> None:
    """Print `started` and `done`, write the rows for the check, and end the worker.

    Done is a worker that has read all tweets, and whose every shard has settled up to `until_ms`, the end of the last
    window that the check looks at.
    """
    port = settings.metrics_port
    while not _scrape(port).total(TWEETS):
        time.sleep(0.02)
    print("started", flush=True)
    while (now := _scrape(port)).total(TWEETS) < tweets or now.settled_ms(settings.shards) < until_ms:
        time.sleep(0.2)
    print("done", flush=True)
    time.sleep(_ACKNOWLEDGED_SECONDS)
    asyncio.run(send_rows(asyncio.run(_settled(settings))))
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Run the worker; the thread that follows it ends it."""
    os.environ.update(
        HUSHTAG_KAFKA=os.environ["PEER_KAFKA"],
        HUSHTAG_REDIS_URL=os.environ["PEER_REDIS"],
        HUSHTAG_POLICY="config/demo-policy.yaml",
        HUSHTAG_METRICS_PORT=str(free_port()),
        HUSHTAG_ENCODER="off",
    )
    settings = load_settings()
    tweets, until_ms = int(os.environ["PEER_TWEETS_NUMBER"]), int(os.environ["PEER_UNTIL_MS"])
    threading.Thread(target=_follow, args=(settings, tweets, until_ms), daemon=True).start()
    sys.argv = ["hushtag", "worker"]
    from streams.cli.main import run

    run()


if __name__ == "__main__":
    main()
