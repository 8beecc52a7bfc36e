"""Ports on loopback, chosen below the range that the kernel assigns to outgoing connections.

A restarted server needs its old port again. From the kernel's range, an outgoing connection could occupy it by then.
Processes that start servers side by side draw from different slices: a port that one has drawn is free until its server
listens, and another process could draw it, too.
"""

from __future__ import annotations

import os
import random
import socket

from devkit.stack.errors import StackError, StackMistake

LOOPBACK = "127.0.0.1"
_LOWEST, _HIGHEST = 20_000, 32_000
_SLICES = 24
"""Slices of the range; a process has that of its id, and uses the others once its own is full."""
_random = random.SystemRandom()
_given: set[int] = set()
"""Ports that `free_port` has returned: their servers may not listen yet, so none is returned twice."""


def is_free(port: int) -> bool:
    """Return whether a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError:
            return False
        return True


def free_port() -> int:
    """Pick a loopback port on which no server listens, another one for each call of a process.

    Raises:
        StackError: none found in 200 draws.
    """
    size = (_HIGHEST - _LOWEST) // _SLICES
    own = _LOWEST + os.getpid() % _SLICES * size
    for draw in range(200):
        port = _random.randrange(own, own + size) if draw < 100 else _random.randrange(_LOWEST, _HIGHEST)
        if port not in _given and is_free(port):
            _given.add(port)
            return port
    raise StackError(
        f"no free port between {_LOWEST} and {_HIGHEST}", fix="stop some of the servers that listen on 127.0.0.1"
    )


def claim(port: int, *, server: str, option: str) -> int:
    """Return `port` if a server can listen on it, or a free port for 0.

    Raises:
        StackMistake: it is in use, or out of range.
    """
    if port == 0:
        return free_port()
    if not 0 < port < 65_536:
        raise StackMistake(
            f"port {port} for {server} is out of range", fix=f"{option} takes 1 to 65535, or 0 for any free port"
        )
    if not is_free(port):
        raise StackMistake(
            f"port {port} of 127.0.0.1, wanted for {server}, is in use or not permitted",
            fix=f"stop the server that uses it, or set another port with {option} (0: any free one)",
        )
    return port


def answers(port: int, *, timeout_seconds: float = 0.5) -> bool:
    """Return whether a server accepts connections on this loopback port."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=timeout_seconds):
            return True
    except OSError:
        return False
