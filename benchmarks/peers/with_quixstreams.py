"""Quix Streams as its documentation writes it: expand, `group_by`, a hopping window, `final()`.

`group_by` repartitions through a topic; state is RocksDB with a changelog topic. Windows close by partition: by key,
the default, a tag that is not used again would never close its last window.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from quixstreams import Application

WINDOW, LATENESS, FLOOR = timedelta(minutes=10), timedelta(seconds=5), 50
ADVANCE = timedelta(seconds=int(os.environ["PEER_ADVANCE_SECONDS"]))

started = False


def uses(tweet: dict[str, Any]) -> list[str]:
    """The counting keys of one tweet."""
    global started
    if not started:
        print("started", flush=True)
        started = True
    return [f"{hashtag.lower()} {tweet['country']}" for hashtag in tweet["hashtags"]]


def row(window: dict[str, int], key: str, timestamp: int, headers: Any) -> dict[str, object]:
    """Return the record of a closed window."""
    hashtag, country = key.split(" ")
    return {"hashtag": hashtag, "country": country, "window_end_ms": window["end"], "count": window["value"]}


app = Application(
    broker_address=os.environ["PEER_KAFKA"],
    consumer_group="peer-quixstreams",
    auto_offset_reset="earliest",
    state_dir=os.environ["PEER_FOLDER"],
    loglevel="ERROR",
)
tweets = app.topic(os.environ["PEER_TWEETS"], value_deserializer="json")
counts = app.topic(os.environ["PEER_COUNTS"], value_serializer="json")

sdf = app.dataframe(tweets)
sdf = sdf.apply(uses, expand=True)
sdf = sdf.group_by(lambda use: use, name="hashtag_and_country")
sdf = sdf.hopping_window(WINDOW, ADVANCE, grace_ms=LATENESS).count().final(closing_strategy="partition")
sdf = sdf[sdf["value"] >= FLOOR]
sdf = sdf.apply(row, metadata=True)
sdf = sdf.to_topic(counts)

if __name__ == "__main__":
    app.run()
