"""A secured Kafka of one broker and a secured Valkey, with users that have the rights of a role alone."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator

import pytest

with warnings.catch_warnings():  # kafka-python reads its schemas, when imported, by a deprecated function
    warnings.simplefilter("ignore", DeprecationWarning)
    import kafka.admin  # noqa: F401

from devkit.stack import LocalStack
from streams.log.topics import create_topics
from tests.support.secured import Secured

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """Kafka with SASL_SSL and an authorizer, Valkey with TLS and users, on free loopback ports."""
    with LocalStack(tmp_path_factory.mktemp("secured"), secure=True, heap_mb=256) as running:
        yield running


@pytest.fixture
def secured(stack: LocalStack) -> Secured:
    """Its own topic prefix and group, all topics, and an empty Valkey; `Secured.user` makes users."""
    stack.valkey_server.flush()
    made = Secured(stack, f"c{next(_numbers)}")
    create_topics(made.admin)
    return made
