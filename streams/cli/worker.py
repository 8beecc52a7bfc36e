"""`hushtag worker`: run the pipeline. The only command module that imports `streams.pipeline`."""

from __future__ import annotations

import logging
import os
import sys
from typing import Annotated, NoReturn

import typer

from streams.errors import CallerMistake
from streams.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add `worker` to the command."""
    app.command()(worker)


def worker(
    stages: Annotated[
        str, typer.Option(metavar="STAGE,...", help="Stages to run, separated by commas.")
    ] = "ingest,judge,publish",
) -> None:
    """Run the pipeline until stopped: read tweets from Kafka, judge hashtags, publish flags to Redis.

    Start more workers to scale. A worker exits at the first unexpected error; its supervisor restarts it, and it
    replays. Logs are JSON on standard error. Metrics, /healthz and /readyz are served on
    HUSHTAG_METRICS_HOST:HUSHTAG_METRICS_PORT.
    """
    from streams.cli.inputs import load_policy_file
    from streams.logs import configure_logging
    from streams.pipeline import STAGES

    settings = load_settings()
    names = [name.strip() for name in stages.split(",") if name.strip()]
    unknown = [name for name in names if name not in STAGES]
    if unknown or not names:
        raise CallerMistake(f"unknown stage {', '.join(unknown) or '(none)'}", fix=f"--stages {','.join(STAGES)}")
    configure_logging(settings.log_level)
    policy = load_policy_file(settings.policy, settings.shards)
    from streams.pipeline.worker import Worker  # imported last: a mistake above is reported without the delay

    Worker(settings, names, policy).run(leave)


def leave(code: int) -> NoReturn:
    """Exit at once: a thread or a task that waits for a silent broker would delay a normal exit."""
    logging.shutdown()
    sys.stderr.flush()
    os._exit(code)
