"""Cache of Kafka's classes, loaded and linked ahead of time: with it a broker starts in a third of the CPU time.

Java writes it when a broker that records it ends (JEP 514, "Ahead-of-Time Command-Line Ergonomics"). A cache
that does not fit is ignored. Tests start many brokers, so `make kafka` records one; for one start it is not worth it.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from devkit.stack.jars import Report, default_cache, kafka_class_path
from devkit.stack.kafka_server import KafkaServer

_SECONDS = 120.0
"""Time for the broker's end, in which Java writes the cache."""


def prepare_kafka() -> None:
    """Download missing jars and record missing classes, in the cache of this project, with printed progress."""
    record_classes(default_cache() / "maven", report=lambda line: print(line, flush=True))


def record_classes(jar_cache: Path, *, report: Report = lambda line: None) -> None:
    """Record the classes of a broker's start, if they are not recorded; those of another class path are removed.

    Args:
        jar_cache: see `KafkaServer`; the cache is its neighbour.
        report: receives progress.

    Raises:
        StackError: the jars cannot be downloaded, or the broker does not start.
    """
    folder = Path(tempfile.mkdtemp(prefix="kafka-"))
    try:
        kafka_class_path(jar_cache, report=report)
        server = _RecordingServer(folder, jar_cache=jar_cache)
        server.prepare()
        cache = server.class_cache()
        if cache.exists():
            return
        report("recording Kafka's classes, so that tests start brokers quickly (10 s, once)")
        server.start()
        server.stop(timeout_seconds=_SECONDS)
        if not server.recorded.exists():
            report("warning: Java wrote no cache of classes, so brokers start more slowly")
            return
        for stale in cache.parent.glob("kafka-*.aot"):
            stale.unlink()
        shutil.move(server.recorded, cache)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _RecordingServer(KafkaServer):
    """Broker that writes the cache when it ends."""

    @property
    def recorded(self) -> Path:
        """File that is written."""
        return self.data_dir / "kafka.aot"

    def _command(self) -> list[str | Path]:
        java, *options = super()._command()
        return [java, f"-XX:AOTCacheOutput={self.recorded}", *options]
