"""Errors of redis-py, translated into who must act."""

from __future__ import annotations

import ssl

import pytest
from redis.exceptions import AuthenticationError, ConnectionError, NoPermissionError, ResponseError

from streams.errors import EXIT_AWAY, EXIT_CALLER, FlagStoreRefuses
from streams.flags.refusals import store_error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (NoPermissionError("User ann has no permissions to run the 'info' command"), "ann has no permissions"),
        (ResponseError("ACL failure in script: User ann has no permissions to run the 'hset' command"), "'hset'"),
        (AuthenticationError("invalid username-password pair"), "refuses the login"),
        (ConnectionError("Error 1 connecting to h:1. [SSL: CERTIFICATE_VERIFY_FAILED] failed"), "TLS with h:1 failed"),
    ],
)
def test_refusal_names_user_and_command(error: Exception, words: str) -> None:
    found = store_error(error, "h:1")
    assert isinstance(found, FlagStoreRefuses) and found.exit_code == EXIT_CALLER
    assert words in str(found) and found.fix


def test_failed_handshake_in_a_cause_counts_as_tls() -> None:
    error = ConnectionError("Error connecting")
    error.__cause__ = ssl.SSLCertVerificationError("certificate verify failed")
    assert "TLS" in str(store_error(error, "h:1"))


def test_closed_connection_counts_as_away() -> None:
    found = store_error(ConnectionError("Connection refused"), "h:1")
    assert not isinstance(found, FlagStoreRefuses) and found.exit_code == EXIT_AWAY
