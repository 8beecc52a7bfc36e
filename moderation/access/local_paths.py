"""Paths of this server that a login may lead to."""

from __future__ import annotations

CONSOLE = "/console"
"""Page that the reviewer link leads to."""


def local_path(path: str, default: str = "/v1/me") -> str:
    """Return a path of this server unchanged; other addresses become the default: a login must not lead elsewhere."""
    safe = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path
    return path if safe else default
