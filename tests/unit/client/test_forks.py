"""A forked child has the replica and no thread; it starts its own when it is first asked. No server is needed."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable

from hushtag_client import FlagsClient, MemoryFlagsClient, MemoryServer, Register
from hushtag_client.clock import now_ms


def in_child(question: Callable[[], bool]) -> bool:
    """Whether a question is answered with yes in a forked child. A child that raises or hangs says no."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of forks beside threads: our subject
        pid = os.fork()
    if pid == 0:
        answer = 1
        try:
            answer = 0 if question() else 1
        finally:
            os._exit(answer)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def filled() -> FlagsClient:
    """A client whose server has gone, with a replica that is good for a while."""
    server = MemoryServer()
    held = Register(version="1", action="suppress", hashtag="tag", surface="trends", expires_at_ms=now_ms() + 60_000)
    server.seed([held], settled_ms=now_ms())
    source = MemoryFlagsClient(server)
    source.catch_up()
    client = FlagsClient("redis://127.0.0.1:1/0")
    client._replica = source._replica
    client._renew()
    return client


def test_the_child_answers_at_once_and_follows_with_a_thread_of_its_own() -> None:
    with filled() as client:
        parents = client._thread

        def question() -> bool:
            assert client._thread is None
            assert client.check("tag", "trends").why == "flagged"
            return client._thread is not None and client._thread is not parents and client._thread.is_alive()

        assert in_child(question)
        assert client._thread is parents
        assert client.check("tag", "trends").why == "flagged", "the parent goes on as before"


def test_a_grandchild_too() -> None:
    with filled() as client:
        assert in_child(lambda: in_child(lambda: client.check("tag", "trends").why == "flagged"))


def test_a_child_of_a_client_that_was_not_started_starts_nothing() -> None:
    client = filled()
    assert in_child(lambda: not client.check("none", "trends").register and client._thread is None)


def test_a_fork_waits_for_a_change_that_is_half_done() -> None:
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
