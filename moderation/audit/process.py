"""Process of `hushtag audit run`: the writer, its metrics, and the stop after a failed verification.

A restart cannot repair a log that was tampered with. The process therefore stays up without writing and reports the
fault in its metrics until it is stopped. If it exited, its supervisor would restart it and no alert could fire.
"""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from moderation.audit.metrics import AuditMetrics
from moderation.audit.writer import AuditBroken, AuditWriter
from streams.clock import now_ms
from streams.health import HealthServer
from streams.logs import logger
from streams.settings import Settings


async def run_writer(settings: Settings, heads: Path, metrics_port: int | None, *, sign_unchecked: bool = False) -> int:
    """Write the log until SIGTERM or SIGINT and return its number of entries.

    Args:
        settings: addresses and topic names.
        heads: file of the signed heads.
        metrics_port: port of the metrics; None writes what the sources hold now and ends.
        sign_unchecked: sign also entries whose source records are gone.

    Raises:
        AuditBroken: verification failed; with metrics only after the process is stopped.
        TakenOver, DependencyAway, SettingsError, CallerMistake: raised by `AuditWriter`.
    """
    stopped, metrics = asyncio.Event(), AuditMetrics()
    if metrics_port is None:
        stopped.set()
        return await _write(AuditWriter(settings, heads, metrics, sign_unchecked=sign_unchecked), stopped)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    metrics.set_started(now_ms())
    readiness = AuditReadiness(metrics)
    health = HealthServer(metrics.registry, host=settings.metrics_host, port=metrics_port, ready=readiness.problem)
    await health.start()
    log = logger(__name__)
    try:
        log.info("audit log writer started", metrics=health.url)
        return await _write(AuditWriter(settings, heads, metrics, sign_unchecked=sign_unchecked), stopped)
    except AuditBroken as broken:
        readiness.mark_broken(str(broken))
        log.error("audit log failed verification; nothing more is appended", why=str(broken))
        await stopped.wait()
        raise
    finally:
        await health.stop()


class AuditReadiness:
    """Readiness of the writer, for /readyz."""

    def __init__(self, metrics: AuditMetrics) -> None:
        self._fault = ""
        self._metrics = metrics

    def mark_broken(self, fault: str) -> None:
        """Record a failed verification; the metric changes last, so that an alert finds the reason."""
        self._fault = fault
        self._metrics.intact.set(0)

    def problem(self) -> str:
        """Return the reason why the log is not up to date; "" if it is."""
        if self._fault:
            return self._fault
        return "" if self._metrics.caught_up else "the log is being verified, or has not caught up yet"


async def _write(new_writer: AuditWriter, stopped: asyncio.Event) -> int:
    async with new_writer as writer:
        await writer.run(stopped)
        return writer.chain.next_seq
