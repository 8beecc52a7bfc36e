"""Table of contenders: the job, the number of tweets, and the command of each."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.install import HERE, java_with, python_with

QUIXSTREAMS = "quixstreams==3.28.1"
BYTEWAX = ("bytewax==0.21.1", "confluent-kafka==2.16.1")


@dataclass(frozen=True)
class Peer:
    """One row of the table."""

    key: str
    name: str
    job: str
    share: float
    """Share of the backlog, from its beginning. A slow peer gets less, so that its run ends."""
    command: Callable[[], list[str]]
    """Installs what it needs and returns how to run it; raises `NotHere`."""
    kind: str = "bar"
    """Its colour in the picture."""

    def tweets(self, whole: int) -> int:
        """Return the number of tweets that it processes."""
        return max(1, int(whole * self.share))


def _python(module: str) -> Path:
    return HERE / f"{module}.py"


PEERS = (
    Peer(
        "bare",
        "bare aiokafka + msgspec + panes",
        "10 s panes in a dict; no window is closed, the panes are summed after the clock has stopped",
        1.0,
        lambda: [sys.executable, "-m", "benchmarks.peers.bare"],
        "base",
    ),
    Peer(
        "hushtag",
        "hushtag, the whole pipeline",
        "10 s panes and windows; also repartitions, samples authors, scores, decides, writes flags",
        1.0,
        lambda: [sys.executable, "-m", "benchmarks.peers.with_hushtag"],
        "ours",
    ),
    Peer(
        "flink",
        "Flink SQL 2.2.1",
        "HOP over 10 s slices, a watermark for each partition, checkpoints every 10 s, 2 GB heap",
        1.0,
        lambda: java_with("flink_sql", "RunSql", str(HERE / "flink_sql" / "hashtag_counts.sql")),
    ),
    Peer(
        "kafka-streams",
        "Kafka Streams 4.3.1",
        "hopping windows of the DSL, repartition and changelog topics, RocksDB, suppress until closed, 2 GB heap",
        0.1,
        lambda: java_with("kafka_streams", "HashtagCounts"),
    ),
    Peer(
        "bytewax",
        "bytewax 0.21.1",
        "count_window over a sliding windower, in memory, nothing is kept for a restart",
        0.05,
        lambda: [python_with("bytewax", *BYTEWAX), "-m", "bytewax.run", f"{_python('with_bytewax')}:flow"],
    ),
    Peer(
        "quixstreams",
        "Quix Streams 3.28.1",
        "hopping window, repartition and changelog topics, RocksDB, closed by partition",
        0.05,
        lambda: [python_with("quixstreams", QUIXSTREAMS), str(_python("with_quixstreams"))],
    ),
    Peer(
        "faust",
        "Faust 0.15.3",
        "hopping table in memory with a changelog topic, closed by the wall clock",
        0.02,
        lambda: [sys.executable, str(_python("with_faust")), "worker"],
    ),
)
