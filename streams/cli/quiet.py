"""For commands that end: those that serve set levels of their own."""

from __future__ import annotations

import logging


def quieten() -> None:
    """What fails is told by our own errors, once; the Kafka libraries would log each attempt."""
    for library in ("aiokafka", "kafka"):
        logging.getLogger(library).setLevel(logging.CRITICAL)
