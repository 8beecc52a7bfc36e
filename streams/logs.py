"""Logs: one JSON object per line on stderr, for this project and for every library."""

from __future__ import annotations

import logging.config
from typing import Any

import structlog

_QUIETER = ("aiokafka", "kafka", "faust", "mode", "asyncio", "httpx", "httpcore", "watchfiles")
"""Libraries whose info lines are not useful to an operator; their warnings are logged."""
_NEVER_BELOW = {"aiokafka": "INFO", "kafka": "INFO", "httpx": "WARNING"}
"""Lowest level of libraries that log secrets below it: the Kafka password, the whole URL of a webhook."""
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


def configure_logging(level: str = "info") -> None:
    """Set up logging for this process. A second call replaces the level.

    Args:
        level: debug, info, warning or error (`HUSHTAG_LOG_LEVEL`).
    """
    logging.config.dictConfig(logging_config(level))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_common_processors(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logging.captureWarnings(True)


def logging_config(level: str = "info") -> dict[str, Any]:
    """Return the configuration as a `logging.config` dictionary, which Faust accepts as `logging_config`."""
    name = level.upper()
    quieter = "WARNING" if name == "INFO" else name
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.format_exc_info,
                    structlog.processors.EventRenamer("message"),
                    structlog.processors.JSONRenderer(default=repr),
                ],
                "foreign_pre_chain": [*_common_processors(), structlog.stdlib.ExtraAdder()],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "stream": "ext://sys.stderr", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": name},
        "loggers": {
            library: {
                "level": max(quieter, _NEVER_BELOW.get(library, quieter), key=_LEVELS.index),
                "handlers": [],
                "propagate": True,
            }
            for library in _QUIETER
        },
    }


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return a logger whose keyword arguments become fields: `logger(__name__).info("settled", shard=3)`."""
    bound: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return bound


def _common_processors() -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]
