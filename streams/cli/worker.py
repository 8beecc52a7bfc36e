"""`hushtag worker`: the pipeline."""

from __future__ import annotations

import logging
import os
import sys
from typing import Annotated, NoReturn

import typer

from streams.errors import CallerMistake
from streams.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(worker)


def worker(
    stages: Annotated[str, typer.Option(help="Which stages to run, comma-separated.")] = "ingest,judge,publish",
) -> None:
    """Run the pipeline until stopped: read tweets from Kafka, judge hashtags, publish flags to Redis.

    Add workers to scale. A worker ends at the first unexpected error; have a supervisor start it again, and it replays.
    Logs are JSON on stderr; metrics, /healthz and /readyz are at HUSHTAG_METRICS_HOST:HUSHTAG_METRICS_PORT.
    """
    from streams.cli.files import load_policy_file
    from streams.logs import configure_logging
    from streams.pipeline.names import STAGES

    settings = load_settings()
    names = [name.strip() for name in stages.split(",") if name.strip()]
    unknown = [name for name in names if name not in STAGES]
    if unknown or not names:
        raise CallerMistake(f"unknown stage {', '.join(unknown) or '(none)'}", fix=f"--stages {','.join(STAGES)}")
    configure_logging(settings.log_level)
    policy = load_policy_file(settings.policy, settings.shards)
    from streams.pipeline.worker import Worker  # last: whoever made a mistake is told at once

    Worker(settings, names, policy).run(leave)


def leave(code: int) -> NoReturn:
    """End at once: a thread or a task that waits for a silent broker would hold the exit up."""
    logging.shutdown()
    sys.stderr.flush()
    os._exit(code)
