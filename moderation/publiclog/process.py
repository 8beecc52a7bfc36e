"""Processes of `hushtag audit run` and `audit publish`: their metrics, and the stop after a failed verification.

A restart cannot repair a log that was tampered with. The process therefore stays up without writing and reports the
fault in its metrics until it is stopped. If it exited, its supervisor would restart it and no alert could fire.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

from prometheus_client import Gauge

from moderation.publiclog.faults import AuditBroken
from moderation.publiclog.keys import witnesses_of
from moderation.publiclog.metrics import AuditMetrics, PublishMetrics
from moderation.publiclog.publisher import AuditPublisher
from moderation.publiclog.writer import AuditWriter
from streams.clock import now_ms
from streams.health import HealthServer
from streams.logs import logger
from streams.metrics import MetricSet
from streams.settings import Settings


async def run_writer(settings: Settings, metrics_port: int | None, *, sign_unchecked: bool = False) -> int:
    """Write the log until SIGTERM or SIGINT and return its number of entries.

    Args:
        settings: addresses and topic names.
        metrics_port: port of the metrics; None writes what the sources hold now and ends.
        sign_unchecked: sign also entries whose source records are gone.

    Raises:
        AuditBroken: verification failed; with metrics only after the process is stopped.
        TakenOver, DependencyAway, SettingsError: raised by `AuditWriter`.
    """
    metrics = AuditMetrics()

    async def write(stopped: asyncio.Event) -> int:
        async with AuditWriter(settings, metrics, sign_unchecked=sign_unchecked) as writer:
            await writer.run(stopped)
            return writer.end.size

    metrics.set_started(now_ms())
    readiness = AuditReadiness(metrics.intact, lambda: metrics.caught_up, "the log has not caught up yet")
    return await _run(settings, metrics, metrics_port, readiness, write)


async def run_publisher(settings: Settings, folder: Path, metrics_port: int | None, *, every_seconds: float) -> int:
    """Publish the log until SIGTERM or SIGINT and return the published size.

    Args:
        settings: addresses, topic names, public keys and witnesses.
        folder: folder that a web server serves.
        metrics_port: port of the metrics; None publishes what is signed now and ends.
        every_seconds: time between two checkpoints.

    Raises:
        AuditBroken: log, folder and signatures contradict each other; with metrics only after the process is stopped.
        TakenOver, DependencyAway, SettingsError, CallerMistake: raised by `AuditPublisher`.
    """
    metrics = PublishMetrics()

    async def publish(stopped: asyncio.Event) -> int:
        async with AuditPublisher(settings, folder, metrics) as publisher:
            return await publisher.run(stopped, every_seconds=every_seconds)

    metrics.set_started(now_ms(), [witness.key.name for witness in witnesses_of(settings)])
    readiness = AuditReadiness(metrics.consistent, lambda: metrics.published, "nothing was published yet")
    return await _run(settings, metrics, metrics_port, readiness, publish)


async def _run(
    settings: Settings,
    metrics: MetricSet,
    metrics_port: int | None,
    readiness: AuditReadiness,
    work: Callable[[asyncio.Event], Awaitable[int]],
) -> int:
    stopped = asyncio.Event()
    if metrics_port is None:
        stopped.set()
        return await work(stopped)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    health = HealthServer(metrics.registry, host=settings.metrics_host, port=metrics_port, ready=readiness.problem)
    await health.start()
    log = logger(__name__)
    try:
        log.info("audit log process started", metrics=health.url)
        return await work(stopped)
    except AuditBroken as broken:
        readiness.mark_broken(str(broken))
        log.error("audit log failed verification; nothing more is written", why=str(broken))
        await stopped.wait()
        raise
    finally:
        await health.stop()


class AuditReadiness:
    """Readiness of a process of the log, for /readyz.

    Args:
        intact: metric that becomes 0 after a failed verification.
        done: whether the process has done its work once since the start.
        waiting: reason while it has not.
    """

    def __init__(self, intact: Gauge, done: Callable[[], bool], waiting: str) -> None:
        self._intact, self._done, self._waiting = intact, done, waiting
        self._fault = ""

    def mark_broken(self, fault: str) -> None:
        """Record a failed verification; the metric changes last, so that an alert finds the reason."""
        self._fault = fault
        self._intact.set(0)

    def problem(self) -> str:
        """Return the reason why the process is not ready; "" if it is."""
        return self._fault or ("" if self._done() else self._waiting)
