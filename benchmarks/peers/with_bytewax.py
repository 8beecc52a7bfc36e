"""bytewax as its documentation writes it: Kafka source, flat map, `count_window` over a sliding windower, Kafka sink.

Run by `python -m bytewax.run`. It reads to the end of the topic and closes what is open then: a key's clock is its own,
so without an end a tag that is not used again would keep its windows open.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import bytewax.operators as op
import bytewax.operators.windowing as win
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource, KafkaSourceMessage
from bytewax.dataflow import Dataflow

WINDOW, LATENESS, FLOOR = timedelta(minutes=10), timedelta(seconds=5), 50
ADVANCE = timedelta(seconds=int(os.environ["PEER_ADVANCE_SECONDS"]))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BROKERS = [os.environ["PEER_KAFKA"]]

started = False


def uses(message: KafkaSourceMessage[Any, bytes]) -> Iterator[tuple[str, datetime]]:
    """The counting keys of one tweet, with its time."""
    global started
    if not started:
        print("started", flush=True)
        started = True
    tweet = json.loads(message.value)
    at = datetime.fromtimestamp(tweet["created_at_ms"] / 1000, UTC)
    for hashtag in tweet["hashtags"]:
        yield f"{hashtag.lower()} {tweet['country']}", at


def row(counted: tuple[str, tuple[int, int]]) -> KafkaSinkMessage[None, bytes] | None:
    """Return the record of a closed window. Windows are numbered from the epoch, one per advance."""
    key, (number, count) = counted
    if count < FLOOR:
        return None
    hashtag, country = key.split(" ")
    end_ms = int((number * ADVANCE + WINDOW) / timedelta(milliseconds=1))
    value = {"hashtag": hashtag, "country": country, "window_end_ms": end_ms, "count": count}
    return KafkaSinkMessage(None, json.dumps(value).encode())


flow = Dataflow("hashtag_counts")
tweets = op.input("tweets", flow, KafkaSource(BROKERS, [os.environ["PEER_TWEETS"]], tail=False))
keyed = op.flat_map("uses", tweets, uses)
counted = win.count_window(
    "count",
    keyed,
    win.EventClock(ts_getter=lambda use: use[1], wait_for_system_duration=LATENESS),
    win.SlidingWindower(length=WINDOW, offset=ADVANCE, align_to=EPOCH),
    key=lambda use: use[0],
)
rows = op.filter_map("rows", counted.down, row)
op.output("counts", rows, KafkaSink(BROKERS, os.environ["PEER_COUNTS"]))
