"""Clients across `fork`: the child gets a whole replica, no thread, and no part of the parent's connection.

The replica's lock is taken round the fork, so that no change is copied half done; the child gets a new lock, and the
client is told to begin again when it is next asked.
"""

from __future__ import annotations

import os
import threading
import weakref

from hushtag_client.answers import Answers

_clients: weakref.WeakSet[Answers] = weakref.WeakSet()
_held: list[Answers] = []


def watch(client: Answers) -> None:
    """Look after a client in every fork from now on, for as long as it lives."""
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
