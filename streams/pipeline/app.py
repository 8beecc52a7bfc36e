"""Faust's app for a worker: its settings, its consumer's options, and one agent per stage."""

from __future__ import annotations

import asyncio
import os
import socket
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import faust
import faust.auth

from streams.log.kafka_security import security_kwargs
from streams.log.reading import connection
from streams.pipeline import STAGES, transport
from streams.pipeline.stages import Assignments, Stage
from streams.settings import Settings

_GROUP_CHECK_SECONDS = 1.0


class App(faust.App):
    """Faust's app with the assignments that the transport needs."""

    stages: Assignments
    on_crash: Callable[[BaseException], None] | None = None
    """Called with the error, from any thread: Faust only marks a crashed app and leaves the rest to its own worker."""

    def _crash(self, reason: BaseException) -> None:
        super()._crash(reason)
        if self.on_crash is not None:
            self.on_crash(reason)


def group_of(settings: Settings, stages: Sequence[str]) -> str:
    """Return the consumer group of a set of stages; each incomplete set has its own group."""
    suffix = "" if tuple(stages) == STAGES else "-" + "-".join(stages)
    return settings.topic_prefix + settings.group + suffix


def worker_name(settings: Settings) -> str:
    """Return the name of this worker in records and at the broker."""
    return settings.instance_id or f"{socket.gethostname()}-{os.getpid()}"


def consumer_options(settings: Settings, group: str) -> Mapping[str, Any]:
    """Return the arguments of the worker's aiokafka consumer."""
    session_ms = int(settings.session_timeout_seconds * 1000)
    rebalance_ms = max(session_ms, 10_000)
    return {
        **connection(settings),
        "client_id": f"hushtag-{worker_name(settings)}",
        "group_id": group,
        "group_instance_id": settings.instance_id or None,
        "session_timeout_ms": session_ms,
        "heartbeat_interval_ms": min(1_000, session_ms // 3),
        "rebalance_timeout_ms": rebalance_ms,
        "max_poll_interval_ms": 2**31 - 1,  # a consumer with nothing to fetch would leave; the watchdog guards polls
        "max_poll_records": 5_000,
        "max_partition_fetch_bytes": 4 * 1024 * 1024,
        "fetch_max_wait_ms": 200,
        "metadata_max_age_ms": 1_000,
        "request_timeout_ms": rebalance_ms + 5_000,  # a join waits for the rebalance; a dead connection no longer
    }


def credentials(settings: Settings) -> faust.auth.Credentials | None:
    """Return the login of Faust's own producer, which takes no arguments of aiokafka; None: a plaintext connection."""
    login = security_kwargs(settings)
    if "sasl_mechanism" in login:
        return faust.SASLCredentials(
            mechanism=login["sasl_mechanism"],
            username=login["sasl_plain_username"],
            password=login["sasl_plain_password"],
            ssl_context=login.get("ssl_context"),
        )
    return faust.SSLCredentials(login["ssl_context"]) if "ssl_context" in login else None


def make_app(settings: Settings, group: str, assignments: Assignments) -> App:
    """Create the app. Faust's tables, web server and leader election stay off."""
    session = settings.session_timeout_seconds
    app = App(
        group,
        broker=f"hushtag://{settings.kafka}",
        broker_credentials=credentials(settings),
        topic_disable_leader=True,
        topic_allow_declare=False,
        web_enabled=False,
        datadir=str(Path(tempfile.gettempdir()) / "hushtag-faust"),  # Faust creates it; nothing of ours is in it
        stream_wait_empty=False,
        broker_session_timeout=session,
        broker_request_timeout=max(40.0, session + 5.0),
        broker_heartbeat_interval=min(1.0, session / 3),
        broker_commit_interval=0.5,
        stream_buffer_maxsize=8,
        producer_linger=0,
        TableManager=transport.NoTables,
    )
    app.stages = assignments
    return app


async def watch_group(app: App) -> None:
    """Raise the error with which a broker refuses the group: Faust asks for none before the first assignment."""
    while True:
        await asyncio.sleep(_GROUP_CHECK_SECONDS)
        thread = cast(transport.Consumer, app.consumer)._thread
        coordinator = getattr(thread._consumer, "_coordinator", None)
        if coordinator is not None:
            await thread.call_thread(_check_errors, coordinator)


async def _check_errors(coordinator: Any) -> None:
    coordinator.check_errors()


def add_agent(app: App, stage: Stage, crash: Callable[[BaseException], Awaitable[None]]) -> None:
    """Add the agent of a stage: it hands each batch to its partition, and an error in it ends the worker."""
    topic = app.topic(stage.topic, schema=transport.BatchSchema(), acks=False)

    async def read(stream: Any) -> None:
        async for event in stream.events():
            partition = app.stages.get(event.message.tp)
            if partition is None:
                continue
            try:
                await partition.process(event.message.value)
            except Exception as error:
                partition.drop()
                await crash(error)
                return

    app.agent(topic, name=f"hushtag-{stage.topic}")(read)
