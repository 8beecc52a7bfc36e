"""Log readers and refusing brokers: a refusal is distinguished from a broker that is away."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaError, TopicAuthorizationFailedError
from aiokafka.protocol.admin import (
    ApiVersionResponse_v0,
    SaslAuthenticateResponse_v1,
    SaslHandShakeResponse_v1,
)

from streams.errors import EXIT_AWAY, EXIT_CALLER, BrokerRefuses, DependencyAway
from streams.log.reading import LogReader, connection
from streams.settings import Settings

Answer = Callable[[int], bytes | None]
"""Returns the answer to a request by its API key; None: close the connection."""
API_VERSIONS, HANDSHAKE, AUTHENTICATE = 18, 17, 36


def answers(handshake: int = 0, login: int = 0) -> Answer:
    """Return the answers of a broker with SASL/PLAIN and these error codes."""
    by_key = {
        API_VERSIONS: ApiVersionResponse_v0(0, [(key, 0, 1) for key in (3, HANDSHAKE, AUTHENTICATE)]),
        HANDSHAKE: SaslHandShakeResponse_v1(handshake, ["PLAIN"]),
        AUTHENTICATE: SaslAuthenticateResponse_v1(login, "Invalid username or password" if login else None, b"", 0),
    }
    return lambda key: by_key[key].encode() if key in by_key else None


@asynccontextmanager
async def broker(answer: Answer) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                (size,) = struct.unpack(">i", await reader.readexactly(4))
                key, _, correlation = struct.unpack(">hhi", (await reader.readexactly(size))[:8])
                reply = answer(key)
                if reply is None:
                    break
                writer.write(struct.pack(">ii", 4 + len(reply), correlation) + reply)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def settings(kafka: str, mechanism: str = "PLAIN") -> Settings:
    return Settings.model_validate({
        "kafka": kafka, "kafka_security_protocol": "SASL_PLAINTEXT", "kafka_sasl_mechanism": mechanism,
        "kafka_sasl_username": "worker", "kafka_sasl_password": "s3cret",
    })  # fmt: skip


async def refused(answer: Answer, mechanism: str = "PLAIN", *, silence_seconds: float = 30.0) -> DependencyAway:
    async with broker(answer) as address:
        with pytest.raises(DependencyAway) as caught:
            async with LogReader(
                connection(settings(f"127.0.0.1:1,{address}", mechanism)), "t", silence_seconds=silence_seconds
            ):
                pass
    return caught.value


@pytest.mark.parametrize(
    ("answer", "mechanism", "why"),
    [
        (answers(login=58), "PLAIN", "Invalid username or password"),
        (answers(handshake=33), "SCRAM-SHA-512", "UnsupportedSaslMechanism"),
        (answers(), "SCRAM-SHA-512", "does not support SCRAM-SHA-512"),
        (answers(handshake=34), "PLAIN", "IllegalSaslState"),
    ],
)
async def test_refused_login_is_reported_at_once(answer: Answer, mechanism: str, why: str) -> None:
    error = await refused(answer, mechanism)
    assert isinstance(error, BrokerRefuses) and error.exit_code == EXIT_CALLER
    assert "refuses the login" in str(error) and why in str(error)
    assert "HUSHTAG_KAFKA_SASL_PASSWORD" in error.fix
    assert "s3cret" not in str(error)


async def test_closed_connection_counts_as_away() -> None:
    for answer in (lambda _: None, answers()):  # before the login, and after it
        error = await refused(answer, silence_seconds=1.0)
        assert not isinstance(error, BrokerRefuses) and error.exit_code == EXIT_AWAY


@pytest.mark.parametrize(
    ("error", "code"),
    [(TopicAuthorizationFailedError("t"), EXIT_CALLER), (GroupCoordinatorNotAvailableError(), EXIT_AWAY)],
)
async def test_missing_permission_does_not_count_as_away(error: KafkaError, code: int) -> None:
    reader = LogReader({"bootstrap_servers": "127.0.0.1:1"}, "t")

    async def asked(*_: object) -> None:
        raise error

    reader.partitions = (0,)
    reader._consumer.end_offsets = asked
    with pytest.raises(DependencyAway) as caught:
        await reader.bounds()
    assert (caught.value.exit_code, "hushtag acls kafka" in caught.value.fix) == (code, code == EXIT_CALLER)
    await reader._consumer.stop()


async def test_reader_of_single_records_fetches_little_and_never_waits() -> None:
    readers = [LogReader({"bootstrap_servers": "127.0.0.1:1"}, "t", single=single) for single in (True, False)]
    (wait_ms, size), (usual_wait_ms, usual_size) = (
        (one._consumer._fetch_max_wait_ms, one._consumer._max_partition_fetch_bytes) for one in readers
    )
    assert wait_ms * 50 <= usual_wait_ms and size * 50 <= usual_size
    for one in readers:
        await one._consumer.stop()
