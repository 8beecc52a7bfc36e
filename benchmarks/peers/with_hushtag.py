"""hushtag's whole worker on the same backlog: it also repartitions, samples authors, scores, decides and writes flags.

The worker runs as in production, in this process; a thread asks its metrics whether it is through, and afterwards sums
the settled panes that it wrote to `hashtag-panes`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
import urllib.request

from benchmarks.peers.bare import send_rows
from benchmarks.peers.windows import PANE_MS, Uses
from devkit.stack.ports import free_port
from streams.counting.keys import Tags, country_of
from streams.log.panes import Assembler, pane_records
from streams.log.reading import LogReader, connection
from streams.settings import Settings, load_settings

_SETTLES_SECONDS = 3.0
"""After the last tweet until the last pane is written: a flush, and the judge's answer."""


def _metrics(port: int) -> dict[str, float]:
    """Name to sum over labels; empty while the worker does not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
    except OSError:
        return {}
    sums: dict[str, float] = {}
    for line in lines:
        if not line.startswith("#"):
            name = line.split("{")[0].split(" ")[0]
            sums[name] = sums.get(name, 0.0) + float(line.rsplit(" ", 1)[1])
    return sums


async def _settled(settings: Settings) -> Uses:
    uses: Uses = {}
    tags = Tags()
    shards = [Assembler(tags) for _ in range(settings.shards)]
    async with LogReader(connection(settings), settings.topic("hashtag-panes")) as reader:
        async for batch in reader.to_end():
            for record in pane_records(one.value for one in batch):
                if record.length_ms == PANE_MS:
                    shards[record.shard].add(record)
    for pane in (pane for shard in shards for pane in shard.panes()):
        for key, count in zip(pane.keys.tolist(), pane.counts.tolist(), strict=True):
            uses.setdefault((tags.name(key), country_of(key)), {})[pane.start_ms // PANE_MS] = count
    return uses


def _follow(settings: Settings, tweets: int) -> None:
    port = settings.metrics_port
    while not _metrics(port).get("hushtag_tweets_total"):
        time.sleep(0.02)
    print("started", flush=True)
    while True:
        now = _metrics(port)
        if now.get("hushtag_tweets_total", 0) >= tweets and not now.get("hushtag_judge_backlog_records"):
            break
        time.sleep(0.2)
    print("done", flush=True)
    time.sleep(_SETTLES_SECONDS)
    asyncio.run(send_rows(asyncio.run(_settled(settings))))
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Run the worker; it ends itself."""
    os.environ.update(
        HUSHTAG_KAFKA=os.environ["PEER_KAFKA"],
        HUSHTAG_REDIS_URL=os.environ["PEER_REDIS"],
        HUSHTAG_POLICY="config/demo-policy.yaml",
        HUSHTAG_METRICS_PORT=str(free_port()),
        HUSHTAG_ENCODER="off",
    )
    settings = load_settings()
    threading.Thread(target=_follow, args=(settings, int(os.environ["PEER_TWEETS_NUMBER"])), daemon=True).start()
    sys.argv = ["hushtag", "worker"]
    from streams.cli.main import run

    run()


if __name__ == "__main__":
    main()
