"""Clients across `fork`: the child keeps the complete replica, without the parent's thread and connection.

The replica's lock is held during the fork, so that no incomplete change is copied. The child gets a new lock, and its
client restarts the replication at the next check.
"""

from __future__ import annotations

import os
import threading
import weakref

from hushtag_client.answers import Answers

_clients: weakref.WeakSet[Answers] = weakref.WeakSet()
_held: list[Answers] = []


def watch(client: Answers) -> None:
    """Register a client for all later forks, as long as it lives."""
    _clients.add(client)


def _before() -> None:
    _held[:] = list(_clients)
    for client in _held:
        client._replica.lock.acquire()


def _after_in_parent() -> None:
    for client in _held:
        client._replica.lock.release()
    _held.clear()


def _after_in_child() -> None:
    for client in _held:
        client._replica.lock = threading.Lock()
        client._forked()
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
