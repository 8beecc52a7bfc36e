"""The admin client: errors of a broker that goes away while commands use it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from kafka.errors import KafkaConnectionError, TopicAuthorizationFailedError

from streams.errors import EXIT_AWAY, BrokerRefuses, DependencyAway, TopicsError
from streams.log import admin
from streams.settings import Settings


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Note each closed client, in place of a connected one."""
    found: list[bool] = []
    client = SimpleNamespace(close=lambda: found.append(True))
    monkeypatch.setattr(admin, "_connect", lambda settings, report: client)
    return found


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (KafkaConnectionError("111 ECONNREFUSED"), DependencyAway),
        (TopicAuthorizationFailedError("t"), BrokerRefuses),
        (TopicsError("mine"), TopicsError),
    ],
)
def test_error_of_a_request_says_who_must_act(closed: list[bool], error: Exception, raised: type[Exception]) -> None:
    with pytest.raises(raised) as caught, admin.admin_client(Settings()):
        raise error
    assert closed == [True] and type(caught.value) is raised


def test_broker_that_goes_away_is_reported_as_away(closed: list[bool]) -> None:
    with pytest.raises(DependencyAway, match="ECONNREFUSED") as caught, admin.admin_client(Settings()):
        raise KafkaConnectionError("111 ECONNREFUSED")
    assert caught.value.exit_code == EXIT_AWAY
