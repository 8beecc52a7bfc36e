"""`hushtag audit run` as a process: the writer, its metrics, and what becomes of it when the log is found broken.

A log that was tampered with is not mended by a restart. So the process stays, writes nothing, and says so in its
metrics until somebody stops it: ending at once would leave a supervisor starting it again, and nothing to alert on.
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


async def keep(settings: Settings, heads: Path, metrics_port: int | None) -> int:
    """Write until SIGTERM or SIGINT; how many entries the log then has. `metrics_port` None: take up what is there.

    Raises:
        AuditBroken: the log is not as it was written; with metrics, only once it is stopped.
        Whatever `AuditWriter` raises.
    """
    stopped, metrics = asyncio.Event(), AuditMetrics()
    if metrics_port is None:
        stopped.set()
        return await _write(settings, heads, metrics, stopped)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    metrics.set_started(now_ms())
    state = State(metrics)
    health = HealthServer(metrics, host=settings.metrics_host, port=metrics_port, ready=state.why_not_ready)
    await health.start()
    log = logger(__name__)
    try:
        log.info("audit log starts", metrics=health.url)
        return await _write(settings, heads, metrics, stopped)
    except AuditBroken as broken:
        state.mark_broken(str(broken))
        log.error("the audit log is not as it was written: nothing more is added to it", why=state.broken)
        await stopped.wait()
        raise
    finally:
        await health.stop()


class State:
    """What /readyz answers."""

    def __init__(self, metrics: AuditMetrics) -> None:
        self.broken = ""
        self._metrics = metrics

    def mark_broken(self, why: str) -> None:
        """The log is not as it was written. The metric comes last: whoever it wakes finds the reason."""
        self.broken = why
        self._metrics.intact.set(0)

    def why_not_ready(self) -> str:
        """Why the log is not up to date; "" if it is."""
        if self.broken:
            return self.broken
        return "" if self._metrics.caught_up else "the log is being verified, or has not caught up yet"


async def _write(settings: Settings, heads: Path, metrics: AuditMetrics, stopped: asyncio.Event) -> int:
    async with AuditWriter(settings, heads, metrics) as writer:
        await writer.run(stopped)
        return writer.chain.next_seq
