"""Process of `hushtag notify`: the notifier, its metrics and its probes, until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import signal

from moderation.outward.notify.channels import channels_of
from moderation.outward.notify.config import NotifyConfig
from moderation.outward.notify.metrics import NotifyMetrics
from moderation.outward.notify.notifier import Notifier
from moderation.outward.notify.outbox import NotifyMessage, Outbox
from moderation.outward.notify.planning import new_marks, new_messages
from moderation.outward.notify.reader import NotifyReader
from streams.clock import now_ms
from streams.health import HealthServer
from streams.logs import logger
from streams.settings import Settings

_LATEST_SECONDS = 60.0
"""Age of the last complete reading with which the process still counts as ready."""


async def run_notifier(settings: Settings, config: NotifyConfig, metrics_port: int) -> None:
    """Send notifications until stopped.

    Raises:
        CallerMistake: a channel lacks its key or server.
        DependencyAway, TakenOver: raised by `Notifier`.
    """
    channels = channels_of(config, settings)
    stopped, metrics = asyncio.Event(), NotifyMetrics()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    metrics.set_started(now_ms())

    def problem() -> str:
        if not metrics.caught_up_ms:
            return "the logs are being read"
        age_seconds = (now_ms() - metrics.caught_up_ms) / 1000
        return f"the logs were last read {age_seconds:.0f} s ago" if age_seconds > _LATEST_SECONDS else ""

    health = HealthServer(metrics.registry, host=settings.metrics_host, port=metrics_port, ready=problem)
    await health.start()
    try:
        logger(__name__).info("notifications started", metrics=health.url, channels=sorted(channels))
        async with Notifier(settings, config, channels, metrics) as notifier:
            await notifier.run(stopped)
    finally:
        await health.stop()


async def planned_now(settings: Settings, config: NotifyConfig) -> list[NotifyMessage]:
    """Return the messages that a process would send now: those that wait, and those that are due.

    Writes nothing. Raises the errors of `LogReader`.
    """
    outbox = Outbox()
    async with NotifyReader(settings) as reader:
        await reader.read_outbox(outbox)
        await reader.read_logs()
        at_ms = now_ms()
        for mark in new_marks(config, outbox, at_ms):
            outbox.marks[mark.channel, mark.event] = mark.from_ms
        waiting = [message for name in config.channels for message in outbox.waiting(name)]
        rules = settings.account_rules
        return waiting + list(new_messages(config, reader.state, outbox, at_ms, account_rules=rules))
