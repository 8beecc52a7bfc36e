"""Faust as its documentation writes it: an agent, a hopping table, `on_window_close` (its windowing example).

One worker holds all keys, so the repartitioning by key that several workers would need is left out, in Faust's favour.
Faust closes a window by the wall clock (`expires`), not by the stream's time, so a backlog finds its windows stale.
"""

from __future__ import annotations

import json
import os
from datetime import timedelta
from typing import Any

import faust

WINDOW, ADVANCE, FLOOR = timedelta(minutes=10), timedelta(seconds=int(os.environ["PEER_ADVANCE_SECONDS"])), 50

app = faust.App(
    "peer-faust",
    broker=f"kafka://{os.environ['PEER_KAFKA']}",
    consumer_auto_offset_reset="earliest",
    topic_partitions=4,
    store="memory://",
    web_enabled=False,
    worker_redirect_stdouts=False,
    datadir=".cache/faust",
)
app.conf.table_cleanup_interval = 1.0
tweets = app.topic(os.environ["PEER_TWEETS"], value_type=bytes, value_serializer="raw")
closed = app.topic(os.environ["PEER_COUNTS"], value_type=bytes, value_serializer="raw")


async def close_window(key: tuple[tuple[str, str], tuple[float, float]], count: int) -> None:
    """Called for each key of a window that has expired."""
    (hashtag, country), (start, _) = key
    if count >= FLOOR:
        end_ms = int((start + WINDOW.total_seconds()) * 1000)
        row = {"hashtag": hashtag, "country": country, "window_end_ms": end_ms, "count": count}
        await closed.send(value=json.dumps(row).encode())


counts = app.Table("counts", default=int, partitions=4, on_window_close=close_window).hopping(
    WINDOW, ADVANCE, expires=WINDOW
)


@app.agent(tweets)
async def count(stream: Any) -> None:
    """Count the hashtags of each tweet."""
    started = False
    async for value in stream:
        if not started:
            print("started", flush=True)
            started = True
        tweet = json.loads(value)
        for hashtag in tweet["hashtags"]:
            counts[hashtag.lower(), tweet["country"]] += 1


if __name__ == "__main__":
    faust.Worker(app, loglevel="ERROR").execute_from_commandline()
