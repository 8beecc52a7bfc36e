"""Forked children keep the replica and start their own thread at the first check; no server is needed."""

from __future__ import annotations

import threading

from hushtag_client import FlagsClient, MemoryFlagsClient, MemoryServer, Register
from hushtag_client.clock import now_ms

from tests.support.forked import in_child


def filled() -> FlagsClient:
    """Create a client with a current replica and no server."""
    server = MemoryServer()
    held = Register(version="1", action="suppress", hashtag="tag", surface="trends", expires_at_ms=now_ms() + 60_000)
    server.seed([held], settled_ms=now_ms())
    source = MemoryFlagsClient(server)
    source.catch_up()
    client = FlagsClient("redis://127.0.0.1:1/0")
    client._replica = source._replica
    client._renew()
    return client


def test_forked_child_answers_and_starts_its_own_thread() -> None:
    with filled() as client:
        parents = client._worker

        def question() -> bool:
            assert client._worker is None
            assert client.check("tag", "trends").why == "flagged"
            return client._worker is not None and client._worker is not parents and client._worker.is_alive()

        assert in_child(question)
        assert client._worker is parents
        assert client.check("tag", "trends").why == "flagged", "the parent is unaffected"


def test_grandchild_answers_too() -> None:
    with filled() as client:
        assert in_child(lambda: in_child(lambda: client.check("tag", "trends").why == "flagged"))


def test_child_of_unstarted_client_starts_no_thread() -> None:
    client = filled()
    assert in_child(lambda: not client.check("none", "trends").register and client._worker is None)


def test_fork_waits_for_incomplete_change() -> None:
    client = filled()
    taken, release = threading.Event(), threading.Event()

    def change() -> None:
        with client._replica.lock:
            taken.set()
            release.wait(60)

    thread = threading.Thread(target=change)
    thread.start()
    assert taken.wait(60)
    threading.Timer(0.2, release.set).start()
    assert in_child(lambda: release.is_set() and client._replica.lock.acquire(blocking=False))
    thread.join()
    assert client._replica.lock.acquire(blocking=False)
    client._replica.lock.release()
